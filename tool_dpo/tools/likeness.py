"""More examples of an id, like those that its schema or its description gives: `cus_8f3a` gives `cus_2b9d`."""

import random
import re
from typing import Any

from tool_dpo.schema.keywords import Schema
from tool_dpo.schema.violations import Validator
from tool_dpo.tools.names import split_words, word_set

_IDS = word_set("id ids key keys number no code codes sku ref reference token hash uuid serial isbn iban account")
"""Last words of names whose values are made up of letters and digits."""
_MANY = 8
_IN_DESCRIPTION = re.compile(
    r"(?:e\.g\.|for example|such as|example:|like)[,:]?\s+[`'\"]?([\w:/-]*\d[\w:/-]*)", re.IGNORECASE
)
_PARTS = re.compile(r"[A-Za-z0-9]+")


def with_more_examples(schema: Any, name: str) -> Any:
    """The schema of an id with `examples` that look like the given ones; any other schema as it is."""
    if not isinstance(schema, dict) or schema.get("type") != "string" or {"enum", "const", "x-faker"} & schema.keys():
        return schema
    if (split_words(name) or [""])[-1] not in _IDS:
        return schema
    given = schema.get("examples") or _IN_DESCRIPTION.findall(str(schema.get("description", "")))
    models = [one for one in given if isinstance(one, str) and re.search("[0-9]", one)]
    if not models or len(given) >= _MANY:
        return schema
    rng = random.Random(name)
    made = [*given, *(_like(rng.choice(models), rng) for _ in range(_MANY))]
    check = Validator({keyword: value for keyword, value in schema.items() if not keyword.startswith("x-")})
    fitting: Schema = {**schema, "examples": [one for one in dict.fromkeys(made) if check.is_valid(one)]}
    return fitting if fitting["examples"] else schema


def _like(model: str, rng: random.Random) -> str:
    """A text with other digits, and with other letters in each part that has digits too."""
    return _PARTS.sub(lambda part: "".join(_other(letter, part[0], rng) for letter in part[0]), model)


def _other(letter: str, part: str, rng: random.Random) -> str:
    if letter.isdigit():
        return rng.choice("0123456789")
    if part.isalpha():
        return letter
    letters = "abcdef" if re.fullmatch("[0-9a-fA-F]+", part) else "abcdefghijklmnopqrstuvwxyz"
    return rng.choice(letters if letter.islower() else letters.upper())
