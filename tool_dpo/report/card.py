"""The card of an exported model: what it is, how to ask it, what it was measured and trained on."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Template
from typing import Any

from tool_dpo.errors import InputError
from tool_dpo.models.weights import name_of, read_format, read_weights
from tool_dpo.report.tables import markdown, tables

_CARD = Template("""\
---
license: $license
library_name: transformers
pipeline_tag: text-generation${base_model}
tags: [tool-calling, function-calling, dpo]
---

# Tool calls that follow their JSON Schemas

Trained with tool-dpo on $base, in two stages: supervised fine-tuning, then preference training (DPO). The LoRA adapter
is merged into the weights ($dtype). The licence is that of the base: $license.

## How to ask it

$how

Use greedy decoding (temperature 0): it was trained and measured so, and `generation_config.json` says so. Not every
engine reads this file, so send `temperature: 0` with each request.

## Results

On tools that were in no training data. SSPR is the share of answers that are, as a whole, calls that are valid for the
tools' schemas, over requests that ask for calls. A rate stands before its 95 % interval. `dpo` is this model$measured.

$results

## Training

```json
$settings
```

| file | lines | md5 |
|:--|--:|:--|
$data

Of the lines of `data/sft.jsonl` that ask for a decision (no tool fits, a value is missing, ...), SFT took the share
`sft.decisions`.
""")

_NATIVE = """\
The chat template of this folder writes the tools into the prompt, as it did in training. Any engine that takes
`tools` and reads the template can serve it. The response template in `tokenizer_config.json` reads the calls back:

```python
from transformers import AutoModelForCausalLM, AutoTokenizer

folder = "models/export"  # or wherever this file is
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForCausalLM.from_pretrained(folder)
tools = [{"type": "function", "function": {"name": "create_task", "parameters": {
    "type": "object", "properties": {"title": {"type": "string"}, "priority": {"enum": ["low", "high"]}},
    "required": ["title", "priority"], "additionalProperties": False}}}]
messages = [{"role": "user", "content": "Remind Ana to send the slides, high priority"}]
prompt = tokenizer.apply_chat_template(messages, tools=tools, add_generation_prompt=True, return_tensors="pt")
output = model.generate(**prompt, max_new_tokens=256)
print(tokenizer.parse_response(output[0, prompt["input_ids"].shape[1]:], prefix=""))
```"""

_IN_4_BIT = ", measured with its base in 4 bit; this export, with the whole base, was not measured"

_PLAIN = """\
It was trained in tool-dpo's plain format: the tools stand in the prompt as signatures, below the request, and the
answer is `{"tool": ..., "parameters": {...}}`, a list of several of these, or `{"tool": null, "message": ...}` without
a call. The chat template does not write tools, so a request with `tools` is refused. Send these messages instead;
`prompt` of `tool_dpo.formats.plain` writes the signatures from JSON Schemas:

```python
from transformers import AutoModelForCausalLM, AutoTokenizer
from tool_dpo.formats.plain import messages, prompt

folder = "models/export"  # or wherever this file is
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForCausalLM.from_pretrained(folder)
schema = {"type": "object", "properties": {"title": {"type": "string"}, "priority": {"enum": ["low", "high"]}},
          "required": ["title", "priority"]}
chat = messages(prompt("Remind Ana to send the slides, high priority", ("create_task", schema)))
inputs = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt")
output = model.generate(**inputs, max_new_tokens=256)
print(tokenizer.decode(output[0, inputs["input_ids"].shape[1]:], skip_special_tokens=True))
```"""


def card(model: Path, metrics: Path, data: Iterable[Path], settings: Mapping[str, Any], licence: str) -> str:
    """The card of the trained model of a folder, in Markdown, with the front matter that the Hugging Face Hub reads.

    `data` are the files that it was trained and measured on, `settings` those of its training.

    Raises:
        InputError: the folder is not a model folder, or a metrics or data file is missing.
    """
    weights = read_weights(model)
    base = f"`{name_of(weights)}`"
    for label, value in (("commit", weights.revision), ("sha256", weights.sha256)):
        base += f" ({label} `{value}`)" if value else ""
    return _CARD.substitute(
        license=licence,
        base_model=f"\nbase_model: {name_of(weights)}" if weights.source.startswith("hub:") else "",
        base=base,
        dtype=weights.dtype,
        how=_NATIVE if read_format(model) == "native" else _PLAIN,
        measured=_IN_4_BIT if weights.load_in_4bit else "",
        results=markdown(*tables(metrics)),
        settings=json.dumps(settings, indent=2),
        data="\n".join(map(_row, data)),
    )


def _row(path: Path) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()  # as in dvc.lock
    return f"| `{path}` | {content.count(bytes([10]))} | `{digest}` |"
