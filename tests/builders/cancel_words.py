"""Words about cancels: requested, observed, proved, denied."""

from datetime import timedelta
from typing import Self
from uuid import UUID

from events.body import Actor
from events.cancel_events import (
    CancelDenied,
    CancelObserved,
    CancelOverran,
    CancelRequested,
    CancelUnconfirmed,
    Survivor,
    TaskCancelled,
)
from events.ids import derived_id
from events.project_events import ProjectCancelRequested
from events.words import Evidence, Mode, Origin
from tests.builders.actors import ORGANIZATION, USER, executor
from tests.builders.told import Told


class CancelWords(Told):
    def cancel_requested(
        self,
        mode: Mode = Mode.GRACEFUL,
        grace_seconds: float | None = None,
        *,
        origin: Origin = Origin.REQUEST,
        hold_seconds: float | None = None,
        expires_in_seconds: float | None = None,
        id: UUID | None = None,
    ) -> Self:
        """Held and expiring from the moment of this event on."""
        now = self.now + timedelta(seconds=1)
        return self.then(
            CancelRequested(
                actor=USER,
                reason="no longer needed",
                mode=mode,
                grace_seconds=grace_seconds,
                origin=origin,
                hold_until=None if hold_seconds is None else now + timedelta(seconds=hold_seconds),
                expires_at=None
                if expires_in_seconds is None
                else now + timedelta(seconds=expires_in_seconds),
            ),
            id=id,
        )

    @property
    def cancel_id(self) -> UUID:
        """Of the latest cancel, of whatever it was."""
        for event in reversed(self.events):
            if isinstance(event.data, CancelRequested | ProjectCancelRequested):
                return event.id
        return derived_id("no cancel")

    def cancel_observed(self, *, run_id: UUID | None = None) -> Self:
        actor = executor(self._executor)
        return self.then(
            CancelObserved(actor=actor, run_id=run_id or self.run_id, cancel_id=self.cancel_id)
        )

    def cancel_unconfirmed(self, *, run_id: UUID | None = None) -> Self:
        return self.then(
            CancelUnconfirmed(
                actor=executor(self._executor),
                run_id=run_id or self.run_id,
                cancel_id=self.cancel_id,
                survivors=(Survivor(executor=self._executor, what="sleep", pid=4711),),
            )
        )

    def overran(self, budget_seconds: float = 1.0, *, run_id: UUID | None = None) -> Self:
        body = CancelOverran(
            actor=Actor(kind="pulse", id="pulse", organization=ORGANIZATION),
            run_id=run_id or self.run_id,
            cancel_id=self.cancel_id,
            stop_within_seconds=budget_seconds,
        )
        return self.then(body)

    def cancelled(
        self, evidence: Evidence = Evidence.ACKNOWLEDGED, *, run_id: UUID | None = None
    ) -> Self:
        return self.then(
            TaskCancelled(
                actor=executor(self._executor),
                run_id=run_id or self.run_id,
                cancel_id=self.cancel_id,
                evidence=evidence,
            )
        )

    def closed(self) -> Self:
        """An executor notes that nothing ever ran."""
        return self.then(
            TaskCancelled(
                actor=executor("executor-1"),
                cancel_id=self.cancel_id,
                evidence=Evidence.NEVER_STARTED,
            )
        )

    def cancel_denied(self, named: str = "somebody-elses") -> Self:
        body = CancelDenied(actor=USER, named=named, denied_for="not_permitted")
        return self.then(body)
