"""What can be wrong with an answer: one name for each kind of fault."""

from typing import Literal, get_args

Kind = Literal[
    "json_error",
    "wrong_tool",
    "missing_required",
    "hallucinated_param",
    "type_mismatch",
    "enum_violation",
    "other_schema_error",
    "wrong_value",
]
"""An answer with several faults counts as the first of these that it has. All but the last are strict failures: a call
with a wrong value fits its schema, but it does not do what was asked."""
KINDS: tuple[Kind, ...] = get_args(Kind)
NOT_JSON: Kind = "json_error"
OTHER: Kind = "other_schema_error"
WRONG_VALUE: Kind = "wrong_value"
