"""Texts made for patterns: they match, have the right length, and are the same in every process."""

import random
import re
import subprocess
import sys

import pytest

from tests.helpers import ROOT
from tool_dpo.tools.patterns import text_of

PATTERNS = [
    (r"^#[0-9a-fA-F]{6}$", 0, None, r"#[0-9a-fA-F]{6}"),
    (r"^\+[1-9]\d{1,14}$", 0, None, r"\+[1-9][0-9]{1,14}"),
    (r"^arn:aws:[a-z]+:[a-z0-9-]*:\d{12}:.+$", 0, None, r"arn:aws:[a-z]+:[a-z0-9-]*:[0-9]{12}:.+"),
    (r"^([01]\d|2[0-3]):[0-5]\d$", 0, None, r"[0-2][0-9]:[0-5][0-9]"),
    (r"^(?=.*\d)(?=.*[a-z]).{8,}$", 8, 16, r"(?=.*[0-9])(?=.*[a-z]).{8,16}"),
    (r"^(?!-)[a-z-]{3}$", 0, None, r"[a-z][a-z-]{2}"),
    (r"^[^a-z]{8}$", 0, None, r"[^a-z]{8}"),
    (r"^[a-z0-9-]+#$", 20, 20, r"[a-z0-9-]{19}#"),
    (r"^\w+ \w+$", 20, 20, r"(?=.{20}$)\w+ \w+"),
    (r"^.+$", 100, None, r".{100,}"),
    (r"[0-9]+", 0, 3, r"[0-9]{1,3}"),
    (r"^\p{Lu}\p{Ll}+\P{L}$", 0, None, r"[A-Z][a-z]+[0-9]"),
    (r"^[\p{L}\p{N}_-]{1,40}$", 0, None, r"[\w-]{1,40}"),
    (r"^(?<year>\d{4})-\d{2}$", 0, None, r"[0-9]{4}-[0-9]{2}"),
    (r"^[\u4e00-\u9fff]{2}$", 0, None, r"[\u4e00-\u9fff]{2}"),
    (r"^(\w|\w\w)+!$", 0, None, r"\w+!"),
]


@pytest.mark.parametrize(("pattern", "shortest", "longest", "texts"), PATTERNS, ids=[one[0] for one in PATTERNS])
def test_a_text_matches_its_pattern(pattern: str, shortest: int, longest: int | None, texts: str) -> None:
    found = [text_of(pattern, random.Random(seed), shortest, longest) for seed in range(30)]
    assert all(re.fullmatch(texts, text) for text in found), found
    assert len(set(found)) > 10


@pytest.mark.parametrize(
    ("pattern", "longest"),
    [("^a(?!b)b$", None), ("^((((a{99}){99}){99}){99})!$", None), ("^[a-z]{5}$", 4), ("(", None), ("^ +$", None)],
)
def test_a_pattern_without_a_text_to_say_is_reported(pattern: str, longest: int | None) -> None:
    with pytest.raises(ValueError, match="no way to draw a value for its pattern: give it examples"):
        text_of(pattern, random.Random(1), 0, longest)


def test_every_process_makes_the_same_text() -> None:
    """Sets of letters have another order in each."""
    code = (
        "import random; from tool_dpo.tools.patterns import text_of; "
        r"print(text_of('^[^a-c]{9}\W\S$', random.Random(1)))"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={"PYTHONHASHSEED": str(seed), "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in (1, 2)
    }
    assert len(texts) == 1
