"""Words about runs: claimed, adopted, waiting, ended."""

from typing import Self
from uuid import UUID

from events.body import Json
from events.run_events import (
    RunAdopted,
    RunAttached,
    RunLost,
    RunReleased,
    TaskCompleted,
    TaskFailed,
    TaskResumed,
    TaskStarted,
    TaskWaiting,
)
from events.task_events import TaskOutput, TaskProgressed
from events.words import Evidence
from tests.builders.actors import USER, WATCHDOG, executor, run_of
from tests.builders.told import Told


class RunWords(Told):
    def started(
        self,
        by: str = "executor-1",
        *,
        attempt: int | None = None,
        region: str = "local",
        remote: bool = False,
        run_id: UUID | None = None,
    ) -> Self:
        attempt = attempt or self._attempt
        return self.then(
            TaskStarted(
                actor=executor(by),
                run_id=run_id or run_of(self.subject, attempt, by),
                attempt=attempt,
                executor=by,
                region=region,
                remote=remote,
            )
        )

    def attached(self, handle: str = "job-1", *, run_id: UUID | None = None) -> Self:
        body = RunAttached(
            actor=executor(self._executor), run_id=run_id or self.run_id, handle={"id": handle}
        )
        return self.then(body)

    def adopted(
        self,
        by: str = "executor-2",
        *,
        adoption: int | None = None,
        from_executor: str | None = None,
        run_id: UUID | None = None,
    ) -> Self:
        task = self.root.tasks.get(self.subject)
        adoptions = task.run.adoptions if task and task.run else 0
        return self.then(
            RunAdopted(
                actor=executor(by),
                run_id=run_id or self.run_id,
                adoption=adoption or adoptions + 1,
                executor=by,
                from_executor=from_executor or self._executor,
            )
        )

    def waiting(self, wait: int = 1, *, run_id: UUID | None = None) -> Self:
        body = TaskWaiting(
            actor=executor(self._executor), run_id=run_id or self.run_id, wait=wait, question="Go?"
        )
        return self.then(body)

    def resumed(self, wait: int = 1, answer: Json = "yes") -> Self:
        return self.then(TaskResumed(actor=USER, wait=wait, answer=answer))

    def completed(self, result: Json = "done", *, run_id: UUID | None = None) -> Self:
        actor = executor(self._executor)
        return self.then(TaskCompleted(actor=actor, run_id=run_id or self.run_id, result=result))

    def failed(
        self, error: str = "broken", *, permanent: bool = False, run_id: UUID | None = None
    ) -> Self:
        return self.then(
            TaskFailed(
                actor=executor(self._executor),
                run_id=run_id or self.run_id,
                error=error,
                permanent=permanent,
            )
        )

    def released(self, evidence: Evidence = Evidence.KILLED, *, run_id: UUID | None = None) -> Self:
        actor = executor(self._executor)
        return self.then(RunReleased(actor=actor, run_id=run_id or self.run_id, evidence=evidence))

    def lost(self, executor: str | None = None, *, run_id: UUID | None = None) -> Self:
        body = RunLost(
            actor=WATCHDOG, run_id=run_id or self.run_id, executor=executor or self._executor
        )
        return self.then(body)

    def progressed(self) -> Self:
        body = TaskProgressed(actor=executor(self._executor), run_id=self.run_id, number=1)
        return self.then(body)

    def gave_output(self) -> Self:
        actor = executor(self._executor)
        return self.then(TaskOutput(actor=actor, run_id=self.run_id, number=1, content="1\n"))
