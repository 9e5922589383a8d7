"""Which tools stand beside which in a prompt: those of the same part of the split, and none that may do the same."""

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cache
from hashlib import sha256

from tool_dpo.tools.names import split_words, word_set
from tool_dpo.tools.tool import Tool

_ALIKE, _ALIKE_IN_FILE = 1 / 3, 4 / 5
"""Two tools of different files, or of one, that share this part of their words may do the same."""
_SMALL = word_set("a an and by for from in is it its of on or that the this to with")


class Neighbours:
    """The tools that can be listed together. `part_of` gives the part of a tool, by its name, or of a request."""

    def __init__(self, tools: Sequence[Tool], part_of: Callable[[str], object]) -> None:
        self._part_of = cache(part_of)
        self._of_part: dict[object, list[Tool]] = defaultdict(list)
        for tool in tools:
            self._of_part[self._part_of(tool.name)].append(tool)
        self._files = {tool.name: str(tool.source) for tool in tools}
        self._words = {tool.name: {*split_words(f"{tool.name} {tool.description}")} - _SMALL for tool in tools}

    def same_part(self, one: str, other: str) -> bool:
        """Whether two names are of one part."""
        return self._part_of(one) == self._part_of(other)

    def beside(self, tool: Tool, count: int, rng: random.Random, *, all_near: bool = False) -> list[Tool]:
        """Up to `count` tools to list beside one, at least half of them, or all, of its file if there are so many."""
        found = [tool]
        for near, most in ((True, count if all_near else (count + 1) // 2), (False, count), (True, count)):
            found += self.others(found, most + 1 - len(found), rng, near=near)
        return found[1:]

    def others(self, listed: Sequence[Tool], count: int, rng: random.Random, *, near: bool) -> list[Tool]:
        """Up to `count` tools that are not listed, of the file of the first one if `near`, otherwise of other files.

        They are those of highest hash, which new tools rarely change.
        """
        file, found = self._files[listed[0].name], list[Tool]()
        key = rng.getrandbits(64)
        of_part = self._of_part[self._part_of(listed[0].name)]
        those = [one for one in of_part if (self._files[one.name] == file) is near]
        for one in sorted(those, key=lambda one: sha256(f"{key}/{one.name}".encode()).digest(), reverse=True):
            if len(found) >= count:
                break
            if not any(self._alike(one, other) for other in (*listed, *found)):
                found.append(one)
        return found

    def _alike(self, one: Tool, other: Tool) -> bool:
        words, others = self._words[one.name], self._words[other.name]
        most = _ALIKE_IN_FILE if self._files[one.name] == self._files[other.name] else _ALIKE
        return one.name == other.name or len(words & others) >= most * len(words | others)
