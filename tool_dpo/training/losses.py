"""Preference losses: what each acts on, and its form, in one table."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, relu

from tool_dpo.params import LossType


@dataclass(frozen=True)
class Answers:
    """Two answers to each of B prompts, as a loss sees them: chosen ones in the first B rows, rejected ones after.

    log_probs: [2 B, L], log-probability (nats) of each token of an answer, 0 elsewhere.
    reference: [2 B], log-probability (nats) of the whole answers under the reference model; 0 for a loss without one.
    tokens: [2 B, L], which places are tokens of an answer.
    differing: [2 B, L], which tokens the other answer does not have; shared ones after the first of these are not.
    apart: [2 B, L], all tokens from the first that differs on.
    """

    log_probs: Tensor
    reference: Tensor
    tokens: Tensor
    differing: Tensor
    apart: Tensor

    def log_ratios(self) -> Tensor:
        """Log-probability of each answer less that under the reference (nats), [2 B]."""
        return self.log_probs.sum(dim=1) - self.reference


def _chosen_less_rejected(values: Tensor) -> Tensor:
    chosen, rejected = values.chunk(2)
    return chosen - rejected


def of_answers(answers: Answers) -> Tensor:
    """The difference of the log-ratios, nats a pair."""
    return _chosen_less_rejected(answers.log_ratios())


def of_tokens(answers: Answers) -> Tensor:
    """The difference of the log-ratios, each averaged over its answer, nats a token."""
    return _chosen_less_rejected(answers.log_ratios() / answers.tokens.sum(dim=1))


def of_differing_tokens(answers: Answers) -> Tensor:
    """The difference of the log-ratios over the number of differing tokens, the larger of both answers', at least 1."""
    counts = answers.differing.sum(dim=1).chunk(2)
    return of_answers(answers) / torch.maximum(*counts).clamp(min=1)


def of_first_token(answers: Answers) -> Tensor:
    """How much likelier the chosen answer's first token that differs is than the rejected one's, nats."""
    first = answers.apart & (answers.apart.cumsum(dim=1) == 1)
    return _chosen_less_rejected((answers.log_probs * first).sum(dim=1))


def sigmoid(delta: Tensor, beta: float) -> Tensor:
    """-log sigmoid(beta delta): DPO (arXiv 2305.18290, equation 7)."""
    return -logsigmoid(beta * delta)


def squared(delta: Tensor, beta: float) -> Tensor:
    """(delta - 1 / (2 beta))^2: IPO (arXiv 2310.12036, equation 17)."""
    return (delta - 1 / (2 * beta)) ** 2


def hinge(delta: Tensor, beta: float) -> Tensor:
    """max(0, 1 - beta delta): SLiC (arXiv 2305.10425)."""
    return relu(1 - beta * delta)


@dataclass(frozen=True)
class Loss:
    """`form` of what `delta` takes of B pairs, both [B]; `reference`: whether it needs that model's passes."""

    delta: Callable[[Answers], Tensor]
    form: Callable[[Tensor, float], Tensor]
    reference: bool = True


LOSSES: dict[LossType, Loss] = {
    "ipo": Loss(of_tokens, squared),
    "ipo_differing": Loss(of_differing_tokens, squared),
    "sigmoid": Loss(of_answers, sigmoid),
    "sigmoid_norm": Loss(of_tokens, sigmoid),
    "sigmoid_first": Loss(of_first_token, sigmoid, reference=False),
    "hinge": Loss(of_answers, hinge),
}
"""`ipo` averages over an answer, as TRL does. Most tokens of a hard negative stand in the chosen call too, so its
target of 1 / (2 beta) nats a token is out of reach; that of `ipo_differing` is within reach. `sigmoid_first` looks at
the one token where the answers part: a choice that is right already hardly moves it, and what follows stays as likely.
"""
