"""Stage two: preference training (DPO, arXiv 2305.18290; IPO, arXiv 2310.12036) of chosen over rejected calls."""

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tool_dpo.errors import InputError
from tool_dpo.formats.format import Format, agrees
from tool_dpo.models.adapter import save_model
from tool_dpo.models.checkpoints import CHECKPOINTS, fingerprint, model_files
from tool_dpo.models.load import load_model
from tool_dpo.models.weights import load_format, load_tokenizer, read_weights
from tool_dpo.params import DpoParams
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


def train_dpo(data: Path, sft: Path, out: Path, curve: Path, params: DpoParams, seed: int) -> None:
    """Train the SFT adapter on to prefer the chosen calls of `data`, and write it to `out`.

    The reference is the SFT model itself; its log-probabilities are computed once, before training.
    `curve` gets per step: the loss; what it acts on (`delta`); the margin, log-ratio of chosen less that of rejected
    (nats a pair); what a sample of chosen calls has lost against the SFT model (`displacement`, nats a call); the
    margin's accuracy; the log-probability of each (nats a call), of one of its tokens, and of each part
    (`preference.parts`). Of a loss without a reference the margin is one of log-probabilities, not of log-ratios.

    Raises:
        InputError: a pair that is not what it says, a model that cannot be loaded, or chosen calls that lose too much.
    """
    pairs = read_pairs(data)
    settings = {"dpo": asdict(params), "seed": seed}
    checkpoints = CHECKPOINTS / f"dpo-{fingerprint(settings, [data, *model_files(sft)])}"
    trainer = make_trainer(pairs, sft, checkpoints, params, seed)
    from tool_dpo.training.trainer import train, write_curve

    rows = trainer.train_dataset
    tokens = sum(
        2 * len(prompt) + len(chosen) + len(rejected)
        for prompt, chosen, rejected in zip(rows["prompt_ids"], rows["chosen_ids"], rows["rejected_ids"], strict=True)
    )
    log = train(trainer, checkpoints, params.epochs * tokens)
    save_model(trainer.model, sft, out)
    for row in log:
        row["margin"] = float(row["rewards/margins"]) / params.beta
    write_curve(curve, log, _CURVE)
    shutil.rmtree(checkpoints, ignore_errors=True)


def make_trainer(
    pairs: list[Pair],
    sft: Path,
    checkpoints: Path,
    params: DpoParams,
    seed: int,
    *,
    share_prompts: bool | None = None,
) -> "PreferenceTrainer":
    """TRL's trainer with the SFT adapter both as what trains and, frozen, as the reference.

    `share_prompts` reads each prompt once for both answers: None does so wherever the model's attention can.
    """
    weights = read_weights(sft)
    model = load_model(sft, trainable=True)  # before the imports: unsloth patches what is imported after it
    from datasets import Dataset
    from trl import DPOConfig

    from tool_dpo.training.lm_head import patch_trl_lm_head
    from tool_dpo.training.losses import LOSSES
    from tool_dpo.training.preference import Displacement, PreferenceTrainer
    from tool_dpo.training.shared_prompts import can_share_prompts
    from tool_dpo.training.trainer import trainer_settings

    patch_trl_lm_head()
    if share_prompts is None:
        share_prompts = weights.backend != "unsloth" and can_share_prompts(model.config)  # unsloth has its own masks
    args = DPOConfig(
        **trainer_settings(params, weights, seed, checkpoints),
        beta=params.beta,
        loss_type=["sft"],  # the trainer adds the loss of LOSSES to it
        loss_weights=[params.sft_weight],
        precompute_ref_log_probs=True,
    )
    tokenizer = load_tokenizer(sft)
    form = load_format(sft, tokenizer)
    rows = [row_of(pair, form) for pair in pairs]
    trainer = PreferenceTrainer(
        LOSSES[params.loss_type],
        share_prompts=share_prompts,
        model=model,
        args=args,
        train_dataset=Dataset.from_list(sorted(rows, key=lambda row: row["length"])),
        processing_class=tokenizer,
    )
    trainer.add_callback(Displacement(trainer, params.max_displacement))
    return trainer


def row_of(pair: Pair, form: Format) -> dict[str, Any]:
    """A pair as TRL takes it, in a model's format.

    Raises:
        InputError: the rejected call has another fault in that format.
    """
    if not agrees(form, pair.schema, pair.rejected, pair.chosen, pair.fault):
        reason = f"another fault than {pair.fault} in the model's tool format"
        raise InputError(f"a pair has {reason}: rejected {pair.rejected!r:.99}")
    chat = form.chat(pair)
    chosen, rejected = (form.write(call, pair.chosen) for call in (pair.chosen, pair.rejected))
    return {
        "prompt": chat["conversation"],
        "chosen": [{"role": "assistant", "content": chosen}],
        "rejected": [{"role": "assistant", "content": rejected}],
        "tools": chat["tools"] and pair.tools,
        "length": len(pair.prompt) + max(len(pair.chosen), len(pair.rejected)),
    }
