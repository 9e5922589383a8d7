"""The offline source of requests: fill a tool's request templates with values, and keep the matching call."""

import base64
import json
import random
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from tool_dpo.schema.calls import strict
from tool_dpo.schema.keywords import ALTERNATIVES, Schema
from tool_dpo.schema.patterns import matches
from tool_dpo.schema.violations import Validator
from tool_dpo.tools.names import is_date, provider
from tool_dpo.tools.numbers import fits_range, number
from tool_dpo.tools.patterns import text_of
from tool_dpo.tools.phrases import Slot, Template, parse_template, spoken_list
from tool_dpo.tools.rules import RULES, agreeing, applied, deciding, nothing
from tool_dpo.tools.spellings import DURATIONS, as_said
from tool_dpo.tools.times import DAYS, FIRST, ISO, form_of, moment, named_time
from tool_dpo.tools.tool import Tool

if TYPE_CHECKING:
    from faker import Faker


_ITEMS = 3
_ATTEMPTS = 20
_LONGEST = 500
_MOST_ITEMS = 50
_MANY_LISTS = 3
"""Lists in one another. Those inside them are as short as they may be."""
_MOST_DRAWS = 10_000
"""Most items that are drawn for one list, those of the lists in it among them."""
_NOTHING = 0.125
"""Probability of null, where another value is possible too."""
_FORMATS = {
    "email": "ascii_safe_email",
    "uri": "url",
    "ipv4": "ipv4_public",
    "ip": "ipv4_public",
    "hostname": "hostname",
    "ipv6": "ipv6",
    "idn-email": "ascii_safe_email",
    "idn-hostname": "hostname",
    "iri": "url",
    "uri-reference": "url",
    "iri-reference": "url",
    "uri-template": "url",
    "url": "url",
    "phone": "phone_number",
    "tel": "phone_number",
    "color": "hex_color",
    "mac": "mac_address",
    "password": "password",
    "country-code": "country_code",
    "currency": "currency_code",
}
"""Faker providers of formats."""
_SENTENCES = (
    "The {thing} is ready for review", "Please check the {thing} before {day}", "We moved the {thing} to {day}",
    "Could you look at the {thing} again?", "The {thing} needs one more day", "Nobody has seen the {thing} since {day}",
    "The {thing} looks good to me", "Let us talk about the {thing} on {day}", "I still miss the {thing}",
    "All changes to the {thing} are done", "The {thing} was sent on {day}", "Keep the {thing} short and simple",
)  # fmt: skip
_THINGS = (
    "report", "invoice", "draft", "budget", "schedule", "contract", "new design", "release", "offer", "order",
    "delivery", "meeting", "landing page", "login page", "customer list", "price list", "test results", "backup",
    "migration", "garden party", "floor plan", "newsletter", "presentation", "survey", "training", "travel plan",
    "kitchen", "warehouse", "server update", "annual review",
)  # fmt: skip
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DIGITS = ("int32", "int64", "uint32", "uint64", "integer", "bigint")
"""Formats of numbers that are sent as text."""
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Digits of a ULID: base 32 without letters that look like others."""
_SHAPES = ("word", "ean8", "country_code", "slug", "sha1", "uuid4", "url", "file_path", "numerify", "mac_address")
"""Faker providers for a text that must match a pattern. The first whose texts all match is taken."""
_SAMPLES = 20
_CHECKED = {
    *RULES, "contains", "propertyNames", "patternProperties", "prefixItems", "unevaluatedProperties",
    "unevaluatedItems",
}  # fmt: skip
"""Keywords that a drawn value may break. It is checked, and drawn again if it does."""
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


Source = Callable[[Tool, int, random.Random], Request | None]
"""Gives the request for a tool and an index, None if there is none."""


class Speaker:
    """Draws values and the words for them. Every draw uses `rng`, so a seed gives the same bytes on all machines.

    `optional` is the probability of each optional part of a template.
    """

    def __init__(self, rng: random.Random, optional: float) -> None:
        self._rng = rng
        self._optional = optional
        self._lists = self._draws = 0
        self._checks: dict[int, tuple[Schema, Validator]] = {}
        self._faker = _faker()
        self._faker.seed_instance(rng.getrandbits(64))

    def request(self, tool: Tool) -> Request:
        """One request for the tool.

        Raises:
            ValueError: no value can be drawn for a parameter, or none that fit together.
        """
        said = self._checked(tool.parameters, lambda: self._object(tool.parameters, tool.requests))
        return Request(said.text, said.value)

    def _checked(self, schema: Schema, draw: Callable[[], Said]) -> Said:
        """What `draw` gives. It is drawn again until it fits, if the schema has a keyword that it may break.

        Raises:
            ValueError: nothing that fits is drawn.
        """
        if not _may_break(schema):
            return draw()
        if id(schema) not in self._checks:
            self._checks[id(schema)] = (
                schema,
                Validator(strict(schema)),
            )  # with the schema, so that its id stays its own
        _, check = self._checks[id(schema)]
        fault = ""
        for _ in range(_ATTEMPTS):
            said = draw()
            broken = next(iter(check.iter_errors(said.value)), None)
            if broken is None and not _mistakable(said.value, schema, check):
                return said
            fault = broken.message[:200] if broken else f"{said.value!r} may be text or not"
        raise ValueError(f"no fitting value found: {fault}")

    def _object(self, schema: Schema, templates: tuple[Template, ...]) -> Said:
        template = self._rng.choice(templates)
        properties, decided, named = schema.get("properties", {}), dict[str, Said](), None
        if RULES & schema.keys():
            decided = self._decided(schema, template)
            known = {name: said.value for name, said in decided.items()}
            named = self._names(schema, template, known)
            properties = _with(properties, applied(schema, named, known))
        values: dict[str, Any] = {}
        text = ""
        for segment in template.segments:
            if segment.optional:
                mentioned = {slot.name for slot in segment.slots}
                if self._rng.random() >= self._optional if named is None else not mentioned <= named:
                    continue
            for part in segment.parts:
                if isinstance(part, Slot):
                    said = decided.get(part.name) or self._slot(part, properties[part.name], optional=segment.optional)
                    values[part.name] = said.value
                    text += said.text
                else:
                    text += part
        return Said({name: values[name] for name in properties if name in values}, text)

    def _decided(self, schema: Schema, template: Template) -> dict[str, Said]:
        """The parameters whose values decide which of the schema's rules hold."""
        names = deciding(schema)
        return {
            slot.name: self._slot(slot, schema["properties"][slot.name], optional=optional)
            for optional in (False, True)
            for slot in template.slots(optional=optional)
            if slot.name in names
        }

    def _names(self, schema: Schema, template: Template, known: dict[str, Any]) -> set[str]:
        """The parameters that the template is to mention, so that they agree with the schema's rules."""
        always = {slot.name for slot in template.slots(optional=False)}
        parts = [{slot.name for slot in segment.slots} for segment in template.segments if segment.optional]
        return agreeing(schema, always, parts, self._rng, self._optional, known)

    def _slot(self, slot: Slot, schema: Any, *, optional: bool) -> Said:
        """A parameter. Null is not said of an optional one: people leave it out."""
        try:
            if slot.yes is not None and slot.no is not None:
                open_ = not {"const", "enum"} & schema.keys()
                value = self._rng.random() < 0.5 if open_ else self.say(schema, slot.name).value
                return Said(value, slot.yes if value else slot.no)
            said = self.say(schema, slot.name)
            for _ in range(_ATTEMPTS if optional else 0):
                if said.value is not None:
                    break
                said = self.say(schema, slot.name)
            return said
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
        return self._checked(schema, lambda: self._say(schema, name))

    def _say(self, schema: Schema, name: str) -> Said:
        if "x-phrase" in schema:
            texts = schema["x-phrase"]
            templates = tuple(map(parse_template, [texts] if isinstance(texts, str) else texts))
            whole = self._object(schema, templates)
            for _ in range(_ATTEMPTS if schema.get("properties") else 0):
                if whole.value:
                    break
                whole = self._object(schema, templates)  # a request says something of an object that it mentions
            return whole
        if "const" in schema:
            return Said(schema["const"], _spoken(schema["const"]))
        if "enum" in schema:
            if not schema["enum"]:
                raise ValueError("its enum is empty: no value fits")
            value = self._rng.choice(schema["enum"])
            return Said(value, self._enum_word(value, schema))
        kind = self._kind(schema)
        given = bool({"examples", "x-faker"} & schema.keys())
        if kind == "array" and "examples" not in schema:
            return self._list(schema, name)
        if kind == "string" and (said := self._time(schema, given=given)) and _fits(schema, said.value):
            return said
        for keyword in ALTERNATIVES:
            if keyword in schema and "examples" not in schema:
                return self._one_of(schema, keyword, name)
        if kind == "object" and not schema.get("properties") and "examples" not in schema:
            return self._map(schema, name)
        value = self._plain(schema, kind, name)
        return Said(value, _spoken(value))

    def _kind(self, schema: Schema) -> str:
        """The type of the value, any of those that the schema allows; null now and then."""
        kinds = schema.get("type")
        if isinstance(kinds, list) and len(kinds) > 1:
            others = [kind for kind in kinds if kind != "null"]
            return "null" if "null" in kinds and self._rng.random() < _NOTHING else str(self._rng.choice(others))
        return one_type(schema)

    def _one_of(self, schema: Schema, keyword: str, name: str) -> Said:
        """A value of any of the alternatives; null now and then, if another can be drawn."""
        around = {key: value for key, value in schema.items() if key != keyword}
        drawn = self._rng.sample(schema[keyword], len(schema[keyword]))
        last = self._rng.random() >= _NOTHING
        for one in sorted(drawn, key=_is_nothing, reverse=not last):
            try:
                return self.say(_both(around, one), name)
            except ValueError:
                continue
        raise ValueError(_NO_WAY)

    def _enum_word(self, value: Any, schema: Schema) -> str:
        plain = _spoken(value).replace("_", " ") if isinstance(value, str) else _spoken(value)
        words = schema.get("x-say", {}).get(str(value), plain)
        return words if isinstance(words, str) else str(self._rng.choice(words))

    def _list(self, schema: Schema, name: str) -> Said:
        if schema.get("maxItems") == 0:
            return Said([], _spoken([]))
        first = schema.get("prefixItems", [])[: schema.get("maxItems")]
        low = max(1, len(first), schema.get("minItems", 1))
        if low > _MOST_ITEMS:
            raise ValueError(f"its minItems {low} is more than the {_MOST_ITEMS} items that a request can list")
        most = schema.get("maxItems", max(_ITEMS, len(first)))
        if first and schema.get("items") in (False, None):
            most = low
        size = min(max(low, most), self._rng.randint(low, max(low, min(most, max(_ITEMS, low)))))
        if self._lists >= _MANY_LISTS:
            size = low
        if not self._lists:
            self._draws = 0
        self._lists += 1
        try:
            items = [self._item(one, name) for one in first]
            if "contains" in schema:
                items += [self._item(schema["contains"], name) for _ in range(max(1, schema.get("minContains", 1)))]
            for _ in range(_ATTEMPTS * size):
                if len(items) >= size:
                    break
                item = self._item(schema.get("items", {}), name)
                if all(item.value != other.value for other in items):
                    items.append(item)
            while len(items) < low and items and not schema.get("uniqueItems"):  # of a boolean there are but two
                items.append(self._item(schema.get("items", {}), name))
        finally:
            self._lists -= 1
        return Said([item.value for item in items], spoken_list([item.text for item in items]))

    def _item(self, schema: Schema, name: str) -> Said:
        self._draws += 1
        if self._draws > _MOST_DRAWS:
            raise ValueError(f"its lists need more than {_MOST_DRAWS} items in all")
        return self.say(schema, name)

    def _time(self, schema: Schema, *, given: bool) -> Said | None:
        """A date, a moment or a duration, if the schema wants one and gives no values itself."""
        match schema.get("format"):
            case "date":
                return self._date()
            case "date-time" if not given:
                return self._moment()
            case "duration" if not given:
                return self._duration()
        return None

    def _date(self) -> Said:
        day = FIRST.date() + timedelta(days=self._rng.randrange(DAYS))
        return Said(day.isoformat(), self._rng.choice(as_said(day)))

    def _duration(self) -> Said:
        value, unit = self._rng.choice(list(DURATIONS.items()))
        count = self._rng.choice((5, 10, 15, 20, 30, 45) if unit == "minute" else range(1, 7))
        return Said(value.format(count), f"{count} {unit}{'s' * (count > 1)}")

    def _map(self, schema: Schema, name: str) -> Said:
        """An object with one entry, or as many as it needs, if its names are free; an empty one if it can have none."""
        open_ = schema.get("additionalProperties", "properties" not in schema) is not False
        if not open_ and "patternProperties" not in schema:
            return Said({}, _spoken({}))
        entries: dict[str, Said] = {}
        for _ in range(_ATTEMPTS):
            if len(entries) >= max(1, schema.get("minProperties", 1)):
                break
            key, inner = self._entry(schema)
            entries[key] = self.say(inner, name if isinstance(inner, dict) and "type" in inner else "")
        said = ", ".join(f"{key} = {one.text}" for key, one in entries.items())
        return Said({key: one.value for key, one in entries.items()}, said)

    def _entry(self, schema: Schema) -> tuple[str, Any]:
        """The name of an entry, and the schema of its value."""
        for pattern, inner in schema.get("patternProperties", {}).items():
            return text_of(pattern, self._rng), inner
        if isinstance(schema.get("propertyNames"), dict):
            name = self.say({"type": "string", **schema["propertyNames"]}).value
        else:
            name = self._faker.word()
        return str(name), schema.get("additionalProperties", {})

    def _plain(self, schema: Schema, kind: str, name: str) -> Any:
        if schema.get("examples"):
            return self._rng.choice(schema["examples"])
        if "x-faker" in schema:
            return self._fake(schema["x-faker"])
        match kind:
            case "integer" | "number":
                default = schema.get("default")
                usable = (
                    isinstance(default, int | float) and not isinstance(default, bool) and fits_range(default, schema)
                )
                if usable and self._rng.random() < 0.5:
                    return default
                if (value := number(schema, kind, name, self._rng)) is not None:
                    return value
            case "boolean":
                return self._rng.random() < 0.5
            case "string":
                return self._text(schema, name)
            case "null":
                return None
        raise ValueError(_NO_WAY)

    def _text(self, schema: Schema, name: str) -> str:
        for _ in range(_ATTEMPTS):
            text = self._formatted(str(schema.get("format")))
            if text is None:
                break
            if _fits(schema, text):
                return text
        if isinstance(schema.get("default"), str) and schema["default"] and _fits(schema, schema["default"]):
            return str(schema["default"])
        if (said := named_time(name, self._rng)) and _fits(schema, said):
            return said
        text = str(self._date().value) if is_date(name) else self._named(provider(name))
        return self._of_pattern(schema, text) if "pattern" in schema else self._of_length(text, schema)

    def _named(self, maker: str) -> str:
        """A text that a Faker provider makes. Its sentences are random words, so that they are made here."""
        if maker != "sentence":
            return self._fake(maker)
        thing, day = self._rng.choice(_THINGS), self._rng.choice(_WEEKDAYS)
        return self._rng.choice(_SENTENCES).format(thing=thing, day=day)

    def _formatted(self, form: str) -> str | None:
        """A text of a known format."""
        match form:
            case "uuid":
                return str(uuid.UUID(int=self._rng.getrandbits(128), version=4))
            case "time":
                return str(self._moment().value[11:])
            case "timestamp" | "datetime":
                return str(self._moment().value)
            case "partial-time":
                return str(self._moment().value[11:-1])
            case "cidr":
                return f"10.{self._rng.randrange(256)}.{self._rng.randrange(256)}.0/24"
            case "hex":
                return f"{self._rng.getrandbits(32):08x}"
            case "ulid":
                return f"01{''.join(self._rng.choices(_CROCKFORD, k=24))}"
            case "byte" | "base64" | "base64url" | "binary":
                return base64.b64encode(self._faker.word().encode()).decode()
            case "decimal" | "double" | "float":
                return f"{self._rng.randint(1, 500)}.{self._rng.randrange(100):02}"
            case "json-pointer" | "relative-json-pointer":
                return f"{'0' * (form != 'json-pointer')}/{self._faker.word()}"
            case "regex":
                return f"^{self._faker.word()}$"
        if form in _DIGITS:
            return str(self._rng.randint(1, 99999))
        return self._fake(_FORMATS[form]) if form in _FORMATS else None

    def _of_pattern(self, schema: Schema, *texts: str) -> str:
        """The first of the texts that fits; otherwise one of a usual shape, or one that is made for the pattern."""
        for text in texts:
            if _fits(schema, text):
                return text
        low, high = _least_length(schema), schema.get("maxLength")
        if (form := form_of(schema["pattern"])) and _fits(schema, text := f"{moment(self._rng):{form}}"):
            return text
        shape = _shape_of(schema["pattern"], low, high)
        return self._fake(shape) if shape else text_of(schema["pattern"], self._rng, low, high)

    def _of_length(self, text: str, schema: Schema) -> str:
        while len(text) < _least_length(schema):
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

    def _moment(self) -> Said:
        when = moment(self._rng)
        value = f"{when:{ISO}}"
        said = (f"{day} at {when:%H:%M} UTC" for day in as_said(when.date()))
        return Said(value, self._rng.choice((value, *said)))


def _least_length(schema: Schema) -> int:
    least: int = schema.get("minLength", 0)
    if least > _LONGEST:
        raise ValueError(f"its minLength {least} is more than the {_LONGEST} characters that a request can say")
    return least


def _fits(schema: Schema, text: str) -> bool:
    """Whether a text has the length and the pattern of a schema."""
    try:
        return schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", len(text)) and (
            "pattern" not in schema or matches(schema["pattern"], text)
        )
    except ValueError:
        return False


@lru_cache(maxsize=1024)
def _shape_of(pattern: str, shortest: int, longest: int | None) -> str | None:
    """The first of the usual shapes whose texts match a pattern and have the right length."""
    for shape, texts in _samples().items():
        try:
            fits = (shortest <= len(text) <= (longest or len(text)) and matches(pattern, text) for text in texts)
            if all(fits):
                return shape
        except ValueError:  # matching takes too long, and would with other shapes
            return None
    return None


@cache
def _samples() -> dict[str, list[str]]:
    """Some texts of each usual shape, always the same."""
    from faker import Faker

    faker = Faker("en_US")
    faker.seed_instance(1)
    return {shape: [str(getattr(faker, shape)()) for _ in range(_SAMPLES)] for shape in _SHAPES}


def _may_break(schema: Any) -> bool:
    """Whether a value that is drawn for a schema may break it."""
    if not isinstance(schema, dict):
        return False
    several = isinstance(schema.get("type"), list) and len(schema["type"]) > 1
    return several or bool(_CHECKED & schema.keys()) or ("format" in schema and "pattern" in schema)


def _mistakable(value: Any, schema: Schema, check: Any) -> bool:
    """Whether a text, such as "7", could as well be a number, a boolean or null for the schema."""
    if not isinstance(value, str) or schema.get("type") == "string":
        return False
    try:
        return bool(check.is_valid(json.loads(value)))
    except ValueError:
        return False


def _is_nothing(schema: Any) -> bool:
    """Whether an alternative is only null or an empty text."""
    return isinstance(schema, dict) and (
        schema.get("type") == "null" or all(one in (None, "") for one in schema.get("enum", [schema.get("const", 0)]))
    )


def _both(around: Schema, one: Any) -> Any:
    """An alternative, with the keywords that stand around all alternatives."""
    if not isinstance(one, dict) or not around:
        return one
    both = {**around, **one}
    if "properties" in around and "properties" in one:
        both["properties"] = {**around["properties"], **one["properties"]}
    if "required" in around and "required" in one:
        both["required"] = [*around["required"], *one["required"]]
    return both


def _with(properties: dict[str, Any], parts: Iterable[Schema]) -> dict[str, Any]:
    """The properties, with what other parts of the schema say of them."""
    result = dict(properties)
    for part in parts:
        for name, schema in part.get("properties", {}).items():
            if name in result and isinstance(schema, dict) and not nothing(schema):
                result[name] = _both(result[name] if isinstance(result[name], dict) else {}, schema)
    return result


_IMPLIED = {
    "object": {"properties", "additionalProperties", "patternProperties", "propertyNames"},
    "array": {"items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"},
    "number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
}  # fmt: skip
"""Types that keywords imply if a schema names none."""


def one_type(schema: Schema) -> str:
    """The type of the values drawn for a schema: the first type that it names, or the one that its keywords imply."""
    named = schema.get("type", [])
    for kind in [named] if isinstance(named, str) else named:
        if kind != "null":
            return str(kind)
    if "null" in named:
        return "null"
    return next((kind for kind, keywords in _IMPLIED.items() if keywords & schema.keys()), "string")


def _spoken(value: Any) -> str:
    if isinstance(value, list) and value:
        return spoken_list([_spoken(item) for item in value])
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    if value in ("", [], {}):
        return "empty"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)


@cache
def _faker() -> "Faker":
    from faker import Faker

    return Faker("en_US")
