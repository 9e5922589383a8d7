"""The kinds of faults that an answer can have, and the kinds of decisions that a request asks for."""

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
"""Most serious first: an answer with several faults counts as the first of these. All except the last are strict
failures. A call with a wrong value is valid for its schema, but it does not do what the request asks for."""
KINDS: tuple[Kind, ...] = get_args(Kind)
NOT_JSON: Kind = "json_error"
OTHER: Kind = "other_schema_error"
WRONG_VALUE: Kind = "wrong_value"

Decision = Literal["call", "no_tool", "ask", "choose", "several"]
"""What a request asks a model to decide: to call the one tool that is listed (`call`); not to call, because no listed
tool fits (`no_tool`) or because a required value is missing (`ask`); to call the right one of several tools (`choose`);
to make two or more calls (`several`)."""
DECISIONS: tuple[Decision, ...] = get_args(Decision)
