"""Are calls right by BFCL's own rules? Its `ast_checker` forgives spelling, and looks one level deep into values."""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import ModuleType, SimpleNamespace
from typing import Any

_MODEL = "any"


def correct(case: Mapping[str, Any], calls: Sequence[Mapping[str, Any]]) -> bool:
    """Whether an answer of these calls is right: each as it is accepted, in any order, and no other.

    Args:
        case: has a `category`, and BFCL's `functions` and `accepted` calls.
        calls: `{"tool": name, "parameters": {...}}` each, the parameters of any type.
    """
    from bfcl_eval.constants.enums import Language

    if not all(isinstance(call.get("parameters"), dict) for call in calls):
        return False
    made = [{call["tool"]: call["parameters"]} for call in calls]
    verdict = _checker()(case["functions"], made, case["accepted"], Language.PYTHON, case["category"], _MODEL)
    return bool(verdict["valid"])


@cache
def _checker() -> Callable[..., dict[str, Any]]:
    """`ast_checker`, without the clients of all models, which its settings of models would import."""
    settings = ModuleType("bfcl_eval.constants.model_config")
    settings.MODEL_CONFIG_MAPPING = {_MODEL: SimpleNamespace(underscore_to_dot=False)}  # type: ignore[attr-defined]
    sys.modules.setdefault(settings.__name__, settings)
    from bfcl_eval.eval_checker.ast_eval.ast_checker import ast_checker

    check: Callable[..., dict[str, Any]] = ast_checker
    return check
