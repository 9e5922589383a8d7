"""Rates with their intervals, and tests between two models. Both are over tools."""

from collections.abc import Sequence


def rate(outcomes: Sequence[bool], tools: Sequence[str]) -> dict[str, float]:
    """The share of true outcomes, with its 95 % interval.

    The answers to requests to one tool are not independent, so the interval is a bootstrap over tools (BCa; Efron,
    1987). There is none if all tools have the same share. Then each tool counts as one answer in the interval of Wilson
    (1927).
    """
    from scipy.stats import binomtest, bootstrap

    groups = _by_tool(outcomes, tools)
    share = sum(outcomes) / len(outcomes)
    if len({sum(group) / len(group) for group in groups}) == 1:
        interval = binomtest(round(share * len(groups)), len(groups)).proportion_ci(method="wilson")
    else:
        interval = bootstrap(
            ([sum(group) for group in groups], [len(group) for group in groups]),
            lambda passed, asked, axis: passed.sum(axis) / asked.sum(axis),
            paired=True,
            rng=0,
        ).confidence_interval
    return {"rate": round(share, 4), "low": round(float(interval.low), 4), "high": round(float(interval.high), 4)}


def difference(first: Sequence[bool], second: Sequence[bool], tools: Sequence[str]) -> dict[str, float]:
    """Do two models differ on the same requests?

    `p` is of a two-sided permutation test over tools (Fisher, 1935): if the models were equally good, all their
    answers for any tool could be swapped. It is exact up to 13 tools that differ, else from 9,999 random swaps, and
    never below 0.0002. `mcnemar` is the p of the exact test of McNemar (1947), which takes all requests as independent.
    """
    from scipy.stats import binomtest, permutation_test

    changes = [after - before for before, after in zip(first, second, strict=True)]
    gained, lost = changes.count(1), changes.count(-1)
    differing = [change for change in map(sum, _by_tool(changes, tools)) if change]
    p = mcnemar = 1.0
    if len(differing) > 1:  # a single tool differs as much when it is swapped
        test = permutation_test(
            (differing,), lambda changes, axis: changes.sum(axis), permutation_type="samples", rng=0
        )
        p = test.pvalue
    if gained + lost:
        mcnemar = binomtest(gained, gained + lost).pvalue
    return {"gained": gained, "lost": lost, "p": float(f"{p:.3g}"), "mcnemar": float(f"{mcnemar:.3g}")}


def _by_tool(outcomes: Sequence[int], tools: Sequence[str]) -> list[list[int]]:
    groups: dict[str, list[int]] = {}
    for outcome, tool in zip(outcomes, tools, strict=True):
        groups.setdefault(tool, []).append(outcome)
    return list(groups.values())
