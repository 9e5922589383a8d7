"""Statistics of a file of triplets: counts by kind, and lengths in tokens. Refuses triplets that are too long."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from tool_dpo.errors import InputError
from tool_dpo.formats.format import Format, agrees
from tool_dpo.triplets.triplet import Triplet, tried_triplets

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_END_OF_TURN = 4
"""Tokens that a chat template puts after an answer, at most."""


def census(triplets: Sequence[Triplet], tokenizer: "PreTrainedTokenizerBase", form: Format) -> dict[str, Any]:
    """Count the triplets, their tools, violations, and keywords per violation, and measure their lengths in tokens."""
    return {
        "triplets": len(triplets),
        "tools": len({triplet.varied_from or triplet.tool for triplet in triplets}),
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
    """Every triplet of a file: proved, in the model's format too, and its prompt with its longer answer at most
    `max_length` tokens long, so that training cuts none.

    Raises:
        InputError: some fail. The message names each, by file and line, and the command that mends it. `model` is the
            key in params.yaml of the model whose `max_length` it is.
    """
    triplets: dict[int, Triplet] = {}
    faults: dict[int, str] = {}
    for number, triplet in tried_triplets(path):
        if isinstance(triplet, ValueError):
            faults[number] = str(triplet)
        elif not agrees(form, triplet.schema, triplet.chosen, triplet.chosen, None):
            faults[number] = "chosen cannot be written and read back in the model's tool format"
        elif not agrees(form, triplet.schema, triplet.rejected, triplet.chosen, triplet.violation):
            faults[number] = f"rejected has another fault than {triplet.violation} in the model's tool format"
        else:
            triplets[number] = triplet
    lengths = dict(zip(triplets, lengths_of([*triplets.values()], tokenizer, form), strict=True))
    too_long = {number: length for number, length in lengths.items() if length > max_length}
    if faults:
        mend = f"sed -i.bak '{';'.join(f'{number}d' for number in sorted(faults | too_long))}' {path}"
    elif too_long:
        mend = f"dvc exp run -S models.{model}.weights.max_length={max(too_long.values())}"
    else:
        return list(triplets.values())
    for number, length in too_long.items():
        faults[number] = f"{length} tokens, expected at most {max_length}: tool {triplets[number].tool!r}"
    lines = [f"{path}:{number}: {faults[number]}" for number in sorted(faults)]
    raise InputError("\n".join([*lines, f"to mend it: {mend}"]))


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


def _counts(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))


def _lengths(ids: list[list[int]]) -> dict[str, float]:
    lengths = [len(one) for one in ids]
    return {"mean": round(fmean(lengths), 1), "longest": max(lengths)}
