"""Is a call right by BFCL's rules for Python (its `ast_checker`)? They forgive spelling and look one level deep."""

import re
from typing import Any

_PYTHON_TYPES: dict[str, type[Any]] = {
    "string": str, "integer": int, "float": float, "boolean": bool, "array": list, "tuple": list, "dict": dict,
    "any": str,
}  # fmt: skip


def correct(function: dict[str, Any], accepted: dict[str, list[Any]], tool: str, values: dict[str, Any]) -> bool:
    """Whether the call names the function, has all it must and nothing else, and each value is among the accepted.

    Args:
        function: BFCL's definition of the function.
        accepted: the accepted values of each parameter, `""` among them where it may be left out.
    """
    properties = function["parameters"]["properties"]
    return (
        tool == function["name"]
        and all(name in values for name in function["parameters"]["required"])
        and all(
            name in properties and name in accepted and _accepted(properties[name], value, accepted[name])
            for name, value in values.items()
        )
        and all(name in values or "" in options for name, options in accepted.items())
    )


def _accepted(schema: dict[str, Any], value: Any, options: list[Any]) -> bool:
    wanted = _PYTHON_TYPES[schema["type"]]
    of_items = _PYTHON_TYPES[schema["items"]["type"]] if schema["type"] in ("array", "tuple") else None
    if schema["type"] == "float" and type(value) is int:
        value = float(value)
    answered = _type_of(options)
    variable = answered not in (None, wanted)  # the accepted answer is an expression, written as text
    if type(value) is wanted:
        if of_items and not any(_items_fit(value, option, of_items) for option in options):
            return False
    elif type(value) is answered:
        variable = True
    else:
        return False
    if variable:
        return value in options
    if wanted is dict:
        return _object_accepted(value, options)
    if of_items is dict:
        return _objects_accepted(value, options)
    if wanted is str:
        return _plain(value) in [_plain(option) for option in options if isinstance(option, str)]
    if wanted is list:
        return [*map(_plain, value)] in [[*map(_plain, option)] for option in options]
    return value in options


def _type_of(options: list[Any]) -> type | None:
    return next((type(option) for option in options if option != ""), None)


def _items_fit(values: list[Any], option: Any, wanted: type) -> bool:
    return not isinstance(option, list) or all(type(value) in (wanted, _type_of(option)) for value in values)


def _object_accepted(value: dict[str, Any], options: list[Any]) -> bool:
    return any(
        all(name in option and _plain(one) in map(_plain, option[name]) for name, one in value.items())
        and all(name in value or "" in some for name, some in option.items())
        for option in options
        if option != ""
    )


def _objects_accepted(values: list[dict[str, Any]], options: list[Any]) -> bool:
    return any(
        len(values) == len(option)
        and all(_object_accepted(value, [fields]) for value, fields in zip(values, option, strict=True))
        for option in options
    )


def _plain(value: Any) -> Any:
    """Text without spaces, some punctuation, and case."""
    return re.sub(r"[ ,./\-_*^]", "", value).lower().replace("'", '"') if isinstance(value, str) else value
