"""The offline source of requests: fill a tool's request templates with values, and keep the matching call."""

import math
import random
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

from tool_dpo.schema.keywords import ALTERNATIVES, Schema
from tool_dpo.schema.patterns import matches
from tool_dpo.tools.names import is_date, provider
from tool_dpo.tools.phrases import Slot, Template, parse_template, spoken_list
from tool_dpo.tools.tool import Tool

if TYPE_CHECKING:
    from faker import Faker


_MONTHS = [  # calendar.month_name depends on the machine's locale
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
]  # fmt: skip
_FIRST_DAY = date(2026, 1, 1)
_DAYS = 730
_ITEMS = 3
_ATTEMPTS = 20
_SPAN = 99
_LONGEST = 500
_MOST_ITEMS = 50
_FORMATS = {
    "hostname": "hostname",
    "ipv6": "ipv6",
    "idn-email": "ascii_safe_email",
    "iri": "url",
    "uri-reference": "url",
}
_SHAPES = ("word", "ean8", "country_code", "slug", "sha1", "uuid4", "url", "file_path", "numerify", "mac_address")
"""Faker providers, tried in turn for a text that must match a pattern."""
_NO_WAY = "no way to draw a value: give it an enum, examples, a range, a known format or x-faker"


@dataclass(frozen=True)
class Said:
    """A value, and the words for it."""

    value: Any
    text: str


@dataclass(frozen=True)
class Request:
    """A request in words, and the parameters of the matching call."""

    text: str
    parameters: dict[str, Any]


class Speaker:
    """Draws values and the words for them. Every draw uses `rng`, so a seed gives the same bytes on all machines.

    `optional` is the probability of each optional part of a template.
    """

    def __init__(self, rng: random.Random, optional: float) -> None:
        self._rng = rng
        self._optional = optional
        self._lists = 0
        self._faker = _faker()
        self._faker.seed_instance(rng.getrandbits(64))

    def request(self, tool: Tool) -> Request:
        """One request for the tool.

        Raises:
            ValueError: no value can be drawn for a parameter.
        """
        said = self._object(tool.parameters, tool.requests)
        return Request(said.text, said.value)

    def _object(self, schema: Schema, templates: tuple[Template, ...]) -> Said:
        template = self._rng.choice(templates)
        values: dict[str, Any] = {}
        text = ""
        for segment in template.segments:
            if segment.optional and self._rng.random() >= self._optional:
                continue
            for part in segment.parts:
                if isinstance(part, Slot):
                    said = self._slot(part, schema["properties"][part.name])
                    values[part.name] = said.value
                    text += said.text
                else:
                    text += part
        return Said({name: values[name] for name in schema.get("properties", {}) if name in values}, text)

    def _slot(self, slot: Slot, schema: Any) -> Said:
        if slot.yes is not None and slot.no is not None:
            value = self._rng.random() < 0.5
            return Said(value, slot.yes if value else slot.no)
        try:
            return self.say(schema, slot.name)
        except ValueError as error:
            raise ValueError(f"{slot.name}: {error}") from None

    def say(self, schema: Any, name: str = "") -> Said:
        """Draw a value that fits the schema, and the words for it. If the schema leaves it open, the name decides.

        Raises:
            ValueError: no value can be drawn.
        """
        if schema is True:
            schema = {}
        if not isinstance(schema, dict):
            raise ValueError(_NO_WAY)
        if "x-phrase" in schema:
            texts = schema["x-phrase"]
            templates = tuple(map(parse_template, [texts] if isinstance(texts, str) else texts))
            return self._object(schema, templates)
        if schema.get("enum"):
            value = self._rng.choice(schema["enum"])
            return Said(value, self._enum_word(value, schema))
        kind = one_type(schema)
        if kind == "array" and "examples" not in schema:
            return self._list(schema, name)
        if schema.get("format") == "date":
            return self._date()
        if schema.get("format") == "date-time" and not {"examples", "x-faker", "const"} & schema.keys():
            return self._moment()
        for keyword in ALTERNATIVES:
            if keyword in schema and "examples" not in schema:
                return self._first(schema[keyword], name)
        if kind == "object" and "properties" not in schema and "examples" not in schema:
            return self._map(schema, name)
        value = self._plain(schema, kind, name)
        return Said(value, _spoken(value))

    def _first(self, alternatives: list[Any], name: str) -> Said:
        for schema in alternatives:
            try:
                return self.say(schema, name)
            except ValueError:
                continue
        raise ValueError(_NO_WAY)

    def _enum_word(self, value: Any, schema: Schema) -> str:
        words = schema.get("x-say", {}).get(str(value), _spoken(value).replace("_", " "))
        return words if isinstance(words, str) else str(self._rng.choice(words))

    def _list(self, schema: Schema, name: str) -> Said:
        low = max(1, schema.get("minItems", 1))
        if low > _MOST_ITEMS:
            raise ValueError(_NO_WAY)
        size = self._rng.randint(low, max(low, min(schema.get("maxItems", _ITEMS), _ITEMS)))
        items: list[Said] = []
        self._lists += 1
        for _ in range(_ATTEMPTS * size):
            if len(items) == size and self._lists > 1:  # lists in lists would multiply the attempts
                break
            item = self.say(schema.get("items", {}), name)
            if len(items) < size and all(item.value != other.value for other in items):
                items.append(item)
        self._lists -= 1
        return Said([item.value for item in items], spoken_list([item.text for item in items]))

    def _date(self) -> Said:
        day = _FIRST_DAY + timedelta(days=self._rng.randrange(_DAYS))
        return Said(day.isoformat(), self._rng.choice(_as_said(day)))

    def _map(self, schema: Schema, name: str) -> Said:
        """An object with one entry, if its names are free."""
        entries = schema.get("additionalProperties", {})
        key = self._faker.word()
        said = self.say(entries, name if isinstance(entries, dict) and "type" in entries else "")
        return Said({key: said.value}, f"{key} = {said.text}")

    def _plain(self, schema: Schema, kind: str, name: str) -> Any:
        if schema.get("examples"):
            return self._rng.choice(schema["examples"])
        if "x-faker" in schema:
            return self._fake(schema["x-faker"])
        if "const" in schema:
            return schema["const"]
        match kind:
            case "integer" | "number":
                default = schema.get("default")
                if isinstance(default, int | float) and self._rng.random() < 0.5:
                    return default
                return self._in_range(schema, kind)
            case "boolean":
                return self._rng.random() < 0.5
            case "string" if "enum" not in schema:
                return self._text(schema, name)
            case "null":
                return None
        raise ValueError(_NO_WAY)

    def _text(self, schema: Schema, name: str) -> str:
        match schema.get("format"):
            case "email":
                return self._faker.ascii_safe_email()
            case "uri":
                return self._faker.url()
            case "ipv4":
                return self._faker.ipv4_public()
            case "uuid":
                return str(uuid.UUID(int=self._rng.getrandbits(128), version=4))
            case "time":
                return str(self._moment().value[11:])
            case str(form) if form in _FORMATS:
                return self._fake(_FORMATS[form])
        if isinstance(schema.get("default"), str) and schema["default"]:
            return str(schema["default"])
        named = self._date().value if is_date(name) else self._fake(provider(name))
        if "pattern" in schema:
            texts = (named, *map(self._fake, _SHAPES))
            fitting = [text for text in texts if _fits(schema["pattern"], text)]
            if not fitting:
                raise ValueError("no way to draw a value for its pattern: give it examples")
            named = fitting[0]
        return self._of_length(named, schema)

    def _of_length(self, text: str, schema: Schema) -> str:
        if schema.get("minLength", 0) > _LONGEST:
            raise ValueError(_NO_WAY)
        while len(text) < schema.get("minLength", 0):
            text += f" {self._faker.word()}"
        return text[: schema.get("maxLength", len(text))]

    def _fake(self, name: str) -> str:
        from faker.exceptions import BaseFakerException

        try:
            provider = getattr(self._faker, name)
            of_time = type(provider.__self__).__module__.startswith("faker.providers.date_time")
            if of_time and name != "timezone":
                raise ValueError(f"x-faker {name!r} depends on today's date: use format: date or date-time")
            value = provider()
        except (AttributeError, TypeError):
            raise ValueError(f"x-faker {name!r} is not a provider of Faker") from None
        except BaseFakerException as error:
            raise ValueError(f"x-faker {name!r} cannot be used: {error}") from None
        if isinstance(value, bytes):
            raise ValueError(f"x-faker {name!r} gives bytes, not a text")
        return str(value)

    def _in_range(self, schema: Schema, kind: str) -> int | float:
        step = Decimal(str(schema.get("multipleOf", 1 if kind == "integer" else "0.01")))
        low, high = _least(schema, step), _most(schema, step)
        if low is None:
            low = 1 if high is None or high >= 1 else high - _SPAN
        high = low + _SPAN if high is None else high
        if low > high:
            raise ValueError(_NO_WAY)
        value = self._rng.randint(low, high) * step
        return int(value) if value == int(value) else float(value)

    def _moment(self) -> Said:
        moment = datetime(_FIRST_DAY.year, 1, 1, tzinfo=UTC) + timedelta(minutes=15 * self._rng.randrange(_DAYS * 96))
        value = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        said = (f"{day} at {moment:%H:%M} UTC" for day in _as_said(moment.date()))
        return Said(value, self._rng.choice((value, *said)))


def _as_said(day: date) -> tuple[str, str, str]:
    month = _MONTHS[day.month - 1]
    return day.isoformat(), f"{month} {day.day}, {day.year}", f"{day.day} {month} {day.year}"


def _fits(pattern: str, text: str) -> bool:
    try:
        return matches(pattern, text)
    except ValueError:
        return False


def one_type(schema: Schema) -> str:
    """The type of the values drawn for a schema: the first type that it names, or the one that its keywords imply."""
    named = schema.get("type", [])
    for kind in [named] if isinstance(named, str) else named:
        if kind != "null":
            return str(kind)
    if "null" in named:
        return "null"
    return "object" if "properties" in schema else "array" if "items" in schema else "string"


def _least(schema: Schema, step: Decimal) -> int | None:
    """The smallest multiple of `step` that the schema allows."""
    bounds = [math.ceil(Decimal(str(schema["minimum"])) / step)] if "minimum" in schema else []
    if "exclusiveMinimum" in schema:
        bounds.append(math.floor(Decimal(str(schema["exclusiveMinimum"])) / step) + 1)
    return max(bounds, default=None)


def _most(schema: Schema, step: Decimal) -> int | None:
    bounds = [math.floor(Decimal(str(schema["maximum"])) / step)] if "maximum" in schema else []
    if "exclusiveMaximum" in schema:
        bounds.append(math.ceil(Decimal(str(schema["exclusiveMaximum"])) / step) - 1)
    return min(bounds, default=None)


def _spoken(value: Any) -> str:
    if isinstance(value, list):
        return spoken_list([_spoken(item) for item in value])
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    return str(value)


@cache
def _faker() -> "Faker":
    from faker import Faker

    return Faker("en_US")
