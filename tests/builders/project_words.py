"""Words about projects."""

from typing import Any, Self

from events.ids import root_of
from events.project_events import (
    ProjectApproved,
    ProjectCancelRequested,
    ProjectCreated,
    ProjectPaused,
    ProjectPlanned,
    ProjectResumed,
)
from events.vocabulary import AnyBody
from events.words import Mode
from tests.builders.actors import USER
from tests.builders.told import Told


class ProjectWords(Told):
    def _project(self, body: AnyBody) -> Self:
        return self.then(body, subject=root_of(self.subject))

    def created(self, **spec: Any) -> Self:
        return self._project(ProjectCreated(actor=USER, **spec))

    def planned(self, tasks: int | None = None, *, plan: int | None = None) -> Self:
        project = self.root.project
        return self._project(
            ProjectPlanned(
                actor=USER,
                plan=plan or (project.plan if project else 0) + 1,
                tasks=(project.arrived if project else 0) if tasks is None else tasks,
            )
        )

    def approved(self, plan: int | None = None) -> Self:
        project = self.root.project
        plan = plan or (project.plan if project else 0) or 1
        return self._project(ProjectApproved(actor=USER, plan=plan))

    def paused(self, pause: int | None = None) -> Self:
        project = self.root.project
        pause = pause or (project.pauses if project else 0) + 1
        return self._project(ProjectPaused(actor=USER, pause=pause))

    def unpaused(self, pause: int | None = None) -> Self:
        project = self.root.project
        pause = pause or (project.pauses if project else 0) or 1
        return self._project(ProjectResumed(actor=USER, pause=pause))

    def project_cancel_requested(
        self, mode: Mode = Mode.GRACEFUL, grace_seconds: float | None = None
    ) -> Self:
        return self._project(
            ProjectCancelRequested(
                actor=USER, reason="no longer needed", mode=mode, grace_seconds=grace_seconds
            )
        )
