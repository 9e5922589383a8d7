"""A Python function as a tool. Pydantic makes the JSON Schema of its type hints, docstring-parser reads its docstring.

Anthropic's SDK makes tools with the same two. `transformers.utils.get_json_schema` knows neither enums nor classes.
"""

import inspect
from collections.abc import Callable
from typing import Any

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL)


def tool_of_function(function: Callable[..., Any]) -> dict[str, Any]:
    """The tool in the OpenAI function format that a function is.

    Each parameter needs a type hint, of any type that pydantic has a JSON Schema for: `Optional`, `Literal`, enums,
    dataclasses, `TypedDict`, pydantic models. Descriptions come from the docstring (Google, NumPy or reST style), or
    from `Annotated[..., Field(description=...)]`.

    >>> def remind(to: str, days: int = 1) -> None:
    ...     '''Remind a person.
    ...
    ...     Args:
    ...         to: First name.
    ...     '''
    >>> tool_of_function(remind)["function"]["parameters"]["properties"]
    {'to': {'type': 'string', 'description': 'First name.'}, 'days': {'default': 1, 'type': 'integer'}}

    Raises:
        ValueError: the function has no name, a parameter has no hint or cannot be given by name, or a hint has no JSON
            Schema.
    """
    import docstring_parser

    name = getattr(function, "__name__", None)
    if name is None:
        raise ValueError(f"{function!r:.80} has no __name__")
    for one in inspect.signature(function).parameters.values():
        if one.kind in _POSITIONAL:
            raise ValueError(f"{name}: parameter {one.name!r} cannot be given by name")
        if one.annotation is inspect.Parameter.empty:
            raise ValueError(f"{name}: parameter {one.name!r} has no type hint")
    parameters = _parameters(function, name)
    told = docstring_parser.parse(inspect.getdoc(function) or "")
    for parameter in told.params:
        if parameter.description and parameter.arg_name in parameters["properties"]:
            parameters["properties"][parameter.arg_name].setdefault("description", parameter.description)
    return {
        "type": "function",
        "function": {"name": name, "description": told.description or "", "parameters": parameters},
    }


def _parameters(function: Callable[..., Any], name: str) -> dict[str, Any]:
    from pydantic import PydanticUserError, TypeAdapter
    from pydantic.json_schema import GenerateJsonSchema

    class Untitled(GenerateJsonSchema):
        """Without a title for each field, which only repeats its name."""

        ignored_warning_kinds = frozenset({"skipped-choice", "non-serializable-default"})  # type: ignore[assignment]

        def field_title_should_be_set(self, schema: Any) -> bool:
            return False

    adapter: Any = TypeAdapter  # its own hint says types only, but its documentation functions too
    try:
        schema: dict[str, Any] = adapter(function).json_schema(schema_generator=Untitled)
    except (PydanticUserError, NameError, TypeError) as error:
        reason = str(error).partition("\n")[0].partition(". ")[0]
        raise ValueError(f"{name}: a type hint has no JSON Schema: {reason}") from None
    return schema
