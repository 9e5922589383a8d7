"""Patterns: regular expressions of ECMA-262 with the `u` flag (Core, section 6.4), limited in time and memory.

One engine both checks and matches, so that a pattern that passes the check can always be matched. Python's `re` and
`regex` differ from ECMA-262: `$` matches before a last newline, `\\d` matches other digits than ASCII ones, and `regex`
reads `{e}` as fuzzy matching. Both build `((a{100}){100}){100}` node by node.
"""

from functools import lru_cache

from corvus_regex_ecma262 import MatchLimitError, Regex, error

PATIENCE = 1.0
"""Longest time for matching the patterns of one document, in seconds."""
_LONGEST = 10_000
"""Most characters of a pattern. Patterns that people write have a few hundred at most."""


@lru_cache(maxsize=4096)
def compiled(pattern: str) -> Regex:
    """A pattern, ready to be matched.

    Raises:
        ValueError: it is not a regular expression of ECMA-262 with the `u` flag, or is too long or nested too deeply.
    """
    if len(pattern) > _LONGEST:
        raise ValueError(f"the pattern {pattern[:40]!r}... has more than {_LONGEST:,} characters")
    try:
        return Regex(pattern, "u")
    except error as fault:
        shown = pattern if len(pattern) <= 80 else f"{pattern[:80]}..."
        reason = str(fault).removeprefix("ecmaregex: ")
        raise ValueError(f"{shown!r} is not a regular expression of ECMA-262: {reason}") from None


def is_pattern(text: str) -> bool:
    """Whether a text is a regular expression, which is what `format: regex` asks for."""
    try:
        return bool(compiled(text))
    except ValueError:
        return False


def matches(pattern: str, text: str, patience: float = PATIENCE) -> bool:
    """Whether a pattern matches somewhere in a text.

    Raises:
        ValueError: it is not a pattern, or matching takes more than `patience` seconds or the engine's memory.
    """
    try:
        return bool(compiled(pattern).test(text, timeout=max(patience, 1e-3)))
    except MatchLimitError:
        raise ValueError(f"the pattern {pattern[:80]!r} takes too long to match") from None
