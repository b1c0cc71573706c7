"""What every event's `data` has: who, and why. And the types that its fields are made of."""

from functools import cache
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
)

from events.ids import LIMIT_CHARACTERS, PATTERN
from events.plain import check_offset, check_plain

ORGANIZATION_PATTERN = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}"

SubjectId = Annotated[
    str, StringConstraints(pattern=f"^{PATTERN}$", min_length=1, max_length=LIMIT_CHARACTERS)
]
Organization = Annotated[str, StringConstraints(pattern=f"^{ORGANIZATION_PATTERN}$")]
Region = Annotated[str, StringConstraints(pattern=f"^{ORGANIZATION_PATTERN}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Text = Annotated[str, StringConstraints(max_length=10_000)]
Seconds = Annotated[float, Field(ge=0, le=366 * 86_400, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=2**53)]
Ordinal = Annotated[int, Field(ge=1, le=2**31)]
Moment = Annotated[AwareDatetime, AfterValidator(check_offset)]
Json = Annotated[JsonValue, AfterValidator(check_plain)]
JsonObject = Annotated[dict[str, JsonValue], AfterValidator(check_plain)]


class Part(BaseModel):
    """Frozen, and refusing what it doesn't know: a typing error never becomes history."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


P = TypeVar("P", bound=BaseModel)


def trusted(model: type[P], fields: dict[str, Any]) -> P:
    """A part of which all fields are given, in the model's order and of its own types already.

    `model_construct` for the places where thousands are made from what was validated before.
    """
    part = model.__new__(model)
    object.__setattr__(part, "__dict__", fields)
    object.__setattr__(part, "__pydantic_fields_set__", _all_fields(model))
    object.__setattr__(part, "__pydantic_extra__", None)
    object.__setattr__(part, "__pydantic_private__", None)
    return part


@cache
def _all_fields(model: type[BaseModel]) -> set[str]:
    """One set for all parts of a model: a copy of a part gets a set of its own."""
    return set(model.model_fields)


class Actor(Part):
    """Who appended an event, and how that is known."""

    kind: Literal["user", "service", "run", "executor", "watchdog", "pulse", "bridge", "system"]
    id: Name
    organization: Organization
    authenticated_by: Literal["api_key", "jwt", "session", "internal"] = "internal"
    on_behalf_of: Name | None = None


class Body(Part):
    """The `data` of an event. `TYPE` is its name and version in the log, for ever."""

    TYPE: ClassVar[str]

    actor: Actor
    reason: Text = ""
