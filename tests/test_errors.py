"""How a program ends: its exit code, and one line on stderr."""

import subprocess
import sys

import pytest

PROGRAM = "from tool_dpo.errors import InputError, run\ndef main():\n    {}\nrun(main)"


@pytest.mark.parametrize(
    ("body", "code", "line"),
    [
        ("pass", 0, ""),
        ("raise InputError('params.yaml: beta is missing')", 1, "params.yaml: beta is missing"),
        ("raise InputError('a\\nb\\x1b[0m\\u2028c')", 1, "a b [0m c"),
        ("raise InputError('a\\nb', 'c')", 1, "a b\nc"),
        ("raise InputError('a' * 10**6 + 'b' * 300)", 1, f"{'a' * 595} ... {'b' * 300}"),
        ("open('/no/such/file')", 1, "/no/such/file: No such file or directory"),
        ("raise OSError('the line is dead')", 1, "I/O: the line is dead"),
        (
            "raise KeyboardInterrupt",
            130,
            "interrupted: earlier outputs are untouched; run the same command to continue",
        ),
    ],
)
def test_a_program_ends_with_a_code_and_a_line(body: str, code: int, line: str) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(body)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", f"{line}\n" if line else "")


def test_a_bug_is_not_hidden() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM.format("1 / 0")], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
