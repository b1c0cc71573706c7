"""From the JSON of a payload to what the handler declared.

A class with `model_validate` (pydantic's) does it itself; a dataclass is built here, with its
fields' plain types checked. Whatever else an annotation says is the author's to check.
"""

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin


class PayloadRefused(Exception):
    """The payload isn't what the handler declared."""

    def __init__(self, why: str, discreet: str | None = None) -> None:
        super().__init__(why)
        self.discreet = why if discreet is None else discreet
        """The same without any value of the payload's."""


def converted(payload: Mapping[str, Any], model: Any) -> Any:
    """The payload as the handler's model. Raises `PayloadRefused`."""
    validate = getattr(model, "model_validate", None)
    if validate is not None:
        try:
            return validate(payload)
        except ValueError as error:
            raise PayloadRefused(str(error), _discreet(error)) from None
    return _converted(payload, model, "payload")


def _converted(value: Any, wanted: Any, where: str) -> Any:
    if isinstance(wanted, type) and dataclasses.is_dataclass(wanted):
        return _built(value, wanted, where)
    origin, arguments = get_origin(wanted), get_args(wanted)
    if origin in (Union, types.UnionType):
        return _one_of(value, arguments, where)
    if origin is Literal:
        _check(value in arguments, where, " or ".join(map(repr, arguments)), value)
    elif origin in (list, tuple) and arguments:
        _check(isinstance(value, list), where, "a list", value)
        return origin(
            _converted(item, arguments[0], f"{where}[{index}]") for index, item in enumerate(value)
        )
    elif origin is dict:
        _check(isinstance(value, dict), where, "an object", value)
        return {
            key: _converted(item, arguments[1], f"{where}.{key}") for key, item in value.items()
        }
    elif wanted is float:
        _check(
            isinstance(value, (int, float)) and not isinstance(value, bool),
            where,
            "a number",
            value,
        )
        return float(value)
    else:
        for plain, what in _PLAIN.items():
            if wanted is plain:
                _check(type(value) is plain, where, what, value)
    return value


_PLAIN: dict[type, str] = {
    str: "a text",
    int: "a whole number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
    type(None): "null",
}


def _built(value: Any, model: type, where: str) -> Any:
    _check(isinstance(value, dict), where, "an object", value)
    types_of_fields = typing.get_type_hints(model)
    fields = {field.name: field for field in dataclasses.fields(model) if field.init}
    problems = [f"{where} has no {name!r}" for name in value if name not in fields]
    problems += [
        f"{where} needs {name!r}"
        for name, field in fields.items()
        if name not in value
        and field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
    ]
    if problems:
        raise PayloadRefused("; ".join(problems))
    arguments = {
        name: _converted(item, types_of_fields[name], f"{where}.{name}")
        for name, item in value.items()
    }
    try:
        return model(**arguments)
    except (TypeError, ValueError) as error:  # its own __post_init__
        raise PayloadRefused(f"{where}: {error}", f"{where}: {type(error).__name__}") from None


def _one_of(value: Any, alternatives: tuple[Any, ...], where: str) -> Any:
    refusals = []
    for alternative in alternatives:
        try:
            return _converted(value, alternative, where)
        except PayloadRefused as refusal:
            refusals.append(refusal)
    raise PayloadRefused(
        ", or ".join(str(each) for each in refusals),
        ", or ".join(each.discreet for each in refusals),
    )


def _check(fits: bool, where: str, what: str, value: Any) -> None:
    if not fits:
        shown = repr(value)
        raise PayloadRefused(f"{where} must be {what}, not {shown[:80]}", f"{where} must be {what}")


def _discreet(error: ValueError) -> str:
    """What a pydantic model says, without the values that it was given."""
    errors = getattr(error, "errors", None)
    if errors is None:
        return type(error).__name__
    return "; ".join(
        f"payload.{'.'.join(map(str, each['loc']))}: {each['type']}" for each in errors()
    )
