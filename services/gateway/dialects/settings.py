"""What can be set about the dialects: which agents, handlers, sites and providers there are.

The defaults are for trying them out: everything is run by the sample handler `rehearse`.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, SecretStr

from events.body import Name, Organization, Region

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


class Widget(Section):
    """A page that end users talk to tasks through."""

    secret: Secret
    """What its backend proves itself with."""
    organization: Organization
    origins: tuple[str, ...] = ()
    """Where browsers may use it from; none: anywhere."""
    roles: tuple[str, ...] = ("operator",)


class SigmicSettings(Section):
    """Sigmic."""

    target: Target = REHEARSE
    target_with_approvals: Target = REHEARSE.model_copy(
        update={"payload": {"seconds": 30, "ask": "go on?", "request": "${request}"}}
    )
    """For `autoExecute: false`."""
    projects: dict[str, Target] = {}
    """By the id of the user or service that a key is for: what its tasks are instead."""
    token_secret: Secret | None = None
    """Signs widgets' tokens. Without it there are none."""
    widgets: dict[Annotated[str, Field(min_length=1, max_length=64)], Widget] = {}
    """By app id."""
    token_lifetime_limit_seconds: PositiveInt = 7 * 86_400
    file_limit_bytes: PositiveInt = 300_000
    """All files of a request together: they are part of the task's payload."""


class CrmSettings(Section):
    """The CRM's agent tasks."""

    agents: dict[Literal["customer", "order", "analytics", "quote"], Target] = {
        "customer": REHEARSE,
        "order": REHEARSE,
        "analytics": REHEARSE,
        "quote": REHEARSE,
    }
    session_cookie: str = "countermand-session"
    session_secret: Secret | None = None
    """Signs the sessions that the operator's application issues: tokens (HS256) with `aud` `crm`,
    `sub`, `organization`, `roles`, `exp`. Without it there are none."""


class Site(Section):
    """Where racks are."""

    region: Region | None = None
    """Its region of the core: only executors there run this site's tasks. Without one, the
    gateway's."""
    provider: str = "default"
    flow: bool = True
    """Whether its racks may be worked on."""
    racks: tuple[UUID, ...] = ()
    trays: tuple[UUID, ...] = ()
    """What a request without a filter is about."""


class NicoSettings(Section):
    """NVIDIA Infra Controller."""

    sites: dict[UUID, Site] = {
        UUID("5a1d3f0e-0000-4000-8000-000000000001"): Site(
            racks=(UUID("5a1d3f0e-0000-4000-8000-0000000000a1"),),
            trays=(UUID("5a1d3f0e-0000-4000-8000-0000000000b1"),),
        )
    }
    providers: dict[str, tuple[str, ...]] = {"default": ("*",)}
    """Which organizations own which infrastructure provider; `*` is any."""
    power: Target = REHEARSE
    firmware: Target = REHEARSE
    bringup: Target = REHEARSE
    roles_claim: str = "org_roles"
    """Of a bearer token: roles by organization, `{"acme": ["PROVIDER_ADMIN"]}`."""
    admin_role: str = "operator"
    """What a provider's admin may do here, and what its viewer may."""
    viewer_role: str = "auditor"


class PlannedTask(Section):
    """A task of a plan."""

    title: Annotated[str, Field(min_length=1, max_length=200)]
    description: Annotated[str, Field(max_length=5000)] = ""
    after: tuple[str, ...] = ()
    """Titles of tasks that must be done before."""
    task_type: Literal["agent", "human", "review"] = "agent"
    target: Target = REHEARSE


DRAFT = PlannedTask(title="Draft", description="Do the work")
REVIEW = PlannedTask(title="Review", description="Check it", after=("Draft",), task_type="review")


class DeepWorkSettings(Section):
    """Deep Work."""

    plans: dict[Literal["auto", "none", "quick", "standard", "deep"], tuple[PlannedTask, ...]] = {
        "none": (DRAFT, REVIEW),
        "auto": (
            PlannedTask(title="Research", description="Find out what is known"),
            DRAFT.model_copy(update={"after": ("Research",)}),
            REVIEW,
        ),
    }
    """By research depth; a depth that isn't here is planned as `auto`."""


class DialectSettings(Section):
    """All of them."""

    cancel_wait_seconds: Annotated[float, Field(ge=0, le=60)] = 5
    """How long a cancel waits for the evidence. Later than that, no dialect's answer says that it
    is cancelled; the cancel goes on."""
    list_limit_items: PositiveInt = 2_000
    """How far back a list with a total goes."""
    crm: CrmSettings = CrmSettings()
    deep_work: DeepWorkSettings = DeepWorkSettings()
    nico: NicoSettings = NicoSettings()
    sigmic: SigmicSettings = SigmicSettings()
    xpander: XpanderSettings = XpanderSettings()


def regions_named(what: object, path: str = "dialects") -> Iterator[tuple[str, Region]]:
    """Where in the settings of dialects a region is named, and which."""
    if isinstance(what, Target | Site) and what.region is not None:
        yield f"{path}.region", what.region
    inside: Mapping[Any, object] = {}
    if isinstance(what, BaseModel | Mapping):
        inside = dict(what)
    elif isinstance(what, tuple):
        inside = dict(enumerate(what))
    for name, each in inside.items():
        yield from regions_named(each, f"{path}.{name}")
