"""Make triplets from tools: requests from the catalog, one proved hard negative for each."""

import json
import random
from collections.abc import Iterator, Mapping

from referencing.exceptions import Unresolvable

from tool_dpo.catalog import Request, Speaker
from tool_dpo.errors import InputError
from tool_dpo.negatives import negative
from tool_dpo.params import GenerateParams, Kind
from tool_dpo.prompt import prompt
from tool_dpo.schema import Schema, call_schema, violations
from tool_dpo.tools import Tool
from tool_dpo.triplets import Triplet, proved

_ATTEMPTS = 50


def generate(tools: list[Tool], params: GenerateParams, seed: int) -> Iterator[Triplet]:
    """`params.triplets` triplets, spread evenly over the tools, tool by tool.

    Each tool has random streams of its own, so adding a tool changes no other tool's triplets but their number.

    Raises:
        InputError: a tool that cannot give enough different requests, or none with a provable violation.
    """
    each, more = divmod(params.triplets, len(tools))
    for index, tool in enumerate(tools):
        yield from _of_tool(tool, each + (index < more), params, seed)


def _of_tool(tool: Tool, count: int, params: GenerateParams, seed: int) -> Iterator[Triplet]:
    if not tool.requests:
        raise InputError(f"{tool.source}: tool {tool.name!r}: requests is missing: give it some request templates")
    schema = call_schema(tool.name, tool.parameters)
    seen: set[str] = set()
    for index in range(count * _ATTEMPTS):
        if len(seen) == count:
            return
        rng = random.Random(f"{seed}/{tool.name}/{index}")
        request = _request(tool, rng, params.optional)
        if request.text in seen:
            continue
        if triplet := _triplet(tool, schema, request, params.mix, rng):
            seen.add(request.text)
            yield triplet
    if len(seen) < count:
        raise InputError(
            f"{tool.source}: tool {tool.name!r} gives {len(seen)} different requests with a provable violation, "
            f"{count} are needed: add examples or request templates, or lower generate.triplets"
        )


def _request(tool: Tool, rng: random.Random, optional: float) -> Request:
    try:
        return Speaker(rng, optional).request(tool)
    except ValueError as error:
        raise InputError(f"{tool.source}: tool {tool.name!r}: {error}") from None


def _triplet(
    tool: Tool, schema: Schema, request: Request, mix: Mapping[Kind, float], rng: random.Random
) -> Triplet | None:
    call = {"tool": tool.name, "parameters": request.parameters}
    try:
        if broken := violations(schema, call):
            raise ValueError(f"its call is not valid: {broken[0].path}: {broken[0].message}")
        for kind in _by_chance(mix, rng):
            if found := negative(kind, tool.parameters, schema, call, rng):
                return proved(
                    {
                        "prompt": prompt(request.text, tool.name, tool.parameters),
                        "chosen": json.dumps(call, ensure_ascii=False),
                        "rejected": json.dumps(found.call, ensure_ascii=False),
                        "schema": schema,
                        "tool": tool.name,
                        "violation": found.violation,
                        "path": found.path,
                    }
                )
    except (ValueError, Unresolvable) as error:
        raise InputError(f"{tool.source}: tool {tool.name!r}: request {request.text!r}: {error}") from None
    return None


def _by_chance(mix: Mapping[Kind, float], rng: random.Random) -> list[Kind]:
    """The kinds in random order, each drawn by its weight among those left (Efraimidis and Spirakis, 2006)."""
    return sorted(
        (kind for kind, weight in mix.items() if weight > 0),
        key=lambda kind: -(rng.random() ** (1 / mix[kind])),
    )
