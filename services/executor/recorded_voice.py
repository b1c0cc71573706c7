"""What a run says while it runs, put on the log with the task's secrets covered."""

from dataclasses import dataclass, field

from events.body import JsonObject
from events.ids import derived_id
from events.run_events import RunAttached, TaskWaiting
from services.executor.children import Children
from services.executor.outcomes import writable
from services.executor.output import RunOutput
from services.executor.run_record import RunRecord
from services.executor.runtime import Channel, ChildAnswer
from services.secrets.masking import Mask

QUESTION_CHARACTERS = 10_000


@dataclass(slots=True)
class RecordedVoice:
    """`services.executor.runtime.RunVoice`, of one run."""

    record: RunRecord
    said: RunOutput
    children: Children
    mask: Mask = field(default_factory=Mask)
    """Over the task's secrets, in whatever the run says."""

    def progress(self, fraction: float | None, step: str) -> bool:
        return self.record.around.outputs.progress(self.said, fraction, self.mask.text(step))

    def output(self, channel: Channel, content: JsonObject | str) -> bool:
        masked = self.mask.text(content) if isinstance(content, str) else self.mask.object(content)
        return self.record.around.outputs.output(self.said, channel, masked)

    def waiting(self, wait: int, question: str) -> None:
        record = self.record
        body = TaskWaiting(
            actor=record.me,
            run_id=record.run_id,
            wait=wait,
            question=writable(self.mask.text(question), QUESTION_CHARACTERS),
        )
        record.say_aside(record.event(body, derived_id(record.run_id, "wait", wait)))

    def attached(self, handle: JsonObject) -> None:
        record = self.record
        body = RunAttached(actor=record.me, run_id=record.run_id, handle=handle)
        record.say_aside(record.event(body, derived_id(record.run_id, "attached")))

    def submit(self, task: JsonObject, answer: ChildAnswer) -> None:
        self.record.around.tasks.create_task(self.children.submit(task, answer))
