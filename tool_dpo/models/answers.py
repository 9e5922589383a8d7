"""Let a model answer many prompts, and save its answers. A killed run continues where it stopped."""

import json
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from tool_dpo.errors import InputError
from tool_dpo.files import atomic, put_aside
from tool_dpo.formats.format import Asked, Format, Reading
from tool_dpo.models.checkpoints import CHECKPOINTS, fingerprint, model_files
from tool_dpo.models.decode import BY_BATCH, decode
from tool_dpo.models.load import load_model
from tool_dpo.models.weights import load_format, load_tokenizer
from tool_dpo.params import AnswerParams, BatchParams
from tool_dpo.records import write_lines
from tool_dpo.schema.answer import Answer
from tool_dpo.schema.calls import call_schema
from tool_dpo.schema.keywords import Schema
from tool_dpo.triplets.triplet import Triplet, read_triplets


def answer(data: Path, folder: Path, out: Path, params: AnswerParams, batch: BatchParams) -> None:
    """Let the model in `folder` answer each prompt of `data` greedily, and write the answers in the order of `data`.

    With `params.constrained`, the model can write nothing but one valid call: to the triplet's tool, or, if the request
    asks for a decision, to any of the tools that it lists.

    Raises:
        InputError: a triplet is not valid, or the model cannot be loaded.
    """
    triplets = list(read_triplets(data))
    answers = ask(
        triplets,
        folder,
        params.max_new_tokens,
        batch.batch_size,
        schemas=list(map(_allowed, triplets)) if params.constrained else None,
        expected=[triplet.chosen for triplet in triplets],
    )
    write_lines(
        out,
        (
            Answer(
                triplet.prompt,
                triplet.tool,
                triplet.schema,
                triplet.chosen,
                text,
                one.call,
                one.found,
                triplet.decision,
                triplet.missing,
                triplet.tools,
            ).record()
            for triplet, (text, one) in zip(triplets, answers, strict=True)
        ),
    )


def _allowed(triplet: Triplet) -> list[Schema]:
    """The schemas of the calls that a constrained answer can be."""
    if triplet.decision in (None, "call"):
        return [triplet.schema]
    functions = (one["function"] for one in json.loads(triplet.tools))
    return [call_schema(one["name"], one["parameters"]) for one in functions]


def ask(
    asked: Sequence[Asked],
    folder: Path,
    max_new_tokens: int,
    batch_size: int,
    *,
    temperature: float = 0.0,
    seed: int = 0,
    schemas: list[list[Schema]] | None = None,
    expected: list[str] | None = None,
) -> list[tuple[str, Reading]]:
    """The answer of the model in `folder` to each request, and what it reads as. With `schemas`, those of the calls
    that each request allows, decoding is constrained to one of these calls.

    `expected` answers, if known, decide which requests share a batch; a warning counts those that are too long.

    Raises:
        InputError: the model cannot be loaded, or `schemas` are given and llguidance is not installed or the model's
            format does not write JSON.
    """
    settings: dict[str, Any] = {
        "max_new_tokens": max_new_tokens,
        "batch_size": batch_size,
        "temperature": temperature,
        "seed": seed,
    }
    questions = [[one.prompt, one.request, one.tools] for one in asked]
    key = fingerprint({"asked": questions, "schemas": schemas, "expected": expected, **settings}, model_files(folder))
    partial = CHECKPOINTS / f"answers-{key}.jsonl"
    texts = _read_partial(partial)
    tokenizer = load_tokenizer(folder)
    form = load_format(folder, tokenizer)
    if len(texts) < len(asked):
        model = load_model(folder)
        processor = _held_to(schemas, form, tokenizer) if schemas else None
        chats = [form.chat(one) for one in asked]
        written = expected and [form.write(one, one) for one in expected]
        answers = decode(
            model, tokenizer, chats, **settings, processor=processor, done=frozenset(texts), expected=written
        )
        partial.parent.mkdir(exist_ok=True)
        answered = tqdm(total=len(asked), initial=len(texts), desc=f"{folder.name} answers", **BY_BATCH)
        with partial.open("a", encoding="utf-8") as file, answered as bar:
            for index, text in answers:
                bar.update(index not in texts)
                texts[index] = text
                file.write(_line(index, text))
                file.flush()
    partial.unlink(missing_ok=True)
    return [(texts[index], form.read(texts[index])) for index in range(len(asked))]


def _held_to(schemas: list[list[Schema]], form: Format, tokenizer: Any) -> Callable[[list[int]], Any]:
    from tool_dpo.models.constrained import Constrained, grammar, guide

    try:
        grammars = [grammar(allowed, form, tokenizer) for allowed in schemas]
    except ValueError as error:
        raise InputError(f"constrained answers need a format that writes calls as JSON: {error}") from None
    guided = guide(tokenizer)
    return lambda batch: Constrained([grammars[index] for index in batch], guided)


def _line(index: int, text: str) -> str:
    document = json.dumps([index, text])
    return f"{zlib.crc32(document.encode()):08x} {document}\n"


def _read_partial(path: Path) -> dict[int, str]:
    """An interrupted run's answers by prompt index. A last line cut in half is dropped, a damaged file put aside."""
    if not path.exists():
        return {}
    texts, damaged = {}, []
    *lines, _ = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, 1):
        checksum, _, document = line.partition(b" ")
        if checksum == b"%08x" % zlib.crc32(document):
            index, text = json.loads(document)
            texts[index] = text
        else:
            damaged.append(number)
    if damaged:
        put_aside(path, f"line {damaged[0]} is not as it was written")
    with atomic(path) as file:
        file.writelines(_line(*answer) for answer in texts.items())
    return texts
