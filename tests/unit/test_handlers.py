"""What task authors declare, and what becomes of payloads and results."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from pydantic import BaseModel

import countermand
from countermand import SyncTaskContext, TaskContext, handler
from countermand.handlers import BadHandler, PayloadRefused, Stop, SubmitRefused
from countermand.handlers.context import Key, facts
from countermand.handlers.declaring import declared
from countermand.handlers.payloads import converted
from countermand.handlers.words import Unsayable, completed, described, failed, limited_line

ORDER = {"run": "r", "task": "t", "attempt": 2, "payload": {}, "deadline": None}


@pytest.fixture(autouse=True)
def nothing_declared() -> Iterator[None]:
    before = dict(declared)
    declared.clear()
    yield
    declared.clear()
    declared.update(before)


# ── declaring ─────────────────────────────────────────────────────────────────────────────────────


def test_a_handler_stays_the_function_it_was() -> None:
    async def function(context: TaskContext) -> int:
        return 1

    assert handler("one")(function) is function
    assert declared["one"].mode == "async"
    assert not declared["one"].isolated
    assert not declared["one"].takes_payload


def test_a_sync_handler_is_always_isolated() -> None:
    @handler("sync", isolated=False)
    def function(context: SyncTaskContext, payload: dict[str, Any]) -> None: ...

    assert declared["sync"].mode == "sync"
    assert declared["sync"].isolated
    assert declared["sync"].takes_payload


def test_a_name_is_taken_once() -> None:
    @handler("one")
    async def first(context: TaskContext) -> None: ...

    async def second(context: TaskContext) -> None: ...

    with pytest.raises(BadHandler, match=r"two handlers are named 'one': .*first and .*second"):
        handler("one")(second)


def test_a_handler_takes_a_context_and_perhaps_a_payload() -> None:
    async def nothing() -> None: ...
    async def three(context: TaskContext, payload: object, more: object) -> None: ...
    async def optional(context: TaskContext, payload: object = None) -> None: ...
    async def anything(*arguments: object) -> None: ...
    async def named(context: TaskContext, *, payload: object) -> None: ...

    for wrong in (nothing, three, optional, anything, named):
        with pytest.raises(BadHandler, match="must take \\(context\\) or \\(context, payload\\)"):
            handler("wrong")(wrong)


def test_a_handler_returns_and_never_yields() -> None:
    async def yields(context: TaskContext) -> Any:
        yield 1

    with pytest.raises(BadHandler, match="must return"):
        handler("yields")(yields)


def test_a_single_secret_is_no_list_of_letters() -> None:
    async def function(context: TaskContext) -> None: ...

    with pytest.raises(BadHandler, match="a list of names"):
        handler("one", secrets="token")(function)
    with pytest.raises(BadHandler, match="has a name"):
        handler("")(function)


def test_the_client_is_loaded_only_when_asked_for() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        countermand.nothing  # noqa: B018 - the access is what is tested


# ── payloads ──────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Inner:
    """Nested."""

    size: float


@dataclass
class Outer:
    """A payload with everything."""

    name: str
    count: int = 1
    ratio: float | None = None
    kind: Literal["a", "b"] = "a"
    tags: list[str] = field(default_factory=list)
    inner: Inner | None = None
    sizes: dict[str, Inner] = field(default_factory=dict)
    anything: Any = None


@dataclass
class Particular:
    """Checks itself."""

    even: int

    def __post_init__(self) -> None:
        if self.even % 2:
            raise ValueError("even is odd")


class Model(BaseModel):
    """Pydantic's."""

    amount: int


def test_a_dataclass_is_built_from_json() -> None:
    payload = {
        "name": "n",
        "ratio": 1,
        "kind": "b",
        "tags": ["x"],
        "inner": {"size": 2},
        "sizes": {"s": {"size": 0.5}},
        "anything": [{}],
    }
    assert converted(payload, Outer) == Outer(
        "n", 1, 1.0, "b", ["x"], Inner(2.0), {"s": Inner(0.5)}, [{}]
    )


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        ({}, "payload needs 'name'"),
        ({"nam": "n"}, "payload has no 'nam'; payload needs 'name'"),
        ({"name": None}, "payload.name must be a text, not None"),
        ({"name": "n", "count": 1.5}, "payload.count must be a whole number, not 1.5"),
        ({"name": "n", "count": True}, "payload.count must be a whole number, not True"),
        ({"name": "n", "ratio": True}, "must be a number, not True, or payload.ratio must be null"),
        ({"name": "n", "kind": "c"}, "payload.kind must be 'a' or 'b', not 'c'"),
        ({"name": "n", "tags": "x"}, "payload.tags must be a list, not 'x'"),
        ({"name": "n", "tags": ["x", 1]}, r"payload.tags\[1\] must be a text, not 1"),
        ({"name": "n", "inner": {"size": "big"}}, "payload.inner.size must be a number"),
        ({"name": "n", "sizes": {"s": []}}, r"payload.sizes.s must be an object, not \[\]"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(payload: dict[str, Any], says: str) -> None:
    with pytest.raises(PayloadRefused, match=says):
        converted(payload, Outer)


def test_a_dataclass_may_refuse_by_itself() -> None:
    assert converted({"even": 2}, Particular) == Particular(2)
    with pytest.raises(PayloadRefused, match="payload: even is odd"):
        converted({"even": 1}, Particular)


def test_a_pydantic_model_validates_by_itself() -> None:
    assert converted({"amount": 1}, Model) == Model(amount=1)
    with pytest.raises(PayloadRefused, match="amount"):
        converted({"amount": "many"}, Model)


def test_whatever_a_model_raises_is_a_refusal() -> None:
    class Broken:
        @classmethod
        def model_validate(cls, payload: object) -> None:
            raise LookupError("nothing works")

    @handler("broken")
    async def broken(context: TaskContext, payload: Broken) -> None: ...

    with pytest.raises(PayloadRefused, match="LookupError: nothing works"):
        declared["broken"].payload({})


def test_a_payload_without_a_model_stays_json() -> None:
    @handler("plain")
    async def plain(context: TaskContext, payload: Any) -> None: ...

    assert declared["plain"].payload({"a": [1]}) == {"a": [1]}


# ── words ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_result_is_said_whole_or_not_at_all() -> None:
    assert json.loads(completed("r", {"a": "ü"}, 100)) == {
        "op": "completed",
        "run": "r",
        "result": {"a": "ü"},
    }
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    for wrong in (float("inf"), {1, 2}, "\udfff", "x" * 100, {(1, 2): 3}, deep, 10**5000):
        said = json.loads(completed("r", wrong, 100))
        assert said["op"] == "failed"
        assert said["permanent"] is True


def test_what_is_said_has_a_limit() -> None:
    assert limited_line(100, "output", run="r", content="x").endswith(b"\n")
    with pytest.raises(Unsayable, match="say it in parts"):
        limited_line(100, "output", run="r", content="x" * 100)


def test_an_error_can_always_be_said() -> None:
    class Unreadable(Exception):
        def __str__(self) -> str:
            raise ValueError

    assert described(Unreadable()) == "Unreadable: (its text can't be read)"
    assert len(json.loads(failed("r", "x" * 1_000_000, "Error"))["error"]) == 10_000


# ── the context ───────────────────────────────────────────────────────────────────────────────────


class Recorder:
    """Stands in for the channel."""

    def __init__(self, **answer: object) -> None:
        self.said: list[tuple[Any, ...]] = []
        self._answer = answer

    async def say(self, op: str, **about: object) -> None:
        self.said.append((op, about))

    async def ask(self, op: str, key: Key, **about: object) -> dict[str, Any]:
        self.said.append((op, key, about))
        return self._answer


def test_a_context_shows_no_secret() -> None:
    order = {**ORDER, "secrets": {"token": "s3cret"}, "answers": ["private"]}
    context = TaskContext(**facts(order, {}), _talk=Recorder())
    assert context.secrets == {"token": "s3cret"}
    assert "s3cret" not in repr(context)
    assert "private" not in repr(context)
    assert context.stopping is None
    context.stopping = Stop("request", "enough", 1.0)


def test_questions_and_calls_are_counted() -> None:
    talk = Recorder(answer="yes", task="child")
    context = TaskContext(**facts({**ORDER, "answers": ["known"]}, {}), _talk=talk)

    async def talks() -> list[Any]:
        return [
            await context.wait_for_approval("one?"),
            await context.wait_for_approval("two?"),
            await context.wait_for_approval("three?"),
            await context.submit("kind", {"a": 1}, max_attempts=2),
            await context.submit("kind", {}, name="named"),
        ]

    assert asyncio.run(talks()) == ["known", "yes", "yes", "child", "child"]
    assert talk.said == [
        ("waiting", ("wait", 2), {"question": "two?"}),
        ("waiting", ("wait", 3), {"question": "three?"}),
        (
            "submit",
            ("call", 1),
            {"task": {"kind": "kind", "payload": {"a": 1}, "max_attempts": 2}},
        ),
        ("submit", ("call", 2), {"task": {"kind": "kind", "payload": {}, "name": "named"}}),
    ]


def test_a_refused_child_is_an_error_of_its_own() -> None:
    context = TaskContext(**facts(ORDER, {}), _talk=Recorder(error="no such kind"))
    with pytest.raises(SubmitRefused, match="no such kind"):
        asyncio.run(context.submit("nonsense", {}))
