"""Ask an export in every way for the same tool calls, and compare with the answers of the pipeline.

    python -m benchmarks.serve [--limit N] [--out FILE] MODEL [MODEL ...]

A MODEL is an exported folder or a GGUF file. A folder is asked through plain transformers, and then through
`transformers serve`; a file through `llama-server`, which must be on the PATH, and then through the same server without
the grammar to which it holds calls. Servers are asked with the official OpenAI client, but for the last, which gets the
prompt as text. Each gets the first N test prompts that ask for a call,
one after the other. The answers of the pipeline are those that
`models/dpo` gave to the same prompts (`data/answers/dpo.jsonl`): run the pipeline first.

FILE gets each result when it exists, beside those that it has of other models. A server that stops is reported and left
out. At the end a table of all results is printed: SSPR, exact values, and seconds a request.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, TextIO
from urllib.request import urlopen

import httpx
from openai import APIConnectionError, BadRequestError, InternalServerError, OpenAI
from tqdm import tqdm

from tool_dpo.errors import InputError, run
from tool_dpo.formats.format import as_text
from tool_dpo.models.load import compute_dtype
from tool_dpo.models.weights import load_format, read_format, read_weights
from tool_dpo.params import Params, load_params
from tool_dpo.records import read_json, write_json
from tool_dpo.report.decisions import calling
from tool_dpo.report.metrics import summarize
from tool_dpo.report.rates import difference
from tool_dpo.report.tables import cell, failures, markdown
from tool_dpo.schema.answer import read_answers
from tool_dpo.schema.forms import is_message, no_call
from tool_dpo.schema.verdict import Verdict, judge
from tool_dpo.triplets.triplet import Triplet, read_triplets

_START = 300
"""Seconds that a server may take to load a model."""
TRAINED = Path("models/dpo")
"""The model whose format reads what llama.cpp completes."""
Timed = tuple[list[str], list[float]]
"""The call of each answer, or its words if it is none, and the seconds that each took."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--data", type=Path, default=Path("data/test.jsonl"))
    parser.add_argument("--answers", type=Path, default=Path("data/answers/dpo.jsonl"))
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    for model in options.models:
        command_of(model, 0)  # a missing server is told before the first answer
        if model.is_dir() and read_format(model) == "plain":
            raise InputError(f"{model}: is asked in the plain format, which no server knows")
    triplets = calling(read_triplets(options.data))[: options.limit]
    answers = calling(read_answers(options.answers))[: options.limit]
    if [one.prompt for one in answers] != [one.prompt for one in triplets]:
        raise InputError(f"{options.answers}: expected answers to the prompts of {options.data}")
    recorded = [one.call or as_text(one.text) for one in answers]
    params = load_params()
    results = read_json(options.out) if options.out and options.out.exists() else {}
    results["pipeline"] = _result(triplets, recorded, [], recorded)
    for model in options.models:
        for engine, ask in (FOLDER_WAYS if model.is_dir() else FILE_WAYS).items():
            name = f"{model.name}, {engine}"
            try:
                results[name] = _result(triplets, *ask(triplets, model, params), recorded)
            except InputError as error:
                print(error, file=sys.stderr)
                continue
            print(f"{name}: {results[name]['same']} of {len(triplets)} answers are the same", file=sys.stderr)
            if options.out:
                write_json(options.out, results)
    print(markdown(_rows(results)))


def plainly(triplets: Sequence[Triplet], folder: Path, params: Params) -> Timed:
    """The calls of transformers alone, as anybody loads the folder; in batches, so there is no time of each."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=compute_dtype(read_weights(folder)))
    form = load_format(folder, tokenizer)
    calls, batch = [], params.chosen.answer.batch_size
    for start in tqdm(range(0, len(triplets), batch), unit=" batches"):
        prompts = [
            tokenizer.apply_chat_template(
                [{"role": "user", "content": one.request}],
                tools=json.loads(one.tools),
                add_generation_prompt=True,
                tokenize=False,
            )
            for one in triplets[start : start + batch]
        ]
        inputs = tokenizer(prompts, return_tensors="pt", padding=True, add_special_tokens=False)
        with torch.inference_mode():
            output = model.generate(**inputs, max_new_tokens=params.answer.max_new_tokens)[
                :, inputs["input_ids"].shape[1] :
            ]
        for text in tokenizer.batch_decode(output, clean_up_tokenization_spaces=False):
            text = text.partition(tokenizer.eos_token)[0]
            calls.append(form.read(text).call or as_text(text))
    return calls, []


def served(triplets: Sequence[Triplet], model: Path, params: Params) -> Timed:
    """The calls and seconds of a server, asked for tool calls with the official OpenAI client."""

    def call(client: OpenAI, triplet: Triplet) -> str:
        answer = client.chat.completions.create(
            model=str(model),  # `transformers serve` takes no other name
            messages=[{"role": "user", "content": triplet.request}],
            tools=json.loads(triplet.tools),
            max_tokens=params.answer.max_new_tokens,
            temperature=0,
        )
        return call_of(answer.choices[0].message)

    return _from_server(triplets, model, call)


def completed(triplets: Sequence[Triplet], model: Path, params: Params) -> Timed:
    """The same from llama.cpp, which writes the prompt by the template in the file and completes it as it is."""
    form = load_format(TRAINED)

    def call(client: OpenAI, triplet: Triplet) -> str:
        def posted(path: str, **body: Any) -> Any:
            return client.post(str(client.base_url.join(path)), cast_to=httpx.Response, body=body).json()

        messages = [{"role": "user", "content": triplet.request}]
        prompt = posted("/apply-template", messages=messages, tools=json.loads(triplet.tools))["prompt"]
        longest = params.answer.max_new_tokens
        text = posted("/completion", prompt=prompt, n_predict=longest, temperature=0)["content"]
        return form.read(text).call or as_text(text)

    return _from_server(triplets, model, call)


FOLDER_WAYS = {"transformers": plainly, "transformers serve": served}
FILE_WAYS = {"llama-server": served, "llama-server without grammar": completed}


def _from_server(triplets: Sequence[Triplet], model: Path, call: Callable[[OpenAI, Triplet], str]) -> Timed:
    """The call for each triplet, one after the other, and the seconds that each took, from a server for them alone."""
    calls, seconds = [], []
    with serving(model) as url:
        client = OpenAI(base_url=url, api_key="none", max_retries=1, timeout=600)  # an error 500 closes the connection
        for triplet in tqdm(triplets):
            start = time.perf_counter()
            try:
                calls.append(call(client, triplet))
            except (BadRequestError, InternalServerError) as error:  # an answer that it cannot read, or a long prompt
                calls.append(as_text(str(error)))
            seconds.append(time.perf_counter() - start)
    return calls, seconds


def call_of(message: Any) -> str:
    """What a message says, as the formats read it: one call, several, or words. If it is none, what it has, as text."""
    words = (message.content or "").strip()
    functions = [one.function for one in message.tool_calls or ()]
    if words or not functions:
        return as_text(words) if functions or not is_message(words) else no_call(words)
    calls = [f'{{"tool": {json.dumps(one.name)}, "parameters": {one.arguments}}}' for one in functions]
    return f"[{', '.join(calls)}]" if len(calls) > 1 else calls[0]


def command_of(model: Path, port: int) -> list[str]:
    """The command that serves a model on this machine alone.

    Raises:
        InputError: there is no such model, or its server is not installed.
    """
    if not model.exists():
        raise InputError(f"{model}: no such file or folder")
    place = ["--host", "127.0.0.1", "--port", str(port)]
    if model.is_dir():
        dtype = str(compute_dtype(read_weights(model))).removeprefix("torch.")
        return [str(Path(sys.executable).with_name("transformers")), "serve", str(model), "--dtype", dtype, *place]
    server = shutil.which("llama-server")
    if server is None:
        raise InputError(f"{model}: llama-server is not on the PATH (it is part of llama.cpp)")
    return [server, "--model", str(model), "--jinja", "--parallel", "1", *place]


@contextmanager
def serving(model: Path) -> Iterator[str]:
    """Serve a model on a free port of this machine, and yield the base URL for an OpenAI client.

    Raises:
        InputError: the server does not start in time, or stops answering; with its last line.
    """
    port = free_port()
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    with TemporaryFile("w+") as log:
        process = subprocess.Popen(command_of(model, port), env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            if not _answers(process, f"http://127.0.0.1:{port}/health"):
                raise InputError(f"{model}: its server did not start: {_last_line(log)}")
            yield f"http://127.0.0.1:{port}/v1"
        except APIConnectionError as error:
            raise InputError(f"{model}: its server does not answer ({error}): {_last_line(log)}") from None
        finally:
            process.kill()
            process.wait()


def _last_line(log: TextIO) -> str:
    log.seek(0)
    return (log.read().strip() or "no word from it").splitlines()[-1]


def free_port() -> int:
    """A port of this machine that no program has."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _answers(process: "subprocess.Popen[bytes]", url: str) -> bool:
    """Whether a server answers in time."""
    end = time.monotonic() + _START
    while time.monotonic() < end and process.poll() is None:
        try:
            with urlopen(url, timeout=5):
                return True
        except OSError:
            time.sleep(0.2)
    return False


def _result(
    triplets: Sequence[Triplet], calls: Sequence[str], seconds: Sequence[float], recorded: Sequence[str]
) -> dict[str, Any]:
    def verdicts(found: Sequence[str]) -> list[Verdict]:
        calls = ("" if isinstance(_value(call), str) else call for call in found)  # words are no call
        return [judge(one.schema, call, one.chosen) for one, call in zip(triplets, calls, strict=True)]

    tools = [one.tool for one in triplets]
    ours, theirs = ([one.failure is None for one in verdicts(found)] for found in (recorded, calls))
    return {
        **summarize(verdicts(calls), tools),
        "same": sum(_value(one) == _value(other) for one, other in zip(calls, recorded, strict=True)),
        "against_pipeline": difference(ours, theirs, tools),
        "seconds": {"median": round(statistics.median(seconds), 3), "worst": round(max(seconds), 3)} if seconds else {},
    }


def _value(call: str) -> Any:
    try:
        return json.loads(call)
    except ValueError:
        return call


def _rows(results: dict[str, dict[str, Any]]) -> list[list[str]]:
    rows = [["", "answers", "SSPR", "exact values", "same call", "p against pipeline", "seconds, median", "failures"]]
    for name, one in results.items():
        rates = [cell(one["sspr"]), cell(one["exact"]), f"{one['same']} of {one['n']}"]
        ends = [
            str(one["against_pipeline"]["p"]),
            f"{one['seconds']['median']:.2f}" if one["seconds"] else "",
            failures(one),
        ]
        rows.append([name, str(one["n"]), *rates, *ends])
    return rows


if __name__ == "__main__":
    run(main)
