"""Results as tables that people read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tool_dpo.errors import InputError
from tool_dpo.kinds import DECISIONS
from tool_dpo.records import read_json
from tool_dpo.report.decisions import RATES, SAID
from tool_dpo.report.metrics import MODELS
from tool_dpo.schema.verdict import FAILURES

_LABELS = {
    "sspr_of_single_calls": "SSPR, one tool listed",
    "over_call": "called when it should not",
    "call_recall": "called when it should",
    "asked_rightly": "asked for the missing value",
    "tool_chosen": "right tool chosen",
    "all_calls": "all calls made",
}


def tables(metrics: Path) -> list[list[list[str]]]:
    """The results as tables, each as rows of cells, a header first.

    The first has rates with intervals, paired tests, and each kind of failure. If requests ask for decisions, the
    second counts what was said by what was asked for.

    Raises:
        InputError: a metrics file is missing, or is not what `score` and `compare` write.
    """
    summaries = {name: read_json(metrics / f"details/{name}.json") for name in MODELS}
    tests = read_json(metrics / "details/compare.json")
    try:
        found = [_rows(summaries, tests)]
        return [*found, _decisions(summaries)] if "decisions" in summaries[MODELS[-1]] else found
    except (KeyError, TypeError) as error:
        raise InputError(f"{metrics}: not the metrics of this pipeline: {error} is missing") from None


def _rows(summaries: dict[str, Any], tests: dict[str, Any]) -> list[list[str]]:
    rows = [["", *MODELS], ["answers", *(str(one["n"]) for one in summaries.values())]]
    for key, label in (("sspr", "SSPR"), ("exact", "exact values"), ("extracted", "pass after extraction")):
        rows.append([label, *(cell(one[key]) for one in summaries.values())])
    for first in MODELS[:-1]:
        against = [tests.get(f"{first}_to_{second}") for second in MODELS]
        for key, label in (("p", "p over tools"), ("mcnemar", "McNemar p")):
            rows.append([f"SSPR against {first}, {label}", *(str(one["sspr"][key]) if one else "" for one in against)])
    for kind in FAILURES:
        rows.append([kind, *(str(one["failures"][kind]) for one in summaries.values())])
    return [*rows, *_decision_rates(summaries, tests)]


def _decision_rates(summaries: dict[str, Any], tests: dict[str, Any]) -> Iterator[list[str]]:
    """Each rate of decisions that was measured, and the test of the last model against the one before."""
    *_, before, last = MODELS
    for name in RATES:
        if name in summaries[last].get("decisions", {}):
            yield [_LABELS[name], *(cell(one["decisions"][name]) for one in summaries.values())]
            p = str(tests[f"{before}_to_{last}"][name]["p"])
            yield [f"{_LABELS[name]}, against {before}, p over tools", *("" for _ in MODELS[:-1]), p]


def _decisions(summaries: dict[str, Any]) -> list[list[str]]:
    """Counts of what each model said by what was asked for."""
    rows = [["asked for", "model", *SAID]]
    for asked in DECISIONS:
        counts = {name: one["decisions"]["said"][asked] for name, one in summaries.items()}
        rows += [
            [asked, name, *(str(said[kind]) for kind in SAID)] for name, said in counts.items() if any(said.values())
        ]
    return rows


def cell(rate: dict[str, float]) -> str:
    """A rate with its interval."""
    return f"{rate['rate']:.1%} ({rate['low']:.1%} to {rate['high']:.1%})"


def failures(summary: dict[str, Any]) -> str:
    """The kinds of failure that there are, with their counts."""
    return ", ".join(f"{kind} {count}" for kind, count in summary["failures"].items() if count)


def markdown(*tables: list[list[str]]) -> str:
    """Tables in Markdown."""
    return "\n\n".join(map(_markdown, tables))


def _markdown(rows: list[list[str]]) -> str:
    header, *body = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([header, "|" + ":--|" * len(rows[0]), *body])
