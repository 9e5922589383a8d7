"""Make triplets from tools: requests from the catalog or a teacher, one proved hard negative for each."""

import json
import logging
import random
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import replace

from tool_dpo.augment import Case, plain, vary
from tool_dpo.catalog import Request, Speaker
from tool_dpo.errors import InputError
from tool_dpo.negatives import negative
from tool_dpo.params import GenerateParams, Kind
from tool_dpo.prompt import prompt
from tool_dpo.schema import call_schema, violations
from tool_dpo.teacher import requests
from tool_dpo.tools import Tool, parse_tool
from tool_dpo.triplets import Triplet, proved
from tool_dpo.wording import word

_ATTEMPTS = 50


Source = Callable[[Tool, int, random.Random], Request | None]
"""The request of a tool's name and index; None where there is none."""


def generate(tools: list[Tool], params: GenerateParams, seed: int) -> Iterator[Triplet]:
    """`params.triplets` triplets, spread evenly over the tools, tool by tool.

    A tool without requests gets some; one that none can be made for is left out, with a warning. Each tool has random
    streams of its own, so adding a tool changes no other tool's triplets but their number.

    Raises:
        InputError: no tool that a request can be made for; a tool whose templates cannot give enough different
            requests, or none with a provable violation; a teacher that cannot be asked.
    """
    teacher = params.teacher if params.source == "openai" else None
    usable = tools if teacher else list(_with_requests(tools))
    if not usable:
        raise InputError(f"{tools[0].source}: no request can be made for any of its tools")
    each, more = divmod(params.triplets, len(usable))
    counts = {tool.name: each + (index < more) for index, tool in enumerate(usable)}
    source = _taught(requests(usable, counts, teacher, params.optional, seed)) if teacher else _spoken(params.optional)
    names = {plain(tool.name) for tool in tools}
    for tool in usable:
        yield from _of_tool(tool, counts[tool.name], source, params, seed, names)


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
            yield tool if tool.requests else parse_tool(word(tool), tool.source)
        except ValueError as error:
            logging.getLogger(__name__).warning("%s: tool %r left out: %s", tool.source, tool.name, error)


def _of_tool(
    tool: Tool, count: int, source: Source, params: GenerateParams, seed: int, names: Container[str]
) -> Iterator[Triplet]:
    for varied, wanted in ((False, count), (True, count * params.variants)):
        prompts: set[str] = set()
        for index in range(wanted * _ATTEMPTS):
            if len(prompts) == wanted:
                break
            rng = random.Random(f"{seed}/{tool.name}/{index}" + "/varied" * varied)
            request = None
            try:
                request = source(tool, index, rng)
                triplet = _triplet(tool, request, params.mix, rng, names if varied else None) if request else None
            except ValueError as error:
                text = f"request {request.text!r}: " if request else ""
                raise InputError(f"{tool.source}: tool {tool.name!r}: {text}{error}") from None
            if triplet and triplet.prompt not in prompts:
                prompts.add(triplet.prompt)
                yield triplet
        if len(prompts) < wanted:
            short = (
                f"{tool.source}: tool {tool.name!r} gives {len(prompts)} different requests with a provable violation, "
                f"{wanted} are needed"
            )
            if params.source == "catalog":
                raise InputError(f"{short}: add examples or request templates, or lower generate.triplets")
            logging.getLogger(__name__).warning(short)


def _triplet(
    tool: Tool, request: Request, mix: Mapping[Kind, float], rng: random.Random, taken: Container[str] | None
) -> Triplet | None:
    """A proved triplet of a request, None where no kind of violation has a place in its call.

    Given the names that are `taken`, the schema is varied.
    """
    case = Case(tool.name, tool.parameters, request.parameters)
    if taken is not None:
        case = vary(case, rng)
        if plain(case.tool) in taken:  # never the name of another tool, which may be a test tool
            case = replace(case, tool=tool.name)
    schema = call_schema(case.tool, case.parameters)
    call = {"tool": case.tool, "parameters": case.values}
    if broken := violations(schema, call):
        raise ValueError(f"its call is not valid: {broken[0].path}: {broken[0].message}")
    for kind in _by_chance(mix, rng):
        if found := negative(kind, case.parameters, schema, call, rng):
            return proved(
                {
                    "prompt": prompt(request.text, case.tool, case.parameters),
                    "chosen": json.dumps(call, ensure_ascii=False),
                    "rejected": json.dumps(found.call, ensure_ascii=False),
                    "schema": schema,
                    "tool": case.tool,
                    "violation": found.violation,
                    "keyword": found.keyword,
                    "path": found.path,
                    "varied_from": tool.name if taken is not None else None,
                }
            )
    return None


def _by_chance(mix: Mapping[Kind, float], rng: random.Random) -> list[Kind]:
    """The kinds in random order, each drawn by its weight among those left (Efraimidis and Spirakis, 2006)."""
    return sorted(
        (kind for kind, weight in mix.items() if weight > 0),
        key=lambda kind: -(rng.random() ** (1 / mix[kind])),
    )
