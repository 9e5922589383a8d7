"""Mining: use the SFT model's mistakes on prompts it has not seen as rejected answers (on-policy negatives)."""

from pathlib import Path

from tool_dpo.formats.format import agrees
from tool_dpo.models.answers import ask
from tool_dpo.models.weights import load_format
from tool_dpo.params import BatchParams, MineParams
from tool_dpo.records import write_lines
from tool_dpo.training.pairs import mined
from tool_dpo.triplets.triplet import read_triplets


def mine(
    data: Path, folder: Path, out: Path, params: MineParams, max_new_tokens: int, batch: BatchParams, seed: int
) -> None:
    """Sample answers of the model in `folder` to each prompt of `data`, and write its distinct mistakes as pairs.

    Raises:
        InputError: a triplet is not valid, or the model cannot be loaded.
    """
    triplets = [triplet for triplet in read_triplets(data) for _ in range(params.samples)]
    answers = ask(
        triplets,
        folder,
        max_new_tokens,
        batch.batch_size,
        temperature=params.temperature,
        seed=seed,
    )
    form = load_format(folder)
    found = [
        pair
        for triplet, (text, one) in zip(triplets, answers, strict=True)
        for pair in mined(triplet, one.call or text)
        if agrees(form, pair.schema, pair.rejected, pair.chosen, pair.fault)
    ]
    different = {(pair.prompt, pair.rejected): pair for pair in found}
    write_lines(out, (pair.record() for pair in different.values()))
