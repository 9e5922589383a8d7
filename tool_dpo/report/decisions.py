"""What models decide: to call, to call several times, to ask, to decline. Rates, and a table of asked for by said."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from tool_dpo.kinds import DECISIONS, Decision
from tool_dpo.report.rates import difference, rate
from tool_dpo.schema.answer import Answer
from tool_dpo.schema.forms import read_form
from tool_dpo.schema.verdict import judge
from tool_dpo.tools.names import split_words

CALLING: tuple[Decision, ...] = ("call", "choose", "several")
"""The decisions that ask for a call. SSPR is over requests that ask for one of these."""
SAID = ("call", "several", "asks", "declines", "broken")
"""What an answer can be as a whole. Words ask if they have a question mark, and decline if they do not."""


class Asking(Protocol):
    """A triplet, or an answer to it."""

    @property
    def decision(self) -> Decision | None: ...


_Asking = TypeVar("_Asking", bound=Asking)


def asked_for(one: Asking) -> Decision:
    """What a request asks a model to decide."""
    return one.decision or "call"


def calling(those: Iterable[_Asking]) -> list[_Asking]:
    """The ones whose request asks for a call."""
    return [one for one in those if asked_for(one) in CALLING]


def said_as(answer: Answer) -> str:
    """What an answer is, one of SAID."""
    calls, words = read_form(answer.call)
    if words is not None:
        return "asks" if "?" in words else "declines"
    return "broken" if not calls else "several" if len(calls) > 1 else "call"


def _called(answer: Answer) -> bool:
    """Whether a call was made, whatever stands around it."""
    return answer.found is not None


def _not_in_words(answer: Answer) -> bool:
    """Whether an answer is anything but words. What is broken may be part of a call."""
    return read_form(answer.call)[1] is None


def _asked_rightly(answer: Answer) -> bool:
    """Whether an answer is a question with each word of the missing parameter's name."""
    names, (_, words) = split_words(answer.missing or ""), read_form(answer.call)
    return said_as(answer) == "asks" and {*names} <= {*split_words(words or "")}


def _strict(answer: Answer) -> bool:
    return judge(answer.schema, answer.call).failure is None


def _tool_chosen(answer: Answer) -> bool:
    """Whether the first call is to the right tool."""
    return [one["tool"] for one in read_form(answer.found or "")[0]] == [answer.tool]


def _all_called(answer: Answer) -> bool:
    """Whether the right tools are called, each as often as it should be, and every call is strict."""
    calls, expected = (Counter(one["tool"] for one in read_form(text)[0]) for text in (answer.call, answer.expected))
    return calls == expected and _strict(answer)


_RATES: dict[str, tuple[tuple[Decision, ...], Callable[[Answer], bool]]] = {
    "sspr_of_single_calls": (("call",), _strict),
    "over_call": (("no_tool", "ask"), _not_in_words),
    "call_recall": (CALLING, _called),
    "asked_rightly": (("ask",), _asked_rightly),
    "tool_chosen": (("choose",), _tool_chosen),
    "all_calls": (("several",), _all_called),
}
"""By name: the decisions that a rate is over, and what it is the share of."""
RATES = tuple(_RATES)


def decisions(answers: Sequence[Answer]) -> dict[str, Any]:
    """Rates of right decisions with their intervals over tools, and counts of what was said by what was asked for.

    Empty if no request asks for a decision. A rate is left out if no request is of its kind.
    """
    if not any(answer.decision for answer in answers):
        return {}
    table = {decision: dict.fromkeys(SAID, 0) for decision in DECISIONS}
    for answer in answers:
        table[asked_for(answer)][said_as(answer)] += 1
    rates = {name: rate(*found) for name in RATES if (found := _outcomes(name, answers))[0]}
    return {**rates, "said": table}


def decided(first: Sequence[Answer], second: Sequence[Answer]) -> dict[str, Any]:
    """Two models' decisions on the same requests compared: a paired test of each rate."""
    tests = {}
    for name in RATES if any(answer.decision for answer in first) else ():
        (before, tools), (after, _) = _outcomes(name, first), _outcomes(name, second)
        if before:
            tests[name] = difference(before, after, tools)
    return tests


def _outcomes(name: str, answers: Sequence[Answer]) -> tuple[list[bool], list[str]]:
    """Of each answer that a rate is over: whether it counts, and the tool of its request."""
    over, counts = _RATES[name]
    those = [answer for answer in answers if asked_for(answer) in over]
    return [counts(answer) for answer in those], [answer.tool for answer in those]
