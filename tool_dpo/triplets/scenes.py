"""Scenes: requests that call for a decision, with the tools that they are put to, and the right and a wrong answer."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from tool_dpo.kinds import Decision
from tool_dpo.tools.catalog import Request, Source
from tool_dpo.tools.tool import Tool
from tool_dpo.triplets.augment import Case
from tool_dpo.triplets.cases import call_of
from tool_dpo.triplets.forced import forced, likeliest, topic, topic_of
from tool_dpo.triplets.incomplete import MISSING, incomplete
from tool_dpo.triplets.joined import joined
from tool_dpo.triplets.neighbours import Neighbours

NO_TOOL = "I have no tool for that."
_ASK = 'What should "{}" be?'
_LISTED = {
    "no_tool": (1, 1, 2, 2, 3, 4),
    "ask": (1, 1, 1, 2, 3),
    "choose": (2, 2, 3, 3, 3, 4, 5, 6, 8),
}
"""How many tools a prompt lists, each number with the same chance."""
_ALL_NEAR = 0.5
"""Probability that the tools to choose from are all of one file, if it has so many."""
_CALLS = (2, 2, 2, 3)
_SPARE = (0, 0, 1, 2)
"""How many tools a prompt lists beside those of several calls."""
_SAME_TOOL = 0.3
"""Probability that several calls are to one tool."""
_FAULTS = ("missing", "missing", "doubled", "extra")
_UNFIT = ("near", "near", "far", "none")
"""Requests that no listed tool fits."""
_MOST_UNFIT = 3
"""How many of these are drawn, of which one is taken."""
_DECLINED = 0.5
"""Probability that the wrong answer to a request with a tool that fits is words. Otherwise words would always be right
and calls wrong, and preference training first learns what all wrong answers have in common."""


@dataclass(frozen=True)
class Answers:
    """Both answers as documents, and what the request lacks (see `Triplet.missing`)."""

    chosen: Any
    rejected: Any
    missing: str | None = None


@dataclass(frozen=True)
class Scene:
    """A request, and the tools that it is put to.

    The answers need the first `needed` cases, in any form that these get, and `answers` makes them from these. The
    values of `fixed` scenes fit the tools only as they are written.
    """

    request: str
    cases: Sequence[Case]
    needed: int
    answers: Callable[[Sequence[Case]], Answers]
    fixed: bool = False


@dataclass(frozen=True)
class Scenes:
    """Makes scenes of tools.

    source: gives the requests of single calls.
    small_talk: requests that no tool fits, each of one part of the split, as tools are.
    optional: probability that a request mentions an optional parameter.
    """

    source: Source
    neighbours: Neighbours
    small_talk: Sequence[str]
    optional: float

    def no_tool(self, tool: Tool, rng: random.Random) -> Scene:
        """A request for another tool of the file, for one of another file, or for none. The wrong answer calls the
        likeliest of the listed tools. Requests that share words with these tools come first, so that no shared word
        says which requests fit."""
        listed = [tool, *self.neighbours.beside(tool, rng.choice(_LISTED["no_tool"]) - 1, rng)]
        kind = rng.choice(_UNFIT)
        missing = None
        if kind == "none":
            of_part = [one for one in self.small_talk if self.neighbours.same_part(one, tool.name)]
            request = Request(rng.choice(_some(of_part)), {})
            if topic(request.text) & set().union(*map(_all_words, listed)):
                raise ValueError("a tool may fit the small talk")
        else:
            fitting = _some(self.neighbours.others(listed, _MOST_UNFIT, rng, near=kind == "near"))
            asked = {one.name: self._request(one, rng) for one in fitting}
            words = set().union(*map(_all_words, listed))
            missing = max(asked, key=lambda name: len(topic(asked[name].text) & words))
            request = asked[missing]
        called = likeliest(listed, request.text)
        cases = [_case(called, forced(called, request, rng)), *_cases(listed, called)]
        return Scene(request.text, cases, 1, lambda found: Answers(_words(NO_TOOL), call_of(found[0]), missing))

    def ask(self, tool: Tool, rng: random.Random) -> Scene:
        """A request that lacks a required value. The wrong answer makes one up."""
        request = incomplete(tool, self.optional, rng)
        others = self.neighbours.beside(tool, rng.choice(_LISTED["ask"]) - 1, rng)
        case = Case(tool.name, request.parameters, request.values, tool.description)

        def answers(found: Sequence[Case]) -> Answers:
            properties = found[0].parameters["properties"]
            missing = next((name for name, one in properties.items() if MISSING in one), None)
            if missing is None:
                raise ValueError("the schema says the value by now, allows null, or has it inside another parameter")
            return Answers(_words(_ASK.format(missing)), call_of(found[0]), missing)

        return Scene(request.text, [case, *_cases(others)], 1, answers)

    def choose(self, tool: Tool, rng: random.Random) -> Scene:
        """A request to one of several tools. The wrong answer calls the likeliest of the others, or none."""
        count, all_near = rng.choice(_LISTED["choose"]) - 1, rng.random() < _ALL_NEAR
        others = _some(self.neighbours.beside(tool, count, rng, all_near=all_near))
        request = self._request(tool, rng)
        wrong = likeliest(others, request.text)
        cases = [_case(tool, request.parameters), _case(wrong, forced(wrong, request, rng)), *_cases(others, wrong)]
        declined, words = rng.random() < _DECLINED, rng.choice((NO_TOOL, _ASK))

        def answers(found: Sequence[Case]) -> Answers:
            said = words.format(next(iter(found[0].values), "this"))
            return Answers(call_of(found[0]), _words(said) if declined else call_of(found[1]))

        return Scene(request.text, cases, 2, answers)

    def several(self, tool: Tool, rng: random.Random) -> Scene:
        """A request for several calls. The wrong answer leaves one out, doubles one or adds one."""
        count, one_tool, fault = rng.choice(_CALLS), rng.random() < _SAME_TOOL, rng.choice(_FAULTS)
        spare = max(rng.choice(_SPARE), fault == "extra")
        others = self.neighbours.beside(tool, spare + (0 if one_tool else count - 1), rng)
        called = [tool] * count if one_tool else [tool, *_some(others)[: count - 1]]
        requests = [self._request(one, rng) for one in called]
        text = joined([one.text for one in requests], rng)
        whole = Request(text, {name: value for one in requests for name, value in one.parameters.items()})
        calls = [_case(one, request.parameters) for one, request in zip(called, requests, strict=True)]
        if one_tool and _contradict([one.values for one in calls]):
            raise ValueError("several calls that say something else of the same thing")
        left = [one for one in others if one not in called]
        at = rng.randrange(len(called))
        extra = [likeliest(left, text)] if fault == "extra" and left else []
        added = [_case(one, forced(one, whole, rng)) for one in extra]
        cases = [*(calls[:1] if one_tool else calls), *added]

        def answers(found: Sequence[Case]) -> Answers:
            right = [call_of(one) for one in (calls if one_tool else found[: len(calls)])]
            wrong = right[:at] + right[at + 1 :]
            if added:
                wrong = [*right, call_of(found[-1])]
            elif fault == "doubled":
                wrong = [*right[: at + 1], *right[at:]]
            return Answers(right, wrong if len(wrong) > 1 else wrong[0])

        listed = [*cases, *_cases(left, *extra)]
        return Scene(text, listed, len(cases), lambda found: answers(found[: len(cases)]), fixed=one_tool)

    def _request(self, tool: Tool, rng: random.Random) -> Request:
        request = self.source(tool, rng.randrange(2**16), rng)
        if request is None:
            raise ValueError(f"no request for {tool.name!r}")
        return request


SCENES: dict[Decision, Callable[[Scenes, Tool, random.Random], Scene]] = {
    "no_tool": Scenes.no_tool,
    "ask": Scenes.ask,
    "choose": Scenes.choose,
    "several": Scenes.several,
}
"""The function that makes a scene of each decision. It raises a ValueError if it cannot."""


def _some(found: list[Any]) -> list[Any]:
    if not found:
        raise ValueError("no other tool or request of its part")
    return found


def _case(tool: Tool, values: dict[str, Any]) -> Case:
    return Case(tool.name, tool.parameters, values, tool.description)


def _cases(tools: Iterable[Tool], *without: Tool) -> list[Case]:
    """Cases of tools that are only listed."""
    return [_case(tool, {}) for tool in tools if tool.name not in {one.name for one in without}]


def _contradict(values: Sequence[dict[str, Any]]) -> bool:
    """Whether calls of one tool are about the same thing: two of them share a text, or a number if there are none."""

    def key(one: dict[str, Any]) -> list[tuple[str, Any]]:
        texts = [(name, value) for name, value in one.items() if isinstance(value, str)]
        return texts or list(one.items())

    return any(pair in key(other) for one, other in combinations(values, 2) for pair in key(one))


def _words(message: str) -> dict[str, Any]:
    return {"tool": None, "message": message}


def _all_words(tool: Tool) -> set[str]:
    return topic_of(tool) | topic(" ".join(tool.parameters.get("properties", {})))
