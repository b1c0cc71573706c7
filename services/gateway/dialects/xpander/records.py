"""xpander's records, field by field, and how tasks become them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from events.words import Origin, Status
from services.gateway.dialects.moments import microseconds
from services.read_models.rows import Task
from services.templates import as_text

Word = Literal["pending", "executing", "paused", "error", "failed", "completed", "stopped"]

WORDS: dict[Status, Word] = {
    Status.PENDING: "pending",
    Status.RUNNING: "executing",
    Status.WAITING: "paused",
    Status.CANCELLING: "executing",
    Status.SUCCEEDED: "completed",
    Status.FAILED: "failed",
    Status.CANCELLED: "stopped",
    Status.SKIPPED: "stopped",
    Status.MOVED: "pending",
}
LABEL = "xpander."
KEPT = ("title", "source", "worker_id", "parent_execution_id", "triggering_agent_id", "user_id")
"""What a request says that lists show too: kept as labels."""


class User(BaseModel):
    model_config = ConfigDict(extra="allow")

    email: str
    id: str | None = None
    first_name: str | None = None
    last_name: str | None = None


class Input(BaseModel):
    text: str | None = ""
    files: list[str] | None = []
    user: User | None = None


class Invocation(BaseModel):
    """What an agent is invoked with; what else a client sends is given to the agent too."""

    model_config = ConfigDict(extra="allow")

    input: Input
    id: Annotated[str, Field(max_length=200)] | None = None
    title: Annotated[str, Field(max_length=1000)] | None = None
    source: Annotated[str, Field(max_length=1000)] | None = None
    worker_id: Annotated[str, Field(max_length=1000)] | None = None
    parent_execution_id: Annotated[str, Field(max_length=1000)] | None = None
    triggering_agent_id: Annotated[str, Field(max_length=1000)] | None = None
    payload_extension: dict[str, JsonValue] | None = None
    output_format: Literal["text", "markdown", "json", "voice"] | None = None
    output_schema: dict[str, JsonValue] | None = None
    additional_context: str | None = None
    instructions_override: str | None = None
    expected_output: str | None = None
    events_streaming: bool | None = None
    mcp_servers: list[dict[str, JsonValue]] | None = None
    think_mode: Literal["default", "harder"] | None = None
    disable_attachment_injection: bool | None = None

    def request(self) -> dict[str, JsonValue]:
        """As the agent gets it."""
        return self.model_dump(exclude_none=True)

    def labels(self, agent_id: str) -> dict[str, str]:
        user = self.input.user
        values = {name: getattr(self, name, None) for name in KEPT}
        values |= {"agent": agent_id, "user_id": user.id if user else None}
        values |= {"events_streaming": "true" if self.events_streaming else None}
        return {f"{LABEL}{name}": value for name, value in values.items() if value}


class HitlRequest(BaseModel):
    wait_node_id: str


class DeepPlanning(BaseModel):
    enabled: bool = False
    enforce: bool = False
    started: bool = False
    question_raised: bool = False
    tasks: list[dict[str, JsonValue]] = []


class AgentExecution(BaseModel):
    """A task."""

    id: str
    agent_id: str
    organization_id: str
    input: Input
    status: Word = "pending"
    internal_status: str | None = None
    last_executed_node_id: str | None = None
    agent_version: str | None = None
    created_at: str
    started_at: str | None = None
    paused_at: str | None = None
    finished_at: str | None = None
    result: str | None = None
    parent_execution: str | None = None
    sub_executions: list[str] = []
    finished_sub_executions: list[str] = []
    is_manually_stopped: bool = False
    payload_extension: dict[str, JsonValue] | None = None
    hitl_request: HitlRequest | None = None
    pending_eca_request: dict[str, JsonValue] | None = None
    source: str | None = None
    worker_id: str | None = None
    additional_context: str | None = None
    instructions_override: str | None = None
    expected_output: str | None = None
    test_run_node_id: str | None = None
    is_orchestration: bool = False
    output_format: Literal["text", "markdown", "json", "voice"] = "text"
    voice_id: str | None = None
    output_schema: dict[str, JsonValue] | None = None
    events_streaming: bool = False
    used_mutating_tools: bool = False
    is_continuous: bool = False
    mcp_servers: list[dict[str, JsonValue]] = []
    triggering_agent_id: str | None = None
    title: str | None = None
    think_mode: Literal["default", "harder"] = "default"
    disable_attachment_injection: bool = False
    deep_planning: DeepPlanning = DeepPlanning()
    execution_attempts: int = 1
    user_tokens: dict[str, JsonValue] | None = None
    user_oidc_token: str | None = None
    return_metrics: bool = False
    tokens: dict[str, int] | None = None
    llm_model_provider: str | None = None
    llm_model_name: str | None = None
    llm_reasoning_effort: Literal["low", "medium", "high", "xhigh"] | None = None


class Item(BaseModel):
    """A task in a list."""

    id: str
    agent_id: str
    user_id: str | None
    parent_task_id: str | None
    triggering_agent_id: str | None
    organization_id: str
    status: Word
    created_at: str | None
    updated_at: str | None
    source_node_type: str | None
    result: str | None
    title: str | None


class ItemPage(BaseModel):
    items: list[Item]
    total: int
    page: int
    per_page: int
    total_pages: int


class Message(BaseModel):
    """Of a task's thread."""

    id: str
    role: Literal["user", "agent"]
    content: str
    created_at: str


def record(task: Task) -> AgentExecution:
    asked = request_of(task)
    labels = task.spec.labels
    waits = task.waiting_for
    return AgentExecution.model_construct(
        id=task.id,
        agent_id=agent_of(task),
        organization_id=task.organization,
        input=input_of(task, asked),
        status=WORDS[task.status],
        internal_status=str(task.status),
        created_at=microseconds(task.created_at),
        started_at=microseconds(task.started_at) if task.started_at else None,
        finished_at=microseconds(task.finished_at) if task.finished_at else None,
        result=result_of(task),
        parent_execution=task.spec.parent or labels.get(f"{LABEL}parent_execution_id"),
        is_manually_stopped=stopped_by_somebody(task),
        hitl_request=None if waits is None else HitlRequest(wait_node_id=f"wait-{waits}"),
        source=labels.get(f"{LABEL}source", "api"),
        worker_id=labels.get(f"{LABEL}worker_id"),
        triggering_agent_id=labels.get(f"{LABEL}triggering_agent_id"),
        title=labels.get(f"{LABEL}title"),
        execution_attempts=task.attempt,
        events_streaming=f"{LABEL}events_streaming" in labels,
        **{name: asked[name] for name in ECHOED if name in asked},
    )


ECHOED = (
    "payload_extension", "additional_context", "instructions_override", "expected_output",
    "output_format", "output_schema", "mcp_servers", "think_mode",
    "disable_attachment_injection",
)  # fmt: skip


def item(task: Task) -> Item:
    labels = task.spec.labels
    return Item(
        id=task.id,
        agent_id=agent_of(task),
        user_id=labels.get(f"{LABEL}user_id"),
        parent_task_id=task.spec.parent or labels.get(f"{LABEL}parent_execution_id"),
        triggering_agent_id=labels.get(f"{LABEL}triggering_agent_id"),
        organization_id=task.organization,
        status=WORDS[task.status],
        created_at=microseconds(task.created_at),
        updated_at=microseconds(updated_at(task)),
        source_node_type=labels.get(f"{LABEL}source"),
        result=result_of(task),
        title=labels.get(f"{LABEL}title"),
    )


def thread(task: Task) -> list[Message]:
    """What was asked, and what came of it."""
    text = input_of(task, request_of(task)).text or ""
    messages = [
        Message(
            id=f"{task.id}-0", role="user", content=text, created_at=microseconds(task.created_at)
        )
    ]
    result = result_of(task)
    if result is not None and task.finished_at is not None:
        at = microseconds(task.finished_at)
        messages.append(Message(id=f"{task.id}-1", role="agent", content=result, created_at=at))
    return messages


def agent_of(task: Task) -> str:
    return task.spec.labels.get(f"{LABEL}agent", task.spec.kind)


def request_of(task: Task) -> dict[str, Any]:
    """What its agent was invoked with, as far as the task's payload has it."""
    payload = task.spec.payload
    inner = payload.get("request")
    asked = inner if isinstance(inner, dict) else payload
    return asked if f"{LABEL}agent" in task.spec.labels else {}


def input_of(task: Task, asked: dict[str, Any]) -> Input:
    given = asked.get("input")
    if isinstance(given, dict):
        return Input.model_validate(given)
    return Input(text=task.spec.description)


def result_of(task: Task) -> str | None:
    if task.status is Status.FAILED:
        return task.error
    return None if task.result is None else as_text(task.result)


def stopped_by_somebody(task: Task) -> bool:
    """Only a stop that somebody asked for: neither a deadline's nor one of the system's own."""
    cancel = task.cancel
    return (
        cancel is not None
        and cancel.origin is not Origin.DEADLINE
        and cancel.actor.kind in ("user", "service")
    )


def updated_at(task: Task) -> Any:
    asked = task.cancel.requested_at if task.cancel else None
    return task.finished_at or asked or task.started_at or task.created_at
