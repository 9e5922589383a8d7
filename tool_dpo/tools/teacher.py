"""The teacher source: a chat model behind an OpenAI-compatible server writes requests and the calls they mean."""

import hashlib
import json
import logging
import os
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from tool_dpo.errors import InputError
from tool_dpo.params import TeacherParams
from tool_dpo.records import read_json, write_json
from tool_dpo.schema.calls import call_schema, strict
from tool_dpo.schema.documents import parse
from tool_dpo.schema.keywords import Schema
from tool_dpo.schema.violations import violations
from tool_dpo.tools.catalog import Request
from tool_dpo.tools.tool import Tool

if TYPE_CHECKING:
    from openai import OpenAI


CACHE = Path(".teacher")
KEY = "OPENAI_API_KEY"

_ROUNDS = 3
"""Times that a tool is asked for what its earlier answers did not give."""
_RETRIES = 5
_REFUSED = (400, 401, 403, 404)
"""Statuses that no retry changes."""
_SYSTEM = "You write what people say to an assistant that can call one tool, and the parameters they mean."
_STYLES = (
    "in one plain sentence",
    "tersely, as typed on a phone",
    "politely, as a question",
    "in two sentences, the first of which tells why",
    "to a colleague, informally",
    "with the details first and the wish last",
)


def requests(
    tools: Sequence[Tool], counts: Mapping[str, int], params: TeacherParams, optional: float, seed: int
) -> dict[str, list[Request]]:
    """Requests for each tool, up to `counts` of its name, every call valid for the tool and every text different.

    Answers are kept in CACHE by the hash of what was asked, so that nothing is paid for twice. What was asked, what it
    cost and what was left out, by reason, goes to the log.

    Raises:
        InputError: the server cannot be reached, refuses, or fails time after time.
    """
    server = _Server(params)
    left_out: Counter[str] = Counter()
    found: dict[str, dict[str, Request]] = {tool.name: {} for tool in tools}
    try:
        for attempt in range(_ROUNDS):
            wanted = [
                (tool, *_chat(tool, random.Random(f"{seed}/{tool.name}/{attempt}/{index}"), optional, params))
                for tool in tools
                for index in range(counts[tool.name] - len(found[tool.name]))
            ]
            if not wanted:
                break
            answers = server.ask([body for _, body, _ in wanted])
            for (tool, _, mentioned), answer in zip(wanted, answers, strict=True):
                try:
                    request = _request(tool, mentioned, answer)
                    if request.text in found[tool.name]:
                        raise ValueError("said before")
                    found[tool.name][request.text] = request
                except ValueError as error:
                    left_out[str(error)] += 1
    finally:
        server.close()
        log = logging.getLogger(__name__)
        log.warning("teacher: %s", server.bill())
        for reason, count in left_out.most_common():
            log.warning("teacher: %d left out: %s", count, reason)
    return {name: list(requests.values()) for name, requests in found.items()}


def _chat(tool: Tool, rng: random.Random, optional: float, params: TeacherParams) -> tuple[dict[str, Any], set[str]]:
    """The body of one question, and the names of the parameters that the request is to mention."""
    required = set(tool.parameters.get("required", []))
    mentioned = {name for name in tool.parameters.get("properties", {}) if name in required or rng.random() < optional}
    schema = strict(tool.parameters)
    function = {"name": tool.name, "description": tool.description, "parameters": schema}
    names = ", ".join(name for name in schema.get("properties", {}) if name in mentioned) or "no parameter at all"
    task = (
        f"Tool: {json.dumps(function, ensure_ascii=False)}\n"
        f"Write a request for this tool {rng.choice(_STYLES)}. Mention values for exactly these parameters: {names}. "
        "Make the values up; say them as people do, never the parameters' names. "
        'Answer {"request": what the person says, "parameters": the parameters it means}.'
    )
    answer = {"name": "request", "schema": _answer_schema(schema)}
    body = {
        "model": params.model,
        "temperature": params.temperature,
        "seed": rng.getrandbits(31),
        "messages": [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": task}],
        "response_format": {"type": "json_schema", "json_schema": answer},
    }
    return body, mentioned


def _answer_schema(parameters: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {"request": {"type": "string"}, "parameters": parameters},
        "required": ["request", "parameters"],
        "additionalProperties": False,
    }


def _request(tool: Tool, mentioned: set[str], answer: Mapping[str, Any]) -> Request:
    """The request that an answer holds.

    Raises:
        ValueError: the reason why it holds none.
    """
    if "failure" in answer:
        raise ValueError(answer["failure"])
    if answer["finish_reason"] == "length":
        raise ValueError("the answer was cut off")
    try:
        document = parse(answer["text"])
    except ValueError:
        raise ValueError("the answer is not JSON") from None
    if not isinstance(document, dict) or set(document) != {"request", "parameters"}:
        raise ValueError("the answer is not {request, parameters}")
    text, parameters = document["request"], document["parameters"]
    if not isinstance(text, str) or not text.strip():
        raise ValueError("the request is empty")
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("the answer has half a character") from None
    if broken := violations(call_schema(tool.name, tool.parameters), {"tool": tool.name, "parameters": parameters}):
        raise ValueError(f"the call is not valid: {broken[0].kind}")
    if set(parameters) != mentioned:
        raise ValueError("the call has other parameters than were asked for")
    ordered = {name: parameters[name] for name in tool.parameters.get("properties", {}) if name in parameters}
    return Request(" ".join(text.split()), ordered)


def _read(completion: Any) -> dict[str, Any]:
    """What is kept of a chat completion; of tokens that the server does not count, none are.

    Raises:
        Exception: many kinds, where it is none.
    """
    choice, usage = completion.choices[0], completion.usage
    text = choice.message.content or ""
    if not isinstance(text, str):
        raise TypeError
    text.encode()
    counts = [getattr(usage, name, 0) for name in ("prompt_tokens", "completion_tokens")]
    whole = all(isinstance(count, int) for count in counts)
    return {"text": text, "finish_reason": choice.finish_reason, "usage": counts if whole else [0, 0]}


class _Server:
    """Asks many questions at once, pays for each once, and counts what it cost."""

    def __init__(self, params: TeacherParams) -> None:
        self._params = params
        self._client: OpenAI | None = None
        self._failed = 0
        self._counts: Counter[str] = Counter()

    def ask(self, bodies: Sequence[dict[str, Any]]) -> list[Mapping[str, Any]]:
        """An answer to each body: `text`, `finish_reason` and `usage`, or the `failure` for want of one."""
        answers: dict[int, Mapping[str, Any]] = {}
        for index, body in enumerate(bodies):
            path = self._cached(body)
            if path.exists():
                answers[index] = read_json(path)
        self._counts["cached"] += len(answers)
        missing = [index for index in range(len(bodies)) if index not in answers]
        if missing:
            answers.update(self._fetch({index: bodies[index] for index in missing}))
        return [answers[index] for index in range(len(bodies))]

    def _fetch(self, bodies: Mapping[int, dict[str, Any]]) -> Iterator[tuple[int, Mapping[str, Any]]]:
        client = self._connect()
        with ThreadPoolExecutor(self._params.concurrency) as pool:
            asked = {pool.submit(self._one, client, body): index for index, body in bodies.items()}
            try:
                for future in tqdm(as_completed(asked), total=len(asked), desc=f"{self._params.model} writes"):
                    yield asked[future], future.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _one(self, client: "OpenAI", body: dict[str, Any]) -> Mapping[str, Any]:
        from openai import APIConnectionError, APIError, APIStatusError

        try:
            answer = _read(client.chat.completions.create(**body))
        except APIStatusError as error:
            if error.status_code in _REFUSED:
                raise InputError(self._trouble(f"refuses: HTTP {error.status_code}")) from None
            return self._failure(f"the server answered {error.status_code}")
        except APIConnectionError as error:
            return self._failure(f"no answer: {type(error).__name__}")
        except (APIError, ValueError, AttributeError, LookupError, TypeError, RecursionError):
            return self._failure("the server answered something else than a chat completion")
        write_json(self._cached(body), answer)
        self._failed = 0
        self._counts["asked"] += 1
        self._counts["tokens in"] += answer["usage"][0]
        self._counts["tokens out"] += answer["usage"][1]
        return answer

    def _failure(self, reason: str) -> Mapping[str, Any]:
        self._failed += 1
        if self._failed > self._params.concurrency:
            raise InputError(self._trouble(f"fails: {self._failed} times in a row, at last: {reason}"))
        return {"failure": reason}

    def _trouble(self, what: str) -> str:
        return (
            f"generate.teacher.base_url {self._params.base_url} {what}: check it, generate.teacher.model and {KEY}; "
            "answers already paid for are kept, run again to go on"
        )

    def _connect(self) -> "OpenAI":
        if self._client is None:
            from openai import OpenAI

            if not os.environ.get(KEY):
                raise InputError(
                    f"generate.source openai needs a key in the environment: export {KEY}=... "
                    "(a local server takes any)"
                )
            self._client = OpenAI(base_url=self._params.base_url, max_retries=_RETRIES, timeout=self._params.timeout)
        return self._client

    def _cached(self, body: Mapping[str, Any]) -> Path:
        return CACHE / f"{hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:32]}.json"

    def bill(self) -> str:
        """What was asked and what it cost, in one line."""
        counts, params = self._counts, self._params
        cost = (counts["tokens in"] * params.dollars_in + counts["tokens out"] * params.dollars_out) / 1e6
        return (
            f"{counts['asked']} answers paid for, {counts['cached']} kept from earlier, "
            f"{counts['tokens in']} tokens in and {counts['tokens out']} out, ${cost:.4f}"
        )

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
