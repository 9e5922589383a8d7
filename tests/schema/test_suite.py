"""The official JSON Schema Test Suite (Draft 2020-12), checked as schemas and answers are.

The files are those of https://github.com/json-schema-org/JSON-Schema-Test-Suite as the sdist of jsonschema 4.26.0 has
them. cases/suite.json names each case that comes out another way, with the reason.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import CASES, ROOT, load
from tool_dpo.schema.check import SchemaError, check_schema
from tool_dpo.schema.violations import violations

SUITE = CASES / "json-schema-test-suite"
EXCEPTIONS = load("suite")


def exception(file: str, group: str, test: str) -> dict[str, Any] | None:
    for one in EXCEPTIONS:
        if one["file"] == file and one["group"] == group and one.get("test", test) == test:
            return dict(one)
    return None


@pytest.mark.parametrize("path", sorted(SUITE.rglob("*.json")), ids=lambda path: path.relative_to(SUITE).as_posix())
def test_suite(path: Path) -> None:
    file = path.relative_to(SUITE).as_posix()
    wrong = []
    for group in json.loads(path.read_text(encoding="utf-8")):
        for test in group["tests"]:
            known = exception(file, group["description"], test["description"])
            if known and known["refused"]:
                with pytest.raises(SchemaError, match="does not resolve inside the schema"):
                    check_schema(group["schema"])
                continue
            check_schema(group["schema"])
            valid = not violations(group["schema"], test["data"])
            if valid is not (test["valid"] != bool(known)):
                wrong.append((group["description"], test["description"]))
    assert wrong == []


def test_every_exception_is_a_case_of_the_suite() -> None:
    for one in EXCEPTIONS:
        read = json.loads((SUITE / one["file"]).read_text(encoding="utf-8"))
        groups = {group["description"]: group for group in read}
        assert "test" not in one or one["test"] in {test["description"] for test in groups[one["group"]]["tests"]}


def test_the_documents_have_the_numbers() -> None:
    cases, refused, differing = Counter[str](), Counter[str](), Counter[str]()
    for path in SUITE.rglob("*.json"):
        file = path.relative_to(SUITE).as_posix()
        *_, part = "required", *(one for one in ("optional", "format") if one in path.relative_to(SUITE).parts)
        for group in json.loads(path.read_text(encoding="utf-8")):
            for test in group["tests"]:
                known = exception(file, group["description"], test["description"])
                cases[part] += 1
                refused[part] += bool(known and known["refused"])
                differing[part] += bool(known and not known["refused"])
    text = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    for part, name in (("required", "required"), ("optional", "optional"), ("format", "formats")):
        right = cases[part] - refused[part] - differing[part]
        assert f"| {name} | {cases[part]:,} | {right:,} | {refused[part]} + {differing[part]} |" in text
