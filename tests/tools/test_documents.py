"""Reading JSON and YAML files: the values in them, and the one-line error for each bad file."""

from pathlib import Path

import pytest

from tool_dpo.errors import InputError
from tool_dpo.tools.documents import read_document


def test_yaml_is_read_like_json(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("{on: no, 200: 2026-01-01, a: 1.5, b: ~, c: true, d: 012}")
    assert read_document(path) == {"on": "no", "200": "2026-01-01", "a": 1.5, "b": None, "c": True, "d": "012"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[e5, E10, 1e3, .5, -1.5e-2, 0x1F, 0o17]", ["e5", "E10", 1000, 0.5, -0.015, 31, 15]),
        ("[1_000, 1_0.5, 1:30, 012, =, y, 2026-01-01]", ["1_000", "1_0.5", "1:30", "012", "=", "y", "2026-01-01"]),
        ("{1.10: a, 0x1F: b, ~: c, True: d, '': e}", {"1.10": "a", "0x1F": "b", "~": "c", "True": "d", "": "e"}),
        ("- &a {x: 1, y: 2}\n- {<<: *a, y: 3}", [{"x": 1, "y": 2}, {"x": 1, "y": 3}]),
        ("- &a {x: 1, y: 2}\n- {<<: [{y: 4}, *a]}", [{"x": 1, "y": 2}, {"x": 1, "y": 4}]),
        ("a:\nb: ''\nc: {}", {"a": None, "b": "", "c": {}}),
        ('"\\/": [::1, a#b]', {"/": ["::1", "a#b"]}),
    ],
)
def test_yaml_has_the_values_of_json_and_keys_as_they_are_written(text: str, value: object, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    assert read_document(path) == value


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.json"])
def test_lines_become_one_list(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text('{"a": 1}\r\n\n{"a": 2}\n')
    assert read_document(path) == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize("name", ["a.json", "A.JSON", "a.yml"])
def test_a_byte_order_mark_is_ignored(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text("\ufeff[1]")
    assert read_document(path) == [1]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.json", b"{", ":1: not JSON: Expecting property name enclosed in double quotes: column 2"),
        ("a.json", b'["\\ud800"]', ": '\\ud800' is half a character (a lone surrogate)"),
        ("a.json", b'["\xff"]', ": not UTF-8: byte 2"),
        ("a.yaml", b"a: [\nb", ":2: not YAML: expected ',' or ']', but got"),
        ("a.yaml", b"a: 1\na: 2", ":2: not YAML: 'a' is given twice in one mapping"),
        ("a.yaml", b"a:\n- .inf", ":2: not YAML: not a JSON number"),
        ("a.yaml", b"? [a]\n: 1", ":1: not YAML: a key is not a text"),
        ("a.yaml", b"a: 1\n---\nb: 2", ":2: not YAML: more than one document"),
        ("a.json", b'{"a', ":1: not JSON: Unterminated string starting at: column 2"),
        ("a.jsonl", b"[1]\n\n[1", ":3: not JSON: Expecting ',' delimiter: column 3"),
        ("a.json", b"{}\n{", ":2: not JSON: Expecting property name enclosed in double quotes: column 2"),
        ("a.yaml", b"a: !!python/object:os.system {}", ":1: not YAML: could not determine a constructor"),
        ("a.yaml", b"a: \0", ": not YAML: "),
    ],
)
def test_a_file_that_is_no_document_is_reported_in_one_line(
    name: str, content: bytes, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_document(path)
    assert str(caught.value).startswith(f"{path}{reason}")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.json: no such file"):
        read_document(tmp_path / "gone.json")


@pytest.mark.parametrize("name", ["a.json", "a.yaml"])
def test_a_document_nested_too_deeply_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(100_000 * "[" + 100_000 * "]")
    with pytest.raises(RecursionError):
        read_document(path)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.json", '{"a": 1, "a": 2}', "given twice"),
        ("a.yaml", "a: 1\na: 2\n", "given twice"),
        ("a.json", "[NaN]", "NaN is not JSON"),
        ("a.json", "[-Infinity]", "-Infinity is not JSON"),
        ("a.json", "[1e400]", "1e400 is too large a number"),
        ("a.yaml", "[1e400]", "not a JSON number"),
        ("a.yaml", "[!!float .nan]", "not a JSON number"),
    ],
)
def test_what_is_no_json_is_refused(name: str, text: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises((InputError, ValueError), match=reason):
        read_document(tmp_path / name)


@pytest.mark.parametrize("last", ["a: *x29", "? *x29\n: 1", "a: &a [*a]"])
def test_aliases_without_end_are_refused(last: str, tmp_path: Path) -> None:
    lines = ["x0: &x0 [text]", *(f"x{n}: &x{n} [*x{n - 1}, *x{n - 1}]" for n in range(1, 30)), last]
    (tmp_path / "a.yaml").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(InputError, match="its aliases stand for more than 10,000,000 characters"):
        read_document(tmp_path / "a.yaml")
