"""Export the trained model for stock engines, with a card of what it is."""

from dataclasses import asdict

from tool_dpo.errors import run
from tool_dpo.models.export import export
from tool_dpo.params import load_params, overridden
from tool_dpo.report.card import card
from tool_dpo.stage import paths


def main() -> None:
    model, metrics, sft, pairs, test, validation, out = paths(
        "model", "metrics", "sft", "pairs", "test", "validation", "out", description=__doc__
    )
    params = load_params()
    measured = test if params.answer.split == "test" else validation
    dpo = overridden(params.chosen.dpo, beta=params.beta, loss_type=params.loss_type)
    settings = {"seed": params.seed, "sft": asdict(params.chosen.sft), "dpo": asdict(dpo)}
    export(model, out, card(model, metrics, (sft, pairs, measured), settings, params.chosen.license))


if __name__ == "__main__":
    run(main)
