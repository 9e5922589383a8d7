"""Make triplets from tools: requests from templates or a teacher model, each with one verified hard negative."""

import json
import logging
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from heapq import nlargest
from itertools import chain
from typing import Any

from tool_dpo.errors import InputError, one_line
from tool_dpo.formats.format import Asked, Question, tools_text
from tool_dpo.formats.length import Limit
from tool_dpo.formats.plain import definition, prompt, signature
from tool_dpo.kinds import Kind
from tool_dpo.params import GenerateParams
from tool_dpo.schema.calls import call_schema
from tool_dpo.schema.keywords import Schema
from tool_dpo.schema.violations import violations
from tool_dpo.tools.catalog import Request, Speaker
from tool_dpo.tools.teacher import requests
from tool_dpo.tools.tool import Tool, parse_tool
from tool_dpo.tools.wording import word
from tool_dpo.triplets.augment import Case, plain, vary
from tool_dpo.triplets.negatives import by_chance, negative
from tool_dpo.triplets.shorten import shortened
from tool_dpo.triplets.triplet import Triplet

_ATTEMPTS = 50
_MOST_IN_VAIN = 100
"""Draws in a row that give no new triplet of a tool: then it has no more, or very few."""
_MOST_TOO_LONG = 5
"""Draws of a tool that are too long for the model: then all are."""
_MOST_OTHERS = 2


class _TooLong(ValueError):
    """Raised if a triplet is too long even with the shortest schema."""


Source = Callable[[Tool, int, random.Random], Request | None]
"""Gives the request for a tool and an index, None if there is none."""


def generate(
    tools: list[Tool],
    params: GenerateParams,
    seed: int,
    held_out: Callable[[str], object] = lambda name: None,
    limit: Limit | None = None,
) -> Iterator[Triplet]:
    """`params.triplets` triplets, spread evenly over the tools, tool by tool; and varied ones of training tools.

    Tools whose names are `held_out` are not varied, and are not listed in the prompts of other tools. A tool without
    request templates gets some. If that is not possible, it is left out, with a warning. So are the triplets that a
    tool does not give, because its requests are too much alike or its calls are not valid. They are counted. Each tool
    has its own random streams, so adding a tool changes little more than the number of triplets of the others.

    A prompt and its longer answer keep the `limit`, by an estimate of tokens that is a little too high for most.
    Schemas are shortened if that is not so.

    Raises:
        InputError: no triplet can be made for any tool; or the teacher does not answer, or writes nothing of use.
    """
    teacher = params.teacher if params.source == "openai" else None
    usable = tools if teacher else list(_with_requests(tools))
    if not usable:
        raise InputError(f"{tools[0].source}: no request can be made for any of its tools")
    each, more = divmod(params.triplets, len(usable))
    counts = {tool.name: each + (index < more) for index, tool in enumerate(usable)}
    source = _taught(requests(usable, counts, teacher, params.optional, seed)) if teacher else _spoken(params.optional)
    training = [tool for tool in usable if not held_out(tool.name)]
    maker = _Maker(params, seed, source, frozenset(plain(tool.name) for tool in tools), training, limit)
    made = 0
    for tool in usable:
        for triplet in maker.of_tool(tool, counts[tool.name]):
            made += 1
            yield triplet
    if len(maker.left_out) > 1:
        logging.getLogger(__name__).warning("generate: %d made, %d left out", made, sum(maker.left_out.values()))
    if not made:
        reasons = maker.left_out if not teacher else ()
        none = "generate: no triplet can be made of any request: see above what was left out"
        raise InputError(next(iter(reasons), none))


def first_triplet(tool: Tool, params: GenerateParams, limit: Limit | None = None) -> Triplet:
    """A triplet of a tool.

    Raises:
        ValueError: none can be made. The message is the reason.
    """
    maker = _Maker(params, 0, _spoken(params.optional), frozenset(), [tool], limit)
    fault, too_long = "", 0
    for index in range(_ATTEMPTS):
        try:
            if triplet := maker.one(tool, index, varied=False):
                return triplet
        except _TooLong as error:
            fault, too_long = fault or str(error), too_long + 1
            if too_long == _MOST_TOO_LONG:
                break
        except Exception as error:  # another request may do
            fault = fault or _told(error)
    raise ValueError(fault or "its calls cannot be wrong in any provable way")


@dataclass(frozen=True)
class _Maker:
    params: GenerateParams
    seed: int
    source: Source
    taken: frozenset[str]
    """Plain names of all tools. No tool is renamed to one of them, because it could be a test tool's."""
    training: list[Tool]
    limit: Limit | None
    left_out: dict[str, int] = field(default_factory=dict)
    """How many triplets were left out, by the reason."""

    def of_tool(self, tool: Tool, count: int) -> Iterator[Triplet]:
        """`count` triplets of a tool as its author wrote it, and varied ones if it is a training tool."""
        yield from self._distinct(tool, count, varied=False)
        if tool in self.training:
            yield from self._distinct(tool, count * self.params.variants, varied=True)

    def _distinct(self, tool: Tool, count: int, *, varied: bool) -> Iterator[Triplet]:
        prompts: set[tuple[str, ...]] = set()
        failed, fault, last = 0, "", 0
        for index in range(count * _ATTEMPTS):
            if len(prompts) == count or (failed == _ATTEMPTS and not prompts) or index - last > _MOST_IN_VAIN:
                break
            try:
                triplet = self.one(tool, index, varied=varied)
            except Exception as error:  # one triplet never ends the run
                failed, fault = failed + 1, fault or _told(error)
                continue
            if triplet and (words := _words(triplet.prompt)) not in prompts:
                prompts.add(words)
                last = index
                yield triplet
        if len(prompts) < count:
            self._leave_out(tool, len(prompts), count, fault)

    def _leave_out(self, tool: Tool, found: int, count: int, fault: str) -> None:
        told = (
            f"{tool.source}: tool {tool.name!r} gives {found} different requests with a provable violation, "
            f"{count} are needed"
        )
        if fault:
            told += f": {fault}"
        elif self.params.source == "catalog":
            told += ": add examples or request templates, or lower generate.triplets"
        self.left_out[told] = count - found
        logging.getLogger(__name__).warning(told)

    def one(self, tool: Tool, index: int, *, varied: bool) -> Triplet | None:
        """The triplet of an index, None if there is no request or no violation for it.

        Raises:
            ValueError: no value can be drawn, or the call is not valid.
        """
        name = f"{self.seed}/{tool.name}/{index}" + "/varied" * varied
        rng = random.Random(name)
        request = self.source(tool, index, rng)
        if request is None:
            return None
        case = Case(tool.name, tool.parameters, request.parameters, tool.description)
        siblings = partial(self._siblings, tool, name)
        try:
            if not varied:
                return self._fitting(request.text, [case], signature, siblings, rng)
            text = _ended(request.text, rng)
            listed, write = list(self._varied(case, self._others(tool, name, rng), rng)), signature
            if len(listed) == 1 and rng.random() < self.params.json_schema:
                write = definition
            while len(listed) > 1 and len(_prompt(text, listed, write)) > self.params.room:
                listed.pop()
            if write is definition and len(_prompt(text, listed, write)) > self.params.room:
                write = signature
            return self._fitting(text, listed, write, siblings, rng, varied_from=tool.name)
        except _TooLong:
            raise
        except Exception as error:
            raise ValueError(f"request {request.text!r}: {_told(error)}") from error

    def _fitting(
        self,
        request: str,
        cases: list[Case],
        write: Callable[[str, Schema], str],
        siblings: Callable[[], Mapping[str, Any]],
        rng: random.Random,
        varied_from: str | None = None,
    ) -> Triplet | None:
        """A triplet (see `_triplet`) that is short enough: with shorter schemas and without other tools if need be.

        Raises:
            ValueError: it is too long even so, or the call is not valid.
        """
        for listed in chain([cases], ([one] for one in shortened(cases[0]))):
            if not self._fits(_question(request, listed, write), _answer(cases[0])):
                continue
            triplet = _triplet(request, listed, write, siblings, self.params.mix, rng, varied_from)
            if triplet is None or self._fits(triplet, triplet.rejected):
                return triplet
        most = self.limit and self.limit.tokens
        raise _TooLong(f"longer than the model's max_length of {most} tokens, even if shortened")

    def _fits(self, asked: Asked, answer: str) -> bool:
        return self.limit is None or self.limit.holds(asked, answer)

    def _others(self, tool: Tool, name: str, rng: random.Random) -> list[Tool]:
        """Training tools to list beside this one, half the time from its file: these are easiest to confuse with it."""
        if rng.random() >= self.params.distractors:
            return []
        near = rng.random() < 0.5
        return self._drawn(name, tool, rng.randint(1, _MOST_OTHERS), near=near)

    def _siblings(self, tool: Tool, name: str) -> Mapping[str, Any]:
        """Parameters of another training tool from the same file, with the values of one of its requests."""
        for other in self._drawn(name, tool, 1, near=True):
            with suppress(Exception):  # the error is reported with that tool's own triplets
                request = self.source(other, 0, random.Random(f"{name}/{other.name}"))
                return request.parameters if request else {}
        return {}

    def _drawn(self, name: str, tool: Tool, count: int, *, near: bool) -> list[Tool]:
        """`count` other training tools, of its file if `near`: those of highest hash, which new tools rarely change."""
        others = (other for other in self.training if other is not tool and (not near or other.source == tool.source))
        return nlargest(count, others, key=lambda other: sha256(f"{name}/{other.name}".encode()).digest())

    def _varied(self, case: Case, others: list[Tool], rng: random.Random) -> Iterator[Case]:
        """The case and the other tools with varied schemas, all with different names."""
        taken = set(self.taken)
        for one in (case, *(Case(other.name, other.parameters, {}, other.description) for other in others)):
            varied = vary(one, rng)
            if plain(varied.tool) in taken:
                varied = replace(varied, tool=one.tool)
            taken.add(plain(varied.tool))
            yield varied


def _spoken(optional: float) -> Source:
    def request(tool: Tool, index: int, rng: random.Random) -> Request:
        return Speaker(rng, optional).request(tool)

    return request


def _taught(written: Mapping[str, list[Request]]) -> Source:
    def request(tool: Tool, index: int, rng: random.Random) -> Request | None:
        found = written[tool.name]
        return found[index % len(found)] if found else None

    return request


def _with_requests(tools: list[Tool]) -> Iterator[Tool]:
    for tool in tools:
        try:
            worded = tool if tool.requests else parse_tool(word(tool), tool.source)
        except Exception as error:  # one tool never ends the run
            logging.getLogger(__name__).warning("%s: tool %r left out: %s", tool.source, tool.name, _told(error))
        else:
            yield worded


def _told(error: Exception) -> str:
    """What went wrong, in one line. The message of an error that no one foresaw says too little without its type."""
    return one_line(str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}")


def _triplet(
    request: str,
    cases: Sequence[Case],
    write: Callable[[str, Schema], str],
    siblings: Callable[[], Mapping[str, Any]],
    mix: Mapping[Kind, float],
    rng: random.Random,
    varied_from: str | None = None,
) -> Triplet | None:
    """A verified triplet: a request for the call of the first case, with the tools of all cases in the prompt.

    `siblings` gives parameters that may be invented (see `negative`). None if no kind of violation is possible.

    Raises:
        ValueError: the call of the first case is not valid.
    """
    case, *others = cases
    schema = call_schema(case.tool, case.parameters)
    call = _call(case)
    if broken := violations(schema, call):
        raise ValueError(f"its call is not valid: {broken[0].path}: {broken[0].message}")
    listed = rng.sample(cases, len(cases))
    for kind in by_chance(mix, rng):
        near = siblings() if kind == "hallucinated_param" else {}
        if found := negative(kind, case.parameters, schema, call, rng, [other.tool for other in others], near):
            return Triplet(
                _prompt(request, listed, write),
                _answer(case),
                found.text,
                schema,
                case.tool,
                found.violation,
                found.keyword,
                found.path,
                request,
                _tools(listed),
                found.edit,
                varied_from,
            )
    return None


def _call(case: Case) -> dict[str, Any]:
    return {"tool": case.tool, "parameters": case.values}


def _answer(case: Case) -> str:
    return json.dumps(_call(case), ensure_ascii=False)


def _ended(request: str, rng: random.Random) -> str:
    """The request, half the time with a full stop after its last value. It is not part of the value."""
    return f"{request}." if request[-1:].isalnum() and rng.random() < 0.5 else request


def _prompt(request: str, cases: Sequence[Case], write: Callable[[str, Schema], str]) -> str:
    return prompt(request, *((case.tool, case.parameters) for case in cases), written=write)


def _question(request: str, cases: Sequence[Case], write: Callable[[str, Schema], str]) -> Question:
    return Question(_prompt(request, cases, write), request, _tools(cases))


def _tools(cases: Sequence[Case]) -> str:
    return tools_text((one.tool, one.description, one.parameters) for one in cases)


def _words(prompt: str) -> tuple[str, ...]:
    """The words of a prompt. Near-duplicates have the same words and differ in case, punctuation and spaces."""
    return tuple(re.findall(r"\w+", prompt.lower()))
