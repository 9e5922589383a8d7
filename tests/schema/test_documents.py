"""JSON documents: what is read as JSON, the paths in it, and where two documents differ."""

import json

import pytest

from tool_dpo.schema.documents import Place, differences, json_path, parse


@pytest.mark.parametrize("text", ["0", '"a"', "[]", ' {"a": [1.5e3, null, true]}\n', '{"a": {"b": 1}, "c": {"b": 1}}'])
def test_json_is_read(text: str) -> None:
    assert parse(text) == json.loads(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value"),
        ("NaN", "NaN is not JSON"),
        ('{"a": -Infinity}', "-Infinity is not JSON"),
        ("1e999", "1e999 is too large a number"),
        ('{"a": 1, "a": 1}', "is given twice"),
        ('[{"a": {"b": 1, "b": 2}}]', "is given twice"),
        ('Here it is: {"a": 1}', "Expecting value"),
        ('{"a": 1} Done.', "Extra data"),
        ('```json\n{"a": 1}\n```', "Expecting value"),
        ('{"a": 1,}', "Expecting property name|Illegal trailing comma"),
        ("[1,]", "Expecting value|Illegal trailing comma"),
        ("{'a': 1}", "Expecting property name"),
        ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
    ],
)
def test_json_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse(text)


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        ((), "$"),
        (("parameters", "items", 0, "sku"), "$.parameters.items[0].sku"),
        (("x-size", "naïve"), "$['x-size'].naïve"),
        (("",), "$['']"),
        (("0", 0), "$['0'][0]"),
        (("it's",), r"$['it\'s']"),
        (('"a"',), "$['\"a\"']"),
        (("a\\b",), r"$['a\\b']"),
        (("a\nb\x00",), r"$['a\nb\u0000']"),
    ],
)
def test_json_path(parts: tuple[str | int, ...], path: str) -> None:
    assert json_path(parts) == path


@pytest.mark.parametrize(
    ("one", "other", "places"),
    [
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": 1}, {"a": True}, [("a",)]),
        ({"a": 1}, {"b": 1}, [("a",), ("b",)]),
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, [("a", 1, "b")]),
        ({"a": [1]}, {"a": [1, 2]}, [("a",)]),
        ([], {}, [()]),
    ],
)
def test_where_two_documents_differ(one: object, other: object, places: list[Place]) -> None:
    assert list(differences(one, other)) == list(differences(other, one)) == places
