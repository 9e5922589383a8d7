"""Grouped attention."""

from pathlib import Path

from tool_dpo.models.load import load_model
from tool_dpo.models.weights import load_tokenizer


def test_grouped_attention_gives_the_logits_of_eager_attention(base: Path) -> None:
    import torch

    model, tokenizer = load_model(base), load_tokenizer(base)
    assert model.config._attn_implementation == "grouped"
    assert model.config.num_key_value_heads < model.config.num_attention_heads
    inputs = tokenizer(["a longer text, then", "short"], padding=True, return_tensors="pt")
    logits = {}
    for form in ("grouped", "eager"):
        model.set_attn_implementation(form)
        with torch.inference_mode():
            past = model(**inputs).past_key_values
            attention_mask = torch.cat([inputs["attention_mask"], torch.ones(2, 1, dtype=torch.long)], dim=1)
            step = {"input_ids": inputs["input_ids"][:, :1], "attention_mask": attention_mask}
            logits[form] = model(**step, past_key_values=past).logits
    assert torch.allclose(logits["grouped"], logits["eager"], atol=1e-5)
