"""Files: read with line numbers, written whole or not at all."""

from pathlib import Path

import pytest

from tool_dpo.errors import InputError
from tool_dpo.records import atomic, read_json, read_lines, write_json, write_lines

RECORDS = [{"text": "naïve €\n\u2028"}, {"n": 1.5, "deep": {"list": [None, True]}}]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.jsonl"
    write_lines(path, RECORDS)
    assert list(read_lines(path)) == [(1, RECORDS[0]), (2, RECORDS[1])]
    write_json(path, RECORDS)
    assert read_json(path) == RECORDS
    assert path.read_bytes().endswith(b"]\n")
    assert b"\r" not in path.read_bytes()


def test_a_failure_keeps_the_old_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write_lines(path, RECORDS)
    before = path.read_bytes()

    def half() -> None:
        with atomic(path) as file:
            file.write("half a line")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half()
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("size", [1, 1_000_000])
def test_a_full_disk_is_reported_in_one_line(size: int, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("old")
    (tmp_path / ".a.jsonl.tmp").symlink_to("/dev/full")
    with pytest.raises(InputError) as caught:
        write_lines(path, [{"text": "x" * size}])
    assert str(caught.value) == f"{path}: cannot be written: No space left on device"
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_writing_to_a_folder_is_reported_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.mkdir()
    with pytest.raises(InputError) as caught:
        write_json(path, {})
    assert str(caught.value) == f"{path}: cannot be written: Is a directory"
    assert list(tmp_path.iterdir()) == [path]


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


@pytest.mark.parametrize("line", ['{"a": NaN}', '{"a": 1e400}', '{"a": 1, "a": 1}'])
def test_records_are_json_to_the_letter(line: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="not a JSON line"):
        list(read_lines(path))
