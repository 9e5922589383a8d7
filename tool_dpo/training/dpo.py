"""Stage two: preference training (DPO, arXiv 2305.18290; IPO, arXiv 2310.12036) of chosen over rejected calls."""

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tool_dpo.formats.plain import messages
from tool_dpo.models.adapter import save_model
from tool_dpo.models.checkpoints import CHECKPOINTS, fingerprint, model_files
from tool_dpo.models.load import load_model
from tool_dpo.models.weights import load_tokenizer, read_weights
from tool_dpo.params import DpoParams, LossType
from tool_dpo.training.pair import Pair, read_pairs

if TYPE_CHECKING:
    from tool_dpo.training.preference import PreferenceTrainer


_CURVE = {
    "loss": "loss",
    "delta": "delta",
    "margin": "margin",
    "displacement": "displacement",
    "rewards/accuracies": "accuracy",
    "logps/chosen": "logp_chosen",
    "logps/rejected": "logp_rejected",
    "token/chosen": "token_chosen",
    "token/rejected": "token_rejected",
    "chosen/prefix": "chosen_prefix",
    "chosen/differing": "chosen_differing",
    "chosen/rest": "chosen_rest",
    "rejected/differing": "rejected_differing",
    "rejected/rest": "rejected_rest",
}


def train_dpo(
    data: Path, sft: Path, out: Path, curve: Path, params: DpoParams, beta: float, loss_type: LossType, seed: int
) -> None:
    """Train the SFT adapter on to prefer the chosen calls of `data`, and write it to `out`.

    The reference is the SFT model itself; its log-probabilities are computed once, before training.
    `curve` gets per step: the loss; what it acts on (`delta`); the margin, log-ratio of chosen less that of rejected
    (nats a pair); what the chosen calls have lost against the reference (`displacement`, nats a call); the margin's
    accuracy; the log-probability of each (nats a call), of one of its tokens, and of each part (`preference.parts`).

    Raises:
        InputError: a pair that breaks its promise, a model that cannot be loaded, or chosen calls that lose too much.
    """
    pairs = read_pairs(data)
    settings = {"dpo": asdict(params), "beta": beta, "loss_type": loss_type, "seed": seed}
    checkpoints = CHECKPOINTS / f"dpo-{fingerprint(settings, [data, *model_files(sft)])}"
    trainer = make_trainer(pairs, sft, checkpoints, params, beta, loss_type, seed)
    from tool_dpo.training.trainer import train, write_curve

    log = train(trainer, checkpoints)
    save_model(trainer.model, sft, out)
    for row in log:
        row["margin"] = float(row["rewards/margins"]) / beta
        row["displacement"] = -float(row["rewards/chosen"]) / beta
    write_curve(curve, log, _CURVE)
    shutil.rmtree(checkpoints, ignore_errors=True)


def make_trainer(
    pairs: list[Pair],
    sft: Path,
    checkpoints: Path,
    params: DpoParams,
    beta: float,
    loss_type: LossType,
    seed: int,
) -> "PreferenceTrainer":
    """TRL's trainer with the SFT adapter both as what trains and, frozen, as the reference."""
    weights = read_weights(sft)
    model = load_model(sft, trainable=True)  # before the imports: unsloth patches what is imported after it
    from datasets import Dataset
    from trl import DPOConfig

    from tool_dpo.training.preference import OWN_LOSSES, Displacement, PreferenceTrainer
    from tool_dpo.training.trainer import trainer_settings

    rows = sorted((_row(pair) for pair in pairs), key=lambda row: row["length"])  # the reference passes in this order
    terms: dict[str, float] = {loss_type: 1.0} if loss_type not in OWN_LOSSES else {}
    if params.sft_weight or not terms:
        terms["sft"] = params.sft_weight
    args = DPOConfig(
        **trainer_settings(params, weights, seed, checkpoints),
        beta=beta,
        loss_type=list(terms),
        loss_weights=list(terms.values()),
        precompute_ref_log_probs=True,
    )
    return PreferenceTrainer(
        loss_type,
        model=model,
        args=args,
        train_dataset=Dataset.from_list(rows),
        processing_class=load_tokenizer(sft),
        callbacks=[Displacement(params.max_displacement, beta)],
    )


def _row(pair: Pair) -> dict[str, Any]:
    return {
        "prompt": messages(pair.prompt),
        "chosen": [{"role": "assistant", "content": pair.chosen}],
        "rejected": [{"role": "assistant", "content": pair.rejected}],
        "length": len(pair.prompt) + max(len(pair.chosen), len(pair.rejected)),
    }
