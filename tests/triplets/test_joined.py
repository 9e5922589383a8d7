"""Several requests in one."""

import random

import pytest

from tool_dpo.triplets.joined import joined

VALUES = ("Cancel order 7.", "Luigi's: two pizzas", "What's open now?", "I need a taxi", "could you ring Ann")


@pytest.mark.parametrize("count", [2, 3])
def test_all_requests_are_there_in_their_order(count: int) -> None:
    for seed in range(100):
        rng = random.Random(seed)
        requests = rng.sample(VALUES, count)
        text = joined(requests, rng)
        found = [text.lower().find(one.lower().rstrip(".")) for one in requests]
        assert -1 not in found
        assert found == sorted(found)


def test_only_words_that_start_a_command_lose_their_capital() -> None:
    texts = [joined(["Call Bob.", one], random.Random(seed)) for one in VALUES for seed in range(30)]
    assert any("cancel order 7" in text for text in texts)
    assert not any("luigi's" in text or " i need" in text for text in texts)


def test_commands_may_be_one_sentence_and_questions_never_are() -> None:
    commands = {joined(["Call Bob.", "Open the door."], random.Random(seed)) for seed in range(60)}
    questions = {joined(["Is it on?", "Open the door."], random.Random(seed)) for seed in range(60)}
    assert "Call Bob, and then open the door." in commands
    assert all(text.startswith("Is it on? ") for text in questions)
    assert len(questions) > 3
