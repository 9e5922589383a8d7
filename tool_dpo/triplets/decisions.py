"""Make decision triplets from scenes: as their tools are written and with varied schemas, proved and short enough."""

import logging
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from tool_dpo.chance import fraction
from tool_dpo.errors import reason_of
from tool_dpo.formats.format import as_text
from tool_dpo.formats.length import Limit
from tool_dpo.formats.plain import definition, signature
from tool_dpo.params import GenerateParams, Undecided
from tool_dpo.tools.tool import Tool
from tool_dpo.triplets.augment import Case, plain, vary
from tool_dpo.triplets.cases import Write, ended, prompt_of, tools_of, words_of
from tool_dpo.triplets.decision_proof import schema_of
from tool_dpo.triplets.scenes import SCENES, Scene, Scenes
from tool_dpo.triplets.shorten import shortened
from tool_dpo.triplets.triplet import Triplet, listed, proved

_ATTEMPTS = 50


@dataclass(frozen=True)
class Decider:
    """Makes decision triplets. Those of `training` tools are varied too.

    taken: plain names of all tools. No tool is renamed to one of them, because it could be a test tool's.
    """

    params: GenerateParams
    seed: int
    scenes: Scenes
    training: Sequence[Tool]
    taken: frozenset[str]
    limit: Limit | None

    def triplets(self, counts: Sequence[tuple[Tool, int]]) -> Iterator[Triplet]:
        """Triplets of each tool and each decision, in proportion to the number that stands beside the tool.

        Each tool and decision has its own random stream. What cannot be made is counted in a warning.
        """
        made, left_out, reason = 0, 0, ""
        for tool, own in counts:
            for decision, share in self.params.decisions.items():
                for times, varied in ((1, False), (self.params.variants * (tool in self.training), True)):
                    name = f"{self.seed}/{decision}/{tool.name}" + "/varied" * varied
                    count = _rounded(own * share * times, name)
                    faults: list[str] = []
                    for triplet in self._distinct(tool, decision, name, count, faults, varied=varied):
                        count, made = count - 1, made + 1
                        yield triplet
                    if count:
                        left_out, reason = left_out + count, reason or f"{decision} of {tool.name!r}: {faults[0]}"
        if left_out:
            told = "generate: %d decision triplets made, %d left out, such as %s"
            logging.getLogger(__name__).warning(told, made, left_out, reason)

    def _distinct(
        self, tool: Tool, decision: Undecided, name: str, count: int, faults: list[str], *, varied: bool
    ) -> Iterator[Triplet]:
        """Triplets of different prompts. Why others could not be made is added to `faults`."""
        prompts: set[tuple[str, ...]] = set()
        for index in range(_ATTEMPTS * count):
            if len(prompts) == count or (index == _ATTEMPTS and not prompts):
                break
            rng = random.Random(f"{name}/{index}")
            try:
                scene = SCENES[decision](self.scenes, tool, rng)
                triplet = self._triplet(scene, decision, rng, varied=varied)
            except Exception as error:  # one triplet never ends the run
                faults.append(reason_of(error))
                continue
            words = words_of(triplet.prompt)
            if words in prompts:
                faults.append("its requests are too much alike")
                continue
            prompts.add(words)
            yield triplet

    def _triplet(self, scene: Scene, decision: Undecided, rng: random.Random, *, varied: bool) -> Triplet:
        """The triplet of a scene.

        Raises:
            ValueError: it cannot be proved, is too long, or would have to be as written but `varied`.
        """
        request, cases, write = scene.request, list(scene.cases), signature
        if varied:
            if scene.fixed:
                raise ValueError("two calls of one tool cannot be varied")
            request, cases = ended(request, rng), list(self._varied(cases, rng))
            if len(cases) == 1 and rng.random() < self.params.json_schema:
                write = definition
            while len(cases) > scene.needed and self._no_room(request, cases, write):
                cases.pop()
            if self._no_room(request, cases, write):
                write = signature
        fewer = (cases[:count] for count in range(len(cases), scene.needed - 1, -1))
        shorter = zip(*map(shortened, cases[: scene.needed]), strict=True)
        for shown in chain(fewer, map(list, shorter)):
            order = rng.sample(shown, len(shown))
            tools, answers = tools_of(order), scene.answers(shown)
            triplet = proved(
                {
                    "prompt": prompt_of(request, order, write),
                    "chosen": as_text(answers.chosen),
                    "rejected": as_text(answers.rejected),
                    "schema": schema_of(decision, answers.chosen, listed(tools)),
                    "request": request,
                    "tools": tools,
                    "varied_from": scene.cases[0].tool if varied else None,
                    "decision": decision,
                    "missing": answers.missing,
                }
            )
            if self.limit is None or self.limit.holds(triplet, max(triplet.chosen, triplet.rejected, key=len)):
                return triplet
        raise ValueError("longer than the model's max_length, even if shortened")

    def _varied(self, cases: Sequence[Case], rng: random.Random) -> Iterator[Case]:
        """The cases with varied schemas, all with different names."""
        taken = set(self.taken)
        for case in cases:
            varied = vary(case, rng)
            if plain(varied.tool) in taken:
                varied = replace(varied, tool=case.tool)
            taken.add(plain(varied.tool))
            yield varied

    def _no_room(self, request: str, cases: Sequence[Case], write: Write) -> bool:
        return len(prompt_of(request, cases, write)) > self.params.room


def _rounded(number: float, name: str) -> int:
    """The number rounded up or down, by a hash of the name, so that it is right on average."""
    return int(number + fraction(name))
