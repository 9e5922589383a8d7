"""The teacher source: a chat model behind an OpenAI-compatible server writes requests and the calls they mean."""

import asyncio
import hashlib
import json
import logging
import os
import random
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tqdm import tqdm

from tool_dpo.cache import cache_folder, keep, kept
from tool_dpo.errors import InputError
from tool_dpo.params import NotNegative, TeacherParams, Url, read_section
from tool_dpo.schema.calls import call_schema, strict
from tool_dpo.schema.documents import parse
from tool_dpo.schema.keywords import Schema
from tool_dpo.schema.violations import violations
from tool_dpo.tools.catalog import Request
from tool_dpo.tools.rules import agreeing
from tool_dpo.tools.tool import Tool, with_requests

if TYPE_CHECKING:
    from openai import AsyncOpenAI


KEY = "OPENAI_API_KEY"

_ROUNDS = 3
"""Times that a tool is asked for what its earlier answers did not give."""
_TEMPLATES = 12
"""Request templates that are asked for each tool."""
_RETRIES = 5
_REFUSED = (*range(300, 400), 400, 401, 403, 404)
"""Statuses that no retry changes; redirects are not followed."""
_LARGEST = 2**22
"""Bytes that are read of one answer, as it is sent and decompressed."""
_SHORTEST_SECRET = 8
"""Characters; a shorter key is a word that a local server takes, not one to look for in answers."""
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

    Answers are kept in the user's cache by the hash of what was asked, so that nothing is paid for twice. What was
    asked, what it cost and what was left out, by reason, goes to the log.

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
        _tell(server, left_out)
    return {name: list(requests.values()) for name, requests in found.items()}


def templates(tools: Sequence[Tool], params: TeacherParams) -> dict[str, list[str]]:
    """Request templates for each tool, as the teacher writes them. Each mentions the tool's parameters correctly.

    A tool's present templates show which optional parameters can be mentioned.

    Raises:
        InputError: the server cannot be reached, refuses, or fails time after time.
    """
    server = _Server(params)
    left_out: Counter[str] = Counter()
    found: dict[str, list[str]] = {tool.name: [] for tool in tools}
    try:
        for tool, answer in zip(tools, server.ask([_template_chat(tool, params) for tool in tools]), strict=True):
            try:
                for text in _template_texts(answer):
                    _keep_template(found[tool.name], tool, text, left_out)
            except ValueError as error:
                left_out[str(error)] += 1
    finally:
        _tell(server, left_out)
    return found


def _template_chat(tool: Tool, params: TeacherParams) -> dict[str, Any]:
    """The body of the question for a tool's templates."""
    required = list(tool.parameters.get("required", []))
    said = {slot.name for template in tool.requests for slot in template.slots(optional=True)}
    schema = strict(tool.parameters)
    function = {"name": tool.name, "description": tool.description, "parameters": schema}
    optional = [name for name in schema.get("properties", {}) if name in said]
    task = (
        f"Tool: {json.dumps(function, ensure_ascii=False)}\n"
        f"Write {_TEMPLATES} requests for this tool as templates, all different: short and long, casual and polite, "
        "commands, questions and statements. In a template, a parameter's name in braces stands for its value, as in "
        "{city}. For a boolean, the braces hold the words for true and for false, as in {notify?and tell the team|"
        f"without telling anyone}}. Each template has all of: {', '.join(required) or 'no parameter'}. It may have "
        f"some of: {', '.join(optional) or 'none'}; each of these stands with the words around it in brackets, as in "
        "[ due on {due}], and the sentence is right without it. Outside braces, say things as people do, never a "
        'parameter\'s name. Answer {"requests": [the templates]}.'
    )
    texts = {"type": "array", "items": {"type": "string"}}
    schema = {"type": "object", "properties": {"requests": texts}, "required": ["requests"]}
    answer = {"name": "templates", "schema": {**schema, "additionalProperties": False}}
    return {
        "model": params.model,
        "temperature": params.temperature,
        "seed": 0,
        "messages": [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": task}],
        "response_format": {"type": "json_schema", "json_schema": answer},
    }


def _template_texts(answer: "_Answer | str") -> list[Any]:
    """The templates that an answer holds.

    Raises:
        ValueError: the reason why it holds none.
    """
    match _document(answer):
        case {"requests": list(texts)}:
            return texts
    raise ValueError("the answer is not {requests}")


def _keep_template(kept: list[str], tool: Tool, text: Any, left_out: Counter[str]) -> None:
    """Keep a template, or count why it cannot be used."""
    try:
        with_requests(tool, [text])
        plain = " ".join(text.split())
        plain.encode()
    except UnicodeEncodeError:
        left_out["a template has half a character"] += 1
    except ValueError:
        left_out["a template does not mention the parameters correctly"] += 1
    else:
        if plain and plain not in kept:
            kept.append(plain)


def _tell(server: "_Server", left_out: Counter[str]) -> None:
    """Log what the answers cost, and what was left out, by reason."""
    log = logging.getLogger(__name__)
    log.warning("teacher: %s", server.bill())
    for reason, count in left_out.most_common():
        log.warning("teacher: %d left out: %s", count, reason)


def _chat(tool: Tool, rng: random.Random, optional: float, params: TeacherParams) -> tuple[dict[str, Any], set[str]]:
    """The body of one question, and the names of the parameters that the request is to mention."""
    properties, required = tool.parameters.get("properties", {}), set(tool.parameters.get("required", []))
    parts = [{name} for name in properties if name not in required]
    mentioned = agreeing(tool.parameters, required & properties.keys(), parts, rng, optional)
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


@dataclass(frozen=True)
class _Answer:
    """What is kept of a chat completion."""

    text: str
    cut_off: bool
    tokens_in: Annotated[int, NotNegative]
    tokens_out: Annotated[int, NotNegative]


def _request(tool: Tool, mentioned: set[str], answer: _Answer | str) -> Request:
    """The request that an answer holds.

    Raises:
        ValueError: the reason why it holds none.
    """
    document = _document(answer)
    if not isinstance(document, dict) or set(document) != {"request", "parameters"}:
        raise ValueError("the answer is not {request, parameters}")
    text, parameters = document["request"], document["parameters"]
    if not isinstance(text, str) or not text.strip():
        raise ValueError("the request is empty")
    if broken := violations(call_schema(tool.name, tool.parameters), {"tool": tool.name, "parameters": parameters}):
        raise ValueError(f"the call is not valid: {broken[0].kind}")
    if set(parameters) != mentioned:
        raise ValueError("the call has other parameters than were asked for")
    ordered = {name: parameters[name] for name in tool.parameters.get("properties", {}) if name in parameters}
    return Request(" ".join(text.split()), ordered)


def _document(answer: _Answer | str) -> Any:
    """The JSON document of an answer.

    Raises:
        ValueError: the reason why it has none.
    """
    if isinstance(answer, str):
        raise ValueError(answer)
    if answer.cut_off:
        raise ValueError("the answer was cut off")
    try:
        return parse(answer.text)
    except ValueError:
        raise ValueError("the answer is not JSON") from None


def _read(content: bytes) -> _Answer:
    """A chat completion; of tokens that the server does not count, or counts oddly, there are none.

    Raises:
        LookupError, RecursionError, TypeError, ValueError: it is none.
    """
    completion = json.loads(content)
    choice = completion["choices"][0]
    text = choice["message"]["content"] or ""
    if not isinstance(text, str):
        raise TypeError
    text.encode()
    usage = completion.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    tokens = (_count(counts.get(name)) for name in ("prompt_tokens", "completion_tokens"))
    return _Answer(text, choice.get("finish_reason") == "length", *tokens)


def _count(value: Any) -> int:
    return value if type(value) is int and 0 <= value < 2**31 else 0


def _says(text: str, key: str) -> bool:
    """Whether a text holds the key, plainly or in JSON's escapes."""
    try:
        plain = json.dumps(parse(text), ensure_ascii=False)
    except ValueError:
        plain = text
    return len(key) >= _SHORTEST_SECRET and (key in text or json.dumps(key)[1:-1] in plain)


class _Server:
    """Asks many questions at once, pays for each once, and counts what it cost."""

    def __init__(self, params: TeacherParams) -> None:
        self._params = params
        self._folder = cache_folder("teacher")
        self._key = os.environ.get(KEY, "").strip()
        self._failed = 0
        self._counts: Counter[str] = Counter()

    def ask(self, bodies: Sequence[dict[str, Any]]) -> list[_Answer | str]:
        """An answer to each body, or the reason for want of one."""
        answers = {index: answer for index, body in enumerate(bodies) if (answer := self._earlier(body))}
        self._counts["cached"] += len(answers)
        missing = {index: body for index, body in enumerate(bodies) if index not in answers}
        fetched = asyncio.run(self._fetch(missing)) if missing else {}
        return [answers.get(index) or fetched[index] for index in range(len(bodies))]

    def _earlier(self, body: Mapping[str, Any]) -> _Answer | None:
        """The answer that was kept; a file that holds none is asked for again."""
        try:
            return read_section(_Answer, kept(self._path(body)))
        except ValueError:
            return None

    async def _fetch(self, bodies: Mapping[int, dict[str, Any]]) -> dict[int, _Answer | str]:
        answers: dict[int, _Answer | str] = {}
        left = iter(bodies.items())
        async with self._connect() as client:
            with tqdm(total=len(bodies), desc=f"{self._params.model} writes") as bar:

                async def work() -> None:
                    for index, body in left:
                        answers[index] = await self._one(client, body)
                        bar.update()

                try:
                    async with asyncio.TaskGroup() as group:
                        for _ in range(min(self._params.concurrency, len(bodies))):
                            group.create_task(work())
                except BaseExceptionGroup as errors:
                    raise errors.exceptions[0] from None
        return answers

    async def _one(self, client: "AsyncOpenAI", body: dict[str, Any]) -> _Answer | str:
        from openai import APIConnectionError, APIStatusError

        try:
            async with asyncio.timeout(self._params.timeout):
                response = await client.chat.completions.with_raw_response.create(**body)
            answer = _read(response.content)
        except TimeoutError:
            return self._failure(f"no answer in {self._params.timeout:g} s")
        except APIStatusError as error:
            if error.status_code in _REFUSED:
                raise InputError(self._trouble(f"refuses: HTTP {error.status_code}")) from None
            return self._failure(f"the server answered {error.status_code}")
        except APIConnectionError as error:
            return self._failure(f"no answer: {type(error).__name__}")
        except (LookupError, RecursionError, TypeError, ValueError):
            return self._failure("the server answered something else than a chat completion")
        self._failed = 0
        self._counts["asked"] += 1
        self._counts["tokens in"] += answer.tokens_in
        self._counts["tokens out"] += answer.tokens_out
        if _says(answer.text, self._key):
            return f"the answer repeats {KEY}"
        keep(self._path(body), asdict(answer))
        return answer

    def _failure(self, reason: str) -> str:
        self._failed += 1
        if self._failed > self._params.concurrency:
            raise InputError(self._trouble(f"fails: {self._failed} times in a row, at last: {reason}"))
        return reason

    def _trouble(self, what: str) -> str:
        address = self._params.base_url.partition("?")[0]
        return (
            f"generate.teacher.base_url {address} {what}: check it, generate.teacher.model and {KEY}; "
            "answers already paid for are kept, run again to go on"
        )

    def _connect(self) -> "AsyncOpenAI":
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient

        if not Url.holds(self._params.base_url):
            raise InputError(f"generate.teacher.base_url must be {Url.text}")
        if not self._key:
            raise InputError(
                f"generate.source openai needs a key in the environment: export {KEY}=... (a local server takes any)"
            )
        if not (self._key.isascii() and self._key.isprintable()):
            raise InputError(f"{KEY} must be one line of ASCII characters")

        class Bounded(DefaultAsyncHttpxClient):
            async def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
                return await _bounded(await super().send(request, *args, **{**kwargs, "stream": True}))

        http = Bounded(timeout=None, follow_redirects=False, headers={"Accept-Encoding": "gzip"})
        return AsyncOpenAI(
            base_url=self._params.base_url, api_key=self._key, max_retries=_RETRIES, timeout=None, http_client=http
        )

    def _path(self, body: Mapping[str, Any]) -> Path:
        return self._folder / f"{hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:32]}.json"

    def bill(self) -> str:
        """What was asked and what it cost, in one line."""
        counts, params = self._counts, self._params
        cost = (counts["tokens in"] * params.dollars_in + counts["tokens out"] * params.dollars_out) / 1e6
        return (
            f"{counts['asked']} answers paid for, {counts['cached']} kept from earlier, "
            f"{counts['tokens in']} tokens in and {counts['tokens out']} out, ${cost:.4f}"
        )


async def _bounded(response: Any) -> Any:
    """An HTTP response that is being read, as a whole one; of a body too large, or that is not gzip, what there is."""
    content = bytearray()
    try:
        async with aclosing(response.aiter_raw()) as chunks:
            async for chunk in chunks:
                content += chunk
                if len(content) > _LARGEST:
                    break
    finally:
        await response.aclose()
    headers = response.headers.copy()
    if headers.pop("Content-Encoding", "identity") != "identity":
        try:
            content = bytearray(zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(content, _LARGEST))
        except zlib.error:
            content.clear()
    for name in ("Content-Length", "Transfer-Encoding"):
        headers.pop(name, None)
    return type(response)(response.status_code, headers=headers, content=bytes(content), request=response.request)
