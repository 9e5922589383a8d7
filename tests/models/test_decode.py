"""Decoding: an answer depends on its prompt and the seed alone."""

from pathlib import Path

from tool_dpo.models.decode import decode
from tool_dpo.models.load import load_model
from tool_dpo.models.weights import load_format, load_tokenizer
from tool_dpo.triplets.triplet import Triplet


def test_an_answer_does_not_depend_on_its_batch(base: Path, triplets: list[Triplet]) -> None:
    model, tokenizer = load_model(base), load_tokenizer(base)
    chats = [load_format(base, tokenizer).chat(triplet) for triplet in triplets[:6]]
    alone, together = (dict(decode(model, tokenizer, chats, max_new_tokens=6, batch_size=size)) for size in (1, 6))
    assert alone == together
    assert sorted(alone) == list(range(6))


def test_a_seed_gives_the_same_samples_whatever_is_already_done(base: Path, triplets: list[Triplet]) -> None:
    model, tokenizer = load_model(base), load_tokenizer(base)
    chats = [load_format(base, tokenizer).chat(triplet) for triplet in triplets]

    def sample(seed: int, temperature: float = 1.0, done: tuple[int, ...] = ()) -> dict[int, str]:
        return dict(
            decode(
                model, tokenizer, chats, max_new_tokens=3, batch_size=8, temperature=temperature, seed=seed, done=done
            )
        )

    first = sample(1)
    assert first == sample(1) != sample(2)
    assert sample(1, temperature=0.0) == sample(2, temperature=0.0)
    some = list(first)[:16]
    assert sample(1, done=tuple(some)) == {index: first[index] for index in list(first)[16:]}
