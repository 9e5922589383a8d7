"""More examples of ids that look like the given ones."""

import re
from typing import Any

import pytest

from tool_dpo.tools.likeness import with_more_examples

TEXT = {"type": "string"}


@pytest.mark.parametrize(
    ("name", "schema", "texts"),
    [
        ("customer_id", {**TEXT, "examples": ["cus_8F3a"]}, r"cus_[0-9][A-F][0-9][a-f]"),
        ("sessionId", {**TEXT, "examples": ["sesn_01xZ"]}, r"sesn_[0-9]{2}[a-z][A-Z]"),
        ("order_number", {**TEXT, "description": "The order, e.g. `SO-5510`."}, r"SO-[0-9]{4}"),
        ("sku", {**TEXT, "examples": ["HX-1042"], "pattern": "^HX-[13579]"}, r"HX-[13579][0-9]{3}"),
    ],
)
def test_an_id_looks_like_the_given_ones(name: str, schema: dict[str, Any], texts: str) -> None:
    found = with_more_examples(schema, name)["examples"]
    assert len(set(found)) >= 2
    assert all(re.fullmatch(texts, one) for one in found)
    assert with_more_examples(schema, name)["examples"] == found


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("title", {**TEXT, "examples": ["Part 2"]}),
        ("id", {**TEXT, "enum": ["a1"]}),
        ("id", {"type": "integer", "examples": [5]}),
        ("id", {**TEXT, "examples": ["me"]}),
        ("id", TEXT),
        ("id", True),
    ],
)
def test_other_schemas_stay_as_they_are(name: str, schema: Any) -> None:
    assert with_more_examples(schema, name) == schema
