"""JSON and JSON Lines: read with line numbers, strictly, and read as they were written."""

from pathlib import Path

import pytest

from tool_dpo.errors import InputError
from tool_dpo.records import read_json, read_lines, read_texts, write_json, write_lines

RECORDS = [{"text": "naïve €\n\u2028"}, {"n": 1.5, "deep": {"list": [None, True]}}]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.jsonl"
    write_lines(path, RECORDS)
    assert list(read_lines(path)) == [(1, RECORDS[0]), (2, RECORDS[1])]
    write_json(path, RECORDS)
    assert read_json(path) == RECORDS
    assert path.read_bytes().endswith(b"]\n")
    assert b"\r" not in path.read_bytes()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"a": 1', "not a JSON line: Expecting ',' delimiter: line 1 column 8 (char 7)"),
        (b'"a"', "expected a JSON object, got str"),
        (b'{"a": "\xff"}', "not a JSON line: 'utf-8' codec can't decode byte 0xff in position 7: invalid start byte"),
    ],
)
def test_a_bad_line_is_reported(line: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{}\n{"a": 1}\r\n' + line)
    with pytest.raises(InputError) as caught:
        list(read_lines(path))
    assert str(caught.value) == f"{path}:3: {reason}"


def test_a_missing_or_broken_document_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for read in (read_json, lambda path: list(read_lines(path))):
        with pytest.raises(InputError, match=r"a\.json: no such file$"):
            read(path)
    path.write_text("{")
    with pytest.raises(InputError, match=r"a\.json: not JSON: Expecting property name"):
        read_json(path)


@pytest.mark.parametrize(
    "line", ['{"a": NaN}', '{"a": 1e400}', '{"a": 1, "a": 1}', '{"a": %s}' % ("9" * 309), '{"a": 1%s}' % ("0" * 309)]
)
def test_records_are_json_to_the_letter(line: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="not a JSON line"):
        list(read_lines(path))


@pytest.mark.parametrize("number", [10**308, -(10**308), 1e308])
def test_the_largest_numbers_are_read(number: float, tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", number)
    assert read_json(tmp_path / "a.json") == number


def test_the_lines_of_a_text_are_read_but_for_empty_ones(tmp_path: Path) -> None:
    path = tmp_path / "talk.txt"
    path.write_text("Hi!\n\n  \nWas läuft?\n", encoding="utf-8")
    assert read_texts(path) == ["Hi!", "Was läuft?"]


@pytest.mark.parametrize(("content", "reason"), [(None, "no such file"), (b"Hi!\n\xff\n", "not UTF-8: ")])
def test_a_text_that_cannot_be_read_is_reported(content: bytes | None, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "talk.txt"
    if content:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_texts(path)
    assert str(caught.value).startswith(f"{path}: {reason}")
