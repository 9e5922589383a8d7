"""Let a model answer many prompts, in batches."""

import logging
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import LogitsProcessor, PreTrainedModel, PreTrainedTokenizerBase


BY_BATCH = {"mininterval": 0, "smoothing": 0}
"""Arguments of tqdm for answers that come a batch at a time. Without them the bar stops at the first answer of a batch
until the next batch comes, and shows a wrong speed."""
_ALIKE = 4


def decode(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    chats: Sequence[Mapping[str, Any]],
    *,
    max_new_tokens: int,
    batch_size: int,
    temperature: float = 0.0,
    seed: int = 0,
    processor: Callable[[list[int]], "LogitsProcessor"] | None = None,
    done: Container[int] = (),
    expected: Sequence[str] | None = None,
) -> Iterator[tuple[int, str]]:
    """Yield an answer to each chat as (index, text), batch by batch.

    A chat has the arguments of `apply_chat_template`. A text ends before the end of its turn.

    A batch takes as long as its longest prompt and its longest answer. So chats go by the length of their prompts, the
    longest first, and of `_ALIKE` batches of similar prompts each has `expected` answers of similar length.

    Decoding is greedy at temperature 0. Above 0 it samples from the whole distribution. Each batch has its own seed, so
    skipping the batches that are `done` does not change the others. An answer cut off by `max_new_tokens` is returned
    as it is, so it does not parse. A warning counts the `expected` answers that would be cut off. `processor` gets the
    prompt indices of a batch and returns a LogitsProcessor.
    """
    import torch
    from transformers import GenerationConfig

    end = tokenizer.eos_token_id
    sampling = {"temperature": temperature, "top_k": 0, "top_p": 1.0} if temperature else {}
    config = GenerationConfig(
        max_new_tokens=max_new_tokens,
        do_sample=bool(sampling),
        **sampling,
        repetition_penalty=1.0,  # the settings of some models penalise copying
        eos_token_id=end,
        pad_token_id=tokenizer.pad_token_id,
    )
    encoded = [tokenizer.apply_chat_template(**one, add_generation_prompt=True)["input_ids"] for one in chats]
    order = sorted(range(len(chats)), key=lambda index: -len(encoded[index]))
    if expected:
        answers = [len(ids) for ids in tokenizer(list(expected), add_special_tokens=False)["input_ids"]]
        if longer := sum(length > max_new_tokens for length in answers):
            told = "%d of %d right answers are too long for max_new_tokens (%d); the longest has %d tokens"
            logging.getLogger(__name__).warning(told, longer, len(answers), max_new_tokens, max(answers))
        alike = [order[start : start + _ALIKE * batch_size] for start in range(0, len(order), _ALIKE * batch_size)]
        order = [index for group in alike for index in sorted(group, key=lambda index: -answers[index])]
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        if all(index in done for index in batch):
            continue
        torch.manual_seed(seed + start)
        inputs = tokenizer.pad({"input_ids": [encoded[index] for index in batch]}, return_tensors="pt")
        processors = [processor(batch)] if processor else []
        with torch.inference_mode():
            output = model.generate(**inputs.to(model.device), generation_config=config, logits_processor=processors)
        written = output[:, inputs["input_ids"].shape[1] :]
        ended = [ids[: [*ids, end].index(end)] for ids in written.tolist()]
        texts = tokenizer.batch_decode(ended, clean_up_tokenization_spaces=False)
        yield from zip(batch, texts, strict=True)
