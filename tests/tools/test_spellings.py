"""Which values a text says."""

from random import Random
from typing import Any

import pytest

from tests.helpers import ROOT, load
from tool_dpo.tools.catalog import Speaker
from tool_dpo.tools.spellings import says
from tool_dpo.tools.tool import read_tools
from tool_dpo.triplets.edits import Site, sites_of


@pytest.mark.parametrize("case", load("spellings"), ids=lambda case: case["text"])
def test_a_text_says_a_value_in_any_spelling(case: dict[str, Any]) -> None:
    assert [value for value in case["says"] if not says(case["text"], value)] == []
    assert [value for value in case["lacks"] if says(case["text"], value)] == []


def test_every_value_that_the_catalogue_speaks_is_found() -> None:
    """But for choices, which may have words of their own, and booleans."""
    for tool in read_tools(ROOT / "data/tools")[::9]:
        request = Speaker(Random(tool.name), 0.5).request(tool)
        for site in sites_of(Site((), tool.parameters, request.parameters)):
            if "enum" not in site.schema and not isinstance(site.value, bool | dict | list):
                assert says(request.text, site.value), (request.text, site.value)
