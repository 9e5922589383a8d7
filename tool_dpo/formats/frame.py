"""What a format writes around the arguments of a call, for decoding that may write nothing else."""

import json

from tool_dpo.formats.format import Format

_ARGUMENTS = json.dumps({"argument": 1})


def frame(form: Format, tool: str) -> tuple[str, str]:
    """The text of an answer before and after the arguments of a call to a tool. The arguments are one JSON object.

    Raises:
        ValueError: the format does not write the arguments as JSON.
    """
    call = f'{{"tool": {json.dumps(tool)}, "parameters": {_ARGUMENTS}}}'
    before, found, after = form.write(call, call).partition(_ARGUMENTS)
    if not found:
        raise ValueError("this model does not write arguments as JSON")
    return before, after
