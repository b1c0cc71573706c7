"""What can be set about the dialects: which agents, handlers, sites and providers there are.

The defaults are for trying them out: everything is run by the sample handler `rehearse`.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, SecretStr

from events.body import Name, Region

Secret = Annotated[SecretStr, Field(min_length=32)]
"""To sign with: shorter ones can be guessed."""


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Target(Section):
    """What a creator of a dialect has run: any handler, command or remote engine."""

    kind: Name
    payload: dict[str, Any] | None = None
    """What it is given, with holes: `{"seconds": "${request.input.seconds}"}`. Without it, the
    dialect's request as it came."""
    region: Region | None = None
    """A region, site or environment: only its executors run this. Without it, the gateway's."""
    requires: dict[str, str] = {}
    """Labels that an executor must have."""
    grace_seconds: Annotated[float, Field(ge=0, le=86_400)] = 10
    max_attempts: PositiveInt = 1
    isolation: Literal["shared", "isolated"] | None = None


REHEARSE = Target(kind="rehearse", payload={"seconds": 30, "request": "${request}"})


class XpanderSettings(Section):
    """xpander.ai."""

    agents: dict[str, Target] = {"*": REHEARSE}
    """By agent id; `*` is any other."""
    sync_wait_seconds: PositiveFloat = 300
    """How long a synchronous invoke waits; then it answers with the task as it is."""


class DialectSettings(Section):
    """All of them."""

    cancel_wait_seconds: Annotated[float, Field(ge=0, le=60)] = 5
    """How long a cancel waits for the evidence. Later than that, no dialect's answer says that it
    is cancelled; the cancel goes on."""
    list_limit_items: PositiveInt = 2_000
    """How far back a list with a total goes."""
    xpander: XpanderSettings = XpanderSettings()
