"""One caller's way to the log and the read models: the one place where tenancy is decided.

Every operation is a function of a `Scope`. The organization comes from the principal and from
nowhere else; a route can't name another one, because nothing here takes one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

import stamina

from events.body import Actor
from events.errors import LogUnavailable
from events.event import Event, like, new_event
from events.ids import derived_id, marked
from events.log import Log, Message
from events.outcome import Outcome
from events.positions import BEGINNING, Frontier, Position, after
from events.state import TaskState
from events.vocabulary import AnyBody
from events.words import Reason, Verdict
from services.at_hand import AtHand
from services.ledger import Stopped
from services.own_words import OwnWords
from services.patience import Patience
from services.permissions import Permission, Principal
from services.read_models.models import ReadModels
from services.read_models.organization import OrganizationView
from services.refusals import Forbidden, Unavailable
from services.regions.regions import Regions
from services.secrets.vault import Vault
from services.settings import GatewaySettings
from services.verdicts import Verdicts
from services.world import World

APPEND_TRIES = 3


@dataclass(frozen=True, slots=True)
class Parts:
    """What all operations of this process share."""

    log: Log
    words: OwnWords
    reads: ReadModels
    verdicts: Verdicts
    at_hand: AtHand
    patience: Patience
    """With verdicts."""
    append_patience: Patience
    """With the log."""
    world: World
    settings: GatewaySettings
    denials: "Denials"
    vault: Vault
    region: str
    source: str
    partition_of: Callable[[str], int]
    """Where in the log the root with this key is."""
    stopped: Callable[[], Mapping[int, Stopped]]
    """By partition: what this process can't judge further, and why."""
    regions: Regions | None = None
    """The other ones; None where there are none."""


class Denials(Protocol):
    """Says which refused cancels are still audited."""

    def take(self, principal: Principal) -> bool: ...


class Judged(NamedTuple):
    """An event of ours, where it stands, and what the fold made of it if that is known."""

    event: Event
    position: Position
    verdict: Verdict | None = None
    reason: Reason | None = None
    outcome: Outcome | None = None
    """None also of a repeat, whose verdict is that of the first time."""
    repeated: bool = False

    @property
    def refused(self) -> bool:
        return self.verdict is Verdict.VOID and self.reason is not Reason.DUPLICATE


class Sent(NamedTuple):
    """A request that is durable here, and on its way to the region that decides it."""

    event: Event
    position: Position
    home: str


class Undecided(NamedTuple):
    """Something that is durable, of which nobody here can say yet what the log made."""

    id: str
    sent: Sent | None = None
    """Of a request that another region decides."""


@dataclass(frozen=True, slots=True)
class Scope:
    """A principal, and what their requests may touch."""

    parts: Parts
    principal: Principal
    actor: Actor
    view: OrganizationView
    """The organization's rows, and nobody else's."""
    idempotency_key: str | None = None
    traceparent: str | None = None
    told: Frontier = field(default_factory=dict)
    """What the caller has already been told, perhaps by another gateway."""

    @property
    def organization(self) -> str:
        return self.principal.organization

    def need(self, permission: Permission) -> None:
        if permission not in self.principal.permissions:
            raise Forbidden(permission)

    def now(self) -> datetime:
        return self.parts.world.now()

    def new_id(self, *what: object, at: datetime | None = None) -> UUID:
        """An id for what this request makes; the same again when the request is repeated."""
        if self.idempotency_key is None:
            return self.parts.world.new_id(at)
        who = self.principal
        return derived_id(
            "idempotency", who.organization, who.kind, who.id, self.idempotency_key, *what
        )

    def new_subject_id(self, *what: object) -> str:
        """An id for a task or project that this request makes; it shows that a service made it."""
        return str(marked(self.new_id(*what)))

    def task_at_hand(self, task_id: str) -> TaskState | None:
        """The caller's task, if this process has it."""
        return self.parts.verdicts.task(self.organization, task_id)

    def event(self, body: AnyBody, subject: str, *what: object) -> Event:
        """The event that says this now, about something of the caller's organization."""
        return new_event(
            body,
            id=self.new_id(body.TYPE, subject, *what),
            subject=subject,
            organization=self.organization,
            time=self.now(),
            source=self.parts.source,
            region=self.parts.region,
            traceparent=self.traceparent,
        )

    def events(self, bodies: Sequence[tuple[AnyBody, str]]) -> list[Event]:
        """Many that say this now, all of one type; `bodies` with their checked subjects."""
        (body, subject), *others = bodies
        first = self.event(body, subject, 0)
        made = [first]
        for number, (body, subject) in enumerate(others, 1):
            now = self.now()
            id = self.new_id(body.TYPE, subject, number, at=now)
            made.append(like(first, body, id=id, subject=subject, time=now))
        return made

    async def append(self, events: Sequence[Event]) -> Sequence[Position]:
        """Durable when it returns. A failed append means unknown: it is repeated as it was."""
        messages = [self.parts.words.message(event) for event in events]
        try:
            with self.parts.append_patience.bounded():
                positions = await self._appended(messages)
        except (LogUnavailable, TimeoutError) as error:
            raise Unavailable(
                "the log can't be reached, and whether it took the request is unknown: "
                "repeat it with the same Idempotency-Key"
            ) from error
        self.parts.verdicts.appended(events, positions)
        return positions

    async def _appended(self, messages: Sequence[Message]) -> Sequence[Position]:
        try:
            return await self.parts.log.append(messages)
        except LogUnavailable:
            # Only now: the machinery of repeating costs more than the append itself.
            pass
        async for attempt in stamina.retry_context(
            on=LogUnavailable,
            attempts=APPEND_TRIES,
            timeout=self.parts.settings.verdict_wait_seconds,
            wait_initial=0.05,
        ):
            with attempt:
                return await self.parts.log.append(messages)
        raise AssertionError("retry_context ends only by returning or raising")

    async def say(self, event: Event) -> Judged:
        """Append, and wait (bounded) for the verdict."""
        with self.parts.verdicts.expecting(event.id) as heard:
            (position,) = await self.append([event])
            self.parts.patience.watch(heard)
            try:
                entry = await heard
            except TimeoutError:
                return Judged(event, position)
        outcome = entry.outcome
        judged = Judged(event, entry.record.position, outcome.verdict, outcome.reason, outcome)
        if outcome.verdict is Verdict.VOID and self.idempotency_key is not None:
            return await self._as_first_judged(judged)
        return judged

    async def _as_first_judged(self, judged: Judged) -> Judged:
        """What was void now may be a repeat: then the verdict is the one of the first time."""
        wanted = after({}, [judged.position])
        await self.parts.reads.reached(wanted, self.parts.settings.verdict_wait_seconds)
        first = await self.view.receipt(judged.event.id)
        if first is None or first.line.position >= judged.position:
            return judged
        line = first.line
        return Judged(judged.event, line.position, line.verdict, line.reason, repeated=True)


def scope_of(
    parts: Parts,
    principal: Principal,
    *,
    idempotency_key: str | None = None,
    traceparent: str | None = None,
    told: Frontier = BEGINNING,
) -> Scope:
    """The scope of a request by this principal."""
    return Scope(
        parts=parts,
        principal=principal,
        actor=principal.actor(),
        view=parts.reads.of(principal.organization),
        idempotency_key=idempotency_key,
        traceparent=traceparent,
        told=told,
    )
