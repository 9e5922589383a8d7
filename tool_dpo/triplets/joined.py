"""Several requests in one, as people join them."""

import random
import re
from collections.abc import Sequence

from tool_dpo.tools.deeds import VERBS
from tool_dpo.tools.names import word_set

_AFTER = ("Also, {}", "Then {}", "After that, {}", "And {}", "Next, {}", "And then {}")
"""What stands before a command."""
_AFTER_QUESTION = ("Also, {}", "And {}", "Another thing: {}")
_BEFORE_ANY = ("One more thing: {}", "And another one: {}", "On top of that: {}", "Next: {}")
_LAST = ("Finally, {}", "And lastly, {}")
_STARTS = VERBS | word_set(
    """
    please pls kindly can could would will may put let let's log charge pay grab kick throw drop pull hold turn switch
    print ship sign roll scale limit offer admit announce fight credit sell quote flag enter i'd
    """
)
"""First words of a command. A template may start with another word, or with a value, which keep their capital."""
_ASKING = word_set("what which when where who how is are does do was has have any what's who's where's how's")


def joined(requests: Sequence[str], rng: random.Random) -> str:
    """The requests as one text, in their order."""
    text = requests[0].strip()
    for index, one in enumerate(requests[1:], 1):
        one = one.strip()
        last = index == len(requests) - 1 > 1
        if _is_command(text) and _is_command(one) and rng.random() < 0.4:
            text = f"{text.rstrip('.')}{rng.choice((', and then ', ' and ', ', and '))}{_lowered(one)}"
        else:
            text = f"{_ended(text)} {_opened(one, rng, last=last)}"
    return text


def _opened(request: str, rng: random.Random, *, last: bool) -> str:
    """A request with words before it that join it to the one before."""
    first = _first(request)
    if first in _STARTS:
        return rng.choice(_LAST if last else _AFTER).format(_lowered(request))
    if first in _ASKING:
        return rng.choice(_AFTER_QUESTION).format(_lowered(request))
    return rng.choice(_BEFORE_ANY).format(request)


def _is_command(text: str) -> bool:
    """Whether a text is one sentence that starts with a verb, or with "please"."""
    return _first(text) in VERBS | {"please", "pls"} and not re.search(r"[?!:;]|\. |\bplease\b.*\w\.?$", text[1:])


def _first(text: str) -> str:
    return text.split()[0].lower().strip(",:") if text.split() else ""


def _lowered(text: str) -> str:
    """The text with a small letter at its start, unless the first word is "I"."""
    return text if re.match(r"I\b", text) else text[:1].lower() + text[1:]


def _ended(text: str) -> str:
    return text if text[-1:] in ".?!" else f"{text}."
