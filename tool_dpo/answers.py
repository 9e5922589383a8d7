"""Ask a model every prompt of a split, and keep its answers; a killed run goes on where it stopped."""

import json
from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

from tool_dpo import model as models
from tool_dpo.checkpoints import CHECKPOINTS, fingerprint, model_files
from tool_dpo.params import AnswerParams, BatchParams
from tool_dpo.records import Answer, write_lines
from tool_dpo.triplets import read_triplets


def answer(data: Path, folder: Path, out: Path, params: AnswerParams, batch: BatchParams) -> None:
    """Write the greedy answer of the model in `folder` to each prompt of `data`, in the order of `data`.

    Raises:
        InputError: a triplet that breaks its promise, or a model that cannot be loaded.
    """
    triplets = list(read_triplets(data))
    key = fingerprint({"answer": asdict(params), **asdict(batch)}, [data, *model_files(folder)])
    partial = CHECKPOINTS / f"answer-{key}.jsonl"
    texts = _read_partial(partial)
    left = [index for index in range(len(triplets)) if index not in texts]
    if left:
        model, tokenizer = models.load(folder), models.load_tokenizer(folder)
        answers = models.generate(
            model,
            tokenizer,
            [triplets[index].prompt for index in left],
            max_new_tokens=params.max_new_tokens,
            batch_size=batch.batch_size,
        )
        partial.parent.mkdir(exist_ok=True)
        with partial.open("a", encoding="utf-8") as file, tqdm(total=len(triplets), initial=len(texts)) as bar:
            bar.set_description(f"{folder.name} answers")
            for index, text in answers:
                texts[left[index]] = text
                file.write(json.dumps([left[index], text]) + "\n")
                file.flush()
                bar.update()
    write_lines(
        out,
        (
            Answer(triplet.prompt, triplet.tool, triplet.schema, triplet.chosen, texts[index]).record()
            for index, triplet in enumerate(triplets)
        ),
    )
    partial.unlink(missing_ok=True)


def _read_partial(path: Path) -> dict[int, str]:
    """The answers of an interrupted run; a last line cut in half is cut off."""
    if not path.exists():
        return {}
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    path.write_text(whole, encoding="utf-8")
    return dict(json.loads(line) for line in whole.splitlines())
