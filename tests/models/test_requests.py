"""Requests from lines: in plain words or as JSON. Whatever a line is, it is read or refused."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tool_dpo.errors import InputError
from tool_dpo.models import requests
from tool_dpo.models.requests import Line, read_requests


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"Call Ana\r\n", Line(1, "Call Ana")),
        (b"[call] Ana", Line(1, "[call] Ana")),
        (b'  {"request": "Call Ana", "prompt": 1}', Line(1, "Call Ana")),
        (b'{"request": "Call Ana", "tools": null}', Line(1, "Call Ana")),
        (b'{"request": "Call Ana", "tools": [{"name": "a"}]}', Line(1, "Call Ana", [{"name": "a"}])),
        (b'{"request": "Call Ana", "tools": {"tools": []}}', Line(1, "Call Ana", {"tools": []})),
        (b'{"request": "Call Ana", "tools": "[{\\"name\\": \\"a\\"}]"}', Line(1, "Call Ana", [{"name": "a"}])),
        (b'{"tools": []}', "1: request must be a text, got None"),
        (b'{"request": ["a"]}', "1: request must be a text, got ['a']"),
        (b'{"request": "a", "tools": 3}', "1: tools must be a list, got 3"),
        (b'{"request": "a", "tools": "3"}', "1: tools must be a list, got 3"),
        (b'{"request": "a", "tools": "["}', "1: tools: not JSON: Expecting value: line 1 column 2 (char 1)"),
        (b'{"request": NaN}', "1: not JSON: NaN is not JSON"),
        (b'{"request": "\\ud800"}', "1: not JSON: half a character (a lone surrogate)"),
        (b'{"a":' * 9999, "1: not JSON: nested too deeply"),
        (b"\xff", "1: not UTF-8: byte 0"),
    ],
)
def test_a_line_is_read_or_refused(line: bytes, expected: Line | str) -> None:
    (found,) = read_requests([line])
    assert (str(found) if isinstance(found, InputError) else found) == expected


def test_lines_keep_their_numbers_and_empty_ones_are_none() -> None:
    found = list(read_requests([b"\xef\xbb\xbf\n", b"\n", b"a\n", b"\xef\n", b"  b", b"\t\n"]))
    assert [one.number if isinstance(one, Line) else str(one) for one in found] == [3, "4: not UTF-8: byte 0", 5]


@given(st.lists(st.binary() | st.text().map(lambda text: b'{"request": ' + text.encode(errors="replace"))))
def test_any_bytes_are_read_or_refused(lines: list[bytes]) -> None:
    for found in read_requests(lines):
        assert isinstance(found, Line) or "\n" not in str(found)


def test_the_example_of_the_docstring_is_true() -> None:
    assert doctest.testmod(requests) == (0, 1)
