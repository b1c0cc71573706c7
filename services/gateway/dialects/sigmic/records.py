"""Sigmic's documents, field by field, and how tasks become them.

A task there is a conversation. Here each message in it is a task, a *turn*: the first has the
conversation's id, the second that id and `-2`, and so on; what is shown is the last.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from events.words import Status
from services.gateway.dialects.moments import milliseconds
from services.read_models.rows import Task
from services.templates import as_text

Word = Literal["pending", "running", "awaiting_approval", "completed", "failed", "cancelled"]

WORDS: dict[Status, Word] = {
    Status.PENDING: "pending",
    Status.RUNNING: "running",
    Status.WAITING: "awaiting_approval",
    Status.CANCELLING: "running",
    Status.SUCCEEDED: "completed",
    Status.FAILED: "failed",
    Status.CANCELLED: "cancelled",
    Status.SKIPPED: "cancelled",
    Status.MOVED: "pending",
}
TURN_OF = "sigmic.turn-of"
OPTIONS = "sigmic."
VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"

Variables = Annotated[
    dict[Annotated[str, StringConstraints(pattern=VARIABLE, max_length=200)], str],
    Field(max_length=64),
]


class NewTask(BaseModel):
    """What a task is asked."""

    model_config = ConfigDict(frozen=True)

    message: Annotated[str, StringConstraints(min_length=1, max_length=200_000)]
    systemPrompt: Annotated[str, Field(max_length=200_000)] | None = None  # noqa: N815
    showInHistory: bool = True  # noqa: N815
    autoExecute: bool = True  # noqa: N815
    env: Variables | None = None
    secrets: Annotated[Variables | None, Field(repr=False)] = None


class FollowUp(BaseModel):
    message: Annotated[str, StringConstraints(min_length=1, max_length=200_000)]


class Outcome(BaseModel):
    outcome: Literal["proceed_once", "proceed_always", "cancel"]


class ToolCall(BaseModel):
    callId: str  # noqa: N815
    toolName: str  # noqa: N815
    args: dict[str, Any] = {}


class Output(BaseModel):
    content: str
    updatedAt: str  # noqa: N815


class TaskDocument(BaseModel):
    id: str
    apiKeyId: str  # noqa: N815
    username: str
    sessionId: str  # noqa: N815
    conversationId: str  # noqa: N815
    status: Word
    message: str
    systemPrompt: str | None  # noqa: N815
    showInHistory: bool  # noqa: N815
    autoExecute: bool  # noqa: N815
    env: dict[str, str] | None
    error: str | None
    createdAt: str  # noqa: N815
    startedAt: str | None  # noqa: N815
    completedAt: str | None  # noqa: N815
    output: Output | None = None
    pendingApprovals: list[ToolCall] | None = None  # noqa: N815
    lastActivityAt: str | None = None  # noqa: N815
    messageCount: int | None = None  # noqa: N815


class HistoryMessage(BaseModel):
    id: str
    role: Literal["user", "assistant"]
    content: str
    createdAt: str  # noqa: N815


class Conversation(NamedTuple):
    """All turns, the first first."""

    turns: tuple[Task, ...]

    @property
    def first(self) -> Task:
        return self.turns[0]

    @property
    def last(self) -> Task:
        return self.turns[-1]

    @property
    def last_active_at(self) -> datetime:
        last = self.last
        return last.finished_at or last.started_at or last.created_at


def document(
    conversation: Conversation, waits_for: str | None = None, *, listed: bool = False
) -> dict[str, Any]:
    """The task as Sigmic shows it: what isn't there yet is left out."""
    first, last = conversation.first, conversation.last
    asked = request_of(first)
    shown = TaskDocument(
        id=first.id,
        apiKeyId=first.created_by.id,
        username=first.created_by.on_behalf_of or first.created_by.id,
        sessionId=str(last.run_id or first.submission_id),
        conversationId=first.id,
        status=WORDS[last.status],
        message=message_of(first),
        systemPrompt=asked.get("systemPrompt"),
        showInHistory=option(first, "showInHistory"),
        autoExecute=option(first, "autoExecute"),
        env=asked.get("env"),
        error=last.error if last.status is Status.FAILED else None,
        createdAt=milliseconds(first.created_at),
        startedAt=milliseconds(first.started_at) if first.started_at else None,
        completedAt=milliseconds(last.finished_at) if last.finished_at else None,
    ).model_dump(exclude_unset=True)
    answer = answer_of(last)
    if answer is not None and last.finished_at is not None:
        shown["output"] = {"content": answer, "updatedAt": milliseconds(last.finished_at)}
    if last.waiting_for is not None and waits_for is not None:
        shown["pendingApprovals"] = [pending(last.waiting_for, waits_for)]
    if listed:
        shown["lastActivityAt"] = milliseconds(conversation.last_active_at)
        shown["messageCount"] = len(messages(conversation))
    return shown


def messages(conversation: Conversation) -> list[HistoryMessage]:
    """What was said, in order."""
    said = []
    for turn in conversation.turns:
        said.append(
            HistoryMessage(
                id=f"{turn.id}-user",
                role="user",
                content=message_of(turn),
                createdAt=milliseconds(turn.created_at),
            )
        )
        answer = answer_of(turn)
        if answer is not None and turn.finished_at is not None:
            said.append(
                HistoryMessage(
                    id=f"{turn.id}-assistant",
                    role="assistant",
                    content=answer,
                    createdAt=milliseconds(turn.finished_at),
                )
            )
    return said


def pending(wait: int, question: str) -> dict[str, Any]:
    """A question as the tool call that it stands for."""
    return ToolCall(callId=f"wait-{wait}", toolName=question or "approval", args={}).model_dump()


def wait_of(call_id: str) -> int | None:
    """Which of a task's waits a call id means."""
    number = call_id.removeprefix("wait-")
    known = call_id.startswith("wait-") and number.isascii() and number.isdecimal()
    return int(number) if known and 0 < len(number) < 9 else None


def labels_of(new: NewTask) -> dict[str, str]:
    return {
        f"{OPTIONS}showInHistory": str(new.showInHistory).lower(),
        f"{OPTIONS}autoExecute": str(new.autoExecute).lower(),
    }


def option(task: Task, name: str) -> bool:
    return task.spec.labels.get(f"{OPTIONS}{name}", "true") == "true"


def request_of(task: Task) -> dict[str, Any]:
    """What it was asked, as far as its payload has it."""
    payload = task.spec.payload
    inner = payload.get("request")
    asked = inner if isinstance(inner, dict) else payload
    return asked if f"{OPTIONS}autoExecute" in task.spec.labels else {}


def message_of(task: Task) -> str:
    message = request_of(task).get("message")
    return message if isinstance(message, str) else task.spec.description


def answer_of(task: Task) -> str | None:
    if task.result is None or task.status is not Status.SUCCEEDED:
        return None
    return as_text(task.result)


def conversation_of(task: Task) -> str:
    """The id of the conversation that this is a turn of."""
    return task.spec.labels.get(TURN_OF, task.id)


def grouped(tasks: Sequence[Task]) -> list[Conversation]:
    """Tasks, newest first, as conversations, the last active first."""
    turns: dict[str, list[Task]] = {}
    for task in tasks:
        turns.setdefault(conversation_of(task), []).append(task)
    found = [Conversation(tuple(reversed(each))) for each in turns.values()]
    return sorted(found, key=lambda each: (each.last_active_at, each.first.id), reverse=True)
