"""Statistics of a file of triplets: counts by kind, and lengths in tokens. Refuses triplets that are too long."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from tool_dpo.errors import InputError
from tool_dpo.formats.format import Format
from tool_dpo.triplets.triplet import Triplet, tried_triplets

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_END_OF_TURN = 4
"""Tokens that a chat template puts after an answer, at most."""

_MOST_SHOWN = 50
"""Most lines of a file that an error names."""


def census(triplets: Sequence[Triplet], tokenizer: "PreTrainedTokenizerBase", form: Format) -> dict[str, Any]:
    """Count the triplets, their tools, decisions, violations, and keywords per violation, and measure their lengths in
    tokens."""
    return {
        "triplets": len(triplets),
        "tools": len({triplet.varied_from or triplet.tool for triplet in triplets}),
        "decisions": _counts(triplet.decision for triplet in triplets if triplet.decides),
        "violations": _counts(triplet.violation for triplet in triplets),
        "keywords": {
            kind: _counts(triplet.keyword for triplet in triplets if triplet.violation == kind)
            for kind in sorted({triplet.violation for triplet in triplets})
        },
        "tokens": {name: _lengths(ids) for name, ids in _encoded(triplets, tokenizer, form).items()},
    }


def read_checked(
    path: Path, tokenizer: "PreTrainedTokenizerBase", form: Format, model: str, max_length: int
) -> list[Triplet]:
    """Every triplet of a file: proved, and its prompt with its longer answer at most `max_length` tokens long, so that
    training cuts none.

    Raises:
        InputError: some fail. The messages name them, at most 50, by file and line, and the command that mends it.
            `model` is the key in params.yaml of the model whose `max_length` it is.
    """
    triplets: dict[int, Triplet] = {}
    faults: dict[int, str] = {}
    for number, triplet in tried_triplets(path):
        if isinstance(triplet, ValueError):
            faults[number] = str(triplet)
        else:
            triplets[number] = triplet
    lengths = dict(zip(triplets, lengths_of([*triplets.values()], tokenizer, form), strict=True))
    too_long = {number: length for number, length in lengths.items() if length > max_length}
    if not faults and not too_long:
        return list(triplets.values())
    mend = f"dvc exp run -S models.{model}.weights.max_length={max(lengths.values(), default=0)}"
    if faults:
        mend = f"sed -i.bak '{';'.join(f'{number}d' for number in sorted({*faults, *too_long})[:_MOST_SHOWN])}' {path}"
    for number, length in too_long.items():
        faults[number] = f"{length} tokens, expected at most {max_length}: tool {triplets[number].tool!r}"
    lines = [f"{path}:{number}: {faults[number]}" for number in sorted(faults)]
    more = [f"and {len(lines) - _MOST_SHOWN:,} more"] if len(lines) > _MOST_SHOWN else []
    raise InputError(*lines[:_MOST_SHOWN], *more, f"to mend it: {mend}")


def lengths_of(triplets: Sequence[Triplet], tokenizer: "PreTrainedTokenizerBase", form: Format) -> list[int]:
    """The tokens of each prompt with its longer answer, in a model's format."""
    return [
        len(prompt) + max(len(chosen), len(rejected)) + _END_OF_TURN
        for prompt, chosen, rejected in zip(*_encoded(triplets, tokenizer, form).values(), strict=True)
    ]


def _encoded(
    triplets: Sequence[Triplet], tokenizer: "PreTrainedTokenizerBase", form: Format
) -> dict[str, list[list[int]]]:
    """The tokens of each prompt and each answer, in a model's format."""
    chats = [form.chat(triplet) for triplet in triplets]
    answers = {
        name: [form.write(getattr(one, name), one.chosen) for one in triplets] for name in ("chosen", "rejected")
    }
    return {
        "prompt": [tokenizer.apply_chat_template(**chat, add_generation_prompt=True)["input_ids"] for chat in chats],
        **{name: tokenizer(texts)["input_ids"] if texts else [] for name, texts in answers.items()},
    }


def _counts(names: Iterable[str | None]) -> dict[str, int]:
    return dict(sorted(Counter(filter(None, names)).items()))


def _lengths(ids: list[list[int]]) -> dict[str, float]:
    lengths = [len(one) for one in ids]
    return {"mean": round(fmean(lengths), 1), "longest": max(lengths)}
