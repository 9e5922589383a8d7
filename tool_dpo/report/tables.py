"""Results as tables that people read."""

from pathlib import Path
from typing import Any

from tool_dpo.errors import InputError
from tool_dpo.records import read_json
from tool_dpo.report.metrics import MODELS
from tool_dpo.schema.verdict import FAILURES


def table(metrics: Path) -> list[list[str]]:
    """The results as rows of cells, a header first: rates with intervals, paired tests, then each kind of failure.

    Raises:
        InputError: a metrics file is missing, or is not what `score` and `compare` write.
    """
    summaries = {name: read_json(metrics / f"details/{name}.json") for name in MODELS}
    tests = read_json(metrics / "details/compare.json")
    try:
        return _rows(summaries, tests)
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
    return rows


def cell(rate: dict[str, float]) -> str:
    """A rate with its interval."""
    return f"{rate['rate']:.1%} ({rate['low']:.1%} to {rate['high']:.1%})"


def failures(summary: dict[str, Any]) -> str:
    """The kinds of failure that there are, with their counts."""
    return ", ".join(f"{kind} {count}" for kind, count in summary["failures"].items() if count)


def markdown(rows: list[list[str]]) -> str:
    """The rows as a Markdown table."""
    header, *body = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([header, "|" + ":--|" * len(rows[0]), *body])
