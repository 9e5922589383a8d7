"""Export a trained model as a folder that stock engines load: its weights as one, its tokenizer, templates and card."""

import shutil
from dataclasses import asdict, replace
from pathlib import Path

from tool_dpo.files import replacing
from tool_dpo.models.load import load_merged
from tool_dpo.models.weights import WEIGHTS, load_tokenizer, read_format, read_weights
from tool_dpo.records import write_json

CARD = "README.md"

_NO_TOOLS = (
    "{%- if tools %}{{ raise_exception('This model reads tools in the prompt alone, see its README.md') }}{%- endif %}"
)
"""Goes before the chat template of a model that was trained in the plain format. That template leaves tools out."""


def export(model: Path, out: Path, card: str) -> None:
    """Write the trained model of a folder to `out`, completely or not at all, with the text of its card.

    Transformers, and what is built on it, load `out` by itself. It is a model folder of this project too.

    Raises:
        InputError: the folder holds no trained model, or `out` cannot be written.
    """
    from transformers import GenerationConfig

    weights, form = read_weights(model), read_format(model)
    tokenizer = load_tokenizer(model)
    merged = load_merged(model)
    tokens = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    merged.generation_config = GenerationConfig(do_sample=False, bos_token_id=tokenizer.bos_token_id, **tokens)
    merged.config.update(tokens)
    merged.config.name_or_path = ""  # a folder on this machine
    tokenizer.clean_up_tokenization_spaces = False  # would drop spaces before punctuation, in values too
    for name in ("is_local", "local_files_only"):
        tokenizer.init_kwargs.pop(name, None)
    if form == "plain":
        tokenizer.chat_template = _NO_TOOLS + tokenizer.get_chat_template()
    whole = replace(weights, backend="transformers", load_in_4bit=False)
    with replacing(out) as temporary:
        tokenizer.save_pretrained(temporary)
        merged.save_pretrained(temporary)
        write_json(temporary / WEIGHTS, {"format": form, **asdict(whole)})
        (temporary / CARD).write_text(card, encoding="utf-8")
        for path in temporary.glob("*.safetensors"):
            shutil.copymode(temporary / CARD, path)  # else it can be read by this user alone
