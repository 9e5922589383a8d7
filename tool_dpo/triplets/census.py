"""Statistics of a file of triplets: counts by kind, and lengths in tokens. Refuses triplets that are too long."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from tool_dpo.errors import InputError
from tool_dpo.formats.plain import messages
from tool_dpo.triplets.triplet import Triplet

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def census(triplets: Sequence[Triplet], tokenizer: "PreTrainedTokenizerBase") -> dict[str, Any]:
    """Count the triplets, their tools, violations, and keywords per violation, and measure their lengths in tokens."""
    texts = {name: [getattr(triplet, name) for triplet in triplets] for name in ("prompt", "chosen", "rejected")}
    return {
        "triplets": len(triplets),
        "tools": len({triplet.varied_from or triplet.tool for triplet in triplets}),
        "violations": _counts(triplet.violation for triplet in triplets),
        "keywords": {
            kind: _counts(triplet.keyword for triplet in triplets if triplet.violation == kind)
            for kind in sorted({triplet.violation for triplet in triplets})
        },
        "tokens": {name: _lengths(tokenizer(text)["input_ids"]) for name, text in texts.items()},
    }


def check_lengths(
    path: Path, triplets: Sequence[Triplet], tokenizer: "PreTrainedTokenizerBase", max_length: int
) -> None:
    """Check that each prompt with its longer answer has at most `max_length` tokens, so that training cuts none.

    Raises:
        InputError: a triplet is too long. The message names the file and the line.
    """
    longer = [max(triplet.chosen, triplet.rejected, key=len) for triplet in triplets]
    chats = [
        [*messages(triplet.prompt), {"role": "assistant", "content": text}]
        for triplet, text in zip(triplets, longer, strict=True)
    ]
    for number, ids in enumerate(tokenizer.apply_chat_template(chats, return_dict=True)["input_ids"], 1):
        if len(ids) > max_length:
            raise InputError(
                f"{path}:{number}: {len(ids)} tokens, expected at most {max_length}, the model's max_length in "
                f"params.yaml: raise it, or leave out the tool {triplets[number - 1].tool!r}"
            )


def _counts(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))


def _lengths(ids: list[list[int]]) -> dict[str, float]:
    lengths = [len(one) for one in ids]
    return {"mean": round(fmean(lengths), 1), "longest": max(lengths)}
