"""The forms of a whole answer as a JSON document: one call, a list of several calls, or words without a call."""

import json
from typing import Any

from tool_dpo.schema.documents import parse


def calls_in(document: Any) -> list[dict[str, Any]]:
    """The calls of an answer that is one call, or a list of two or more; none of any other.

    A call is an object whose `tool` is a text. It need not be valid.
    """
    made = document if isinstance(document, list) and len(document) > 1 else [document]
    return made if all(isinstance(one, dict) and isinstance(one.get("tool"), str) for one in made) else []


def message_in(document: Any) -> str | None:
    """The words of an answer without a call, `{"tool": null, "message": words}`; None of any other."""
    if not isinstance(document, dict) or document.keys() != {"tool", "message"} or document["tool"] is not None:
        return None
    return document["message"] if is_message(document["message"]) else None


def is_message(words: Any) -> bool:
    """Whether this can be the words of an answer: a text with a letter in it."""
    return isinstance(words, str) and any(map(str.isalpha, words))


def no_call(message: str) -> str:
    """An answer without a call, as JSON text."""
    return json.dumps({"tool": None, "message": message}, ensure_ascii=False)


def read_form(text: str) -> tuple[list[dict[str, Any]], str | None]:
    """The calls of an answer, and its words, from its JSON text. There are neither if it is none of the forms."""
    try:
        document = parse(text)
    except ValueError:
        return [], None
    return calls_in(document), message_in(document)
