"""Imported tools: each gives a proved triplet, or is skipped with its reason."""

import json
from pathlib import Path

import pytest

from tests.helpers import TASK_ITEM, changed
from tool_dpo.errors import InputError
from tool_dpo.triplets.import_tools import import_tools


def test_tools_that_give_no_triplet_are_skipped_with_their_reason(tmp_path: Path) -> None:
    source = tmp_path / "tools.json"
    mute = changed(TASK_ITEM, {"function.name": "mute", "function.parameters.properties.title": False})
    source.write_text(json.dumps([TASK_ITEM, changed(mute, {"requests": "..."}), mute, TASK_ITEM, 3, {"function": []}]))
    adopted = import_tools(str(source))
    assert adopted.tools == [TASK_ITEM]
    reason = "title: no way to draw a value: give it an enum, examples, a range, a known format or x-faker"
    assert [line.split(": ", 1)[0] for line in adopted.skipped] == ["mute", "mute", "create_task", "tool 4", "tool 5"]
    assert adopted.skipped[0] == f"mute: {reason}"
    assert adopted.skipped[1].endswith(reason)
    assert adopted.skipped[2] == "create_task: another tool has the same name"


@pytest.mark.parametrize(("content", "reason"), [("[]", "no tool in it"), ("[3]", "no tool in it: tool 0: expected {")])
def test_a_document_without_a_tool_is_reported(content: str, reason: str, tmp_path: Path) -> None:
    source = tmp_path / "tools.json"
    source.write_text(content)
    with pytest.raises(InputError) as caught:
        import_tools(str(source))
    assert str(caught.value).startswith(f"{source}: {reason}")
