"""Hypothesis strategies: any event there can be, and events that concern each other."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from events.body import Actor
from events.cancel_events import CancelRequested, Survivor
from events.event import Event, encode, new_event
from events.ids import derived_id
from events.plain import INTEGER_BITS_LIMIT
from events.region_events import RootHandedOver
from events.run_events import OutputSummary
from events.task_events import TaskSubmitted
from events.vocabulary import HISTORY_BODIES, OUTPUT_BODIES, AnyBody
from events.words import Evidence, Mode, Origin
from tests.builders.actors import START

# Anything that a field takes.

texts = st.text(max_size=20)
names = st.text(min_size=1, max_size=20)
ids = st.from_regex(
    r"[A-Za-z0-9][A-Za-z0-9_-]{0,9}(\.[A-Za-z0-9][A-Za-z0-9_-]{0,9}){0,3}", fullmatch=True
)
organizations = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,9}", fullmatch=True)
sources = st.from_regex(r"/[a-z0-9/_-]{0,20}", fullmatch=True)
labels = st.dictionaries(names, texts, max_size=3)
ordinals = st.integers(1, 2**31)
counts = st.integers(0, 2**53)
seconds = st.floats(0, 366 * 86_400)
times = st.datetimes(
    timezones=st.sampled_from(
        [UTC, timezone(timedelta(hours=5, minutes=30)), timezone(-timedelta(hours=11))]
    ),
)
largest = 2**INTEGER_BITS_LIMIT - 1
json_values: SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-largest, largest)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(texts, below, max_size=4),
    max_leaves=8,
)
json_objects = st.dictionaries(texts, json_values, max_size=4)
actors = st.builds(
    Actor,
    kind=st.sampled_from(["user", "service", "run", "executor", "watchdog", "pulse", "bridge"]),
    id=names,
    organization=organizations,
    authenticated_by=st.sampled_from(["api_key", "jwt", "session", "internal"]),
    on_behalf_of=st.none() | names,
)
summaries = st.builds(OutputSummary, records=counts, bytes=counts, missing_records=counts)
survivors = st.builds(
    Survivor,
    executor=names,
    what=names,
    pid=st.none() | st.integers(),
    started_at=st.none() | times,
)

FIELDS: dict[str, SearchStrategy[Any]] = {
    "actor": actors,
    "reason": texts,
    "kind": names,
    "payload": json_objects,
    "description": texts,
    "labels": labels,
    "requires": labels,
    "project": ids,
    "parent": ids,
    "depends_on": st.lists(ids, max_size=3).map(tuple),
    "region": organizations,
    "not_before": times,
    "deadline": times,
    "grace_seconds": seconds,
    "stop_within_seconds": seconds,
    "max_attempts": ordinals,
    "backoff_seconds": seconds,
    "backoff_limit_seconds": seconds,
    "isolation": st.sampled_from(["shared", "isolated"]),
    "rerun_of": ids,
    "secrets_ciphertext": texts,
    "secrets_key_id": names,
    "attempt": ordinals,
    "run_id": st.uuids(),
    "number": counts,
    "fraction": st.floats(0, 1),
    "step": texts,
    "channel": st.sampled_from(["stdout", "stderr", "chunk"]),
    "content": json_objects | texts,
    "executor": names,
    "remote": st.booleans(),
    "handle": json_objects,
    "adoption": ordinals,
    "from_executor": names,
    "wait": ordinals,
    "question": texts,
    "answer": json_values,
    "result": json_values,
    "output": summaries,
    "error": texts,
    "error_type": names,
    "permanent": st.booleans(),
    "evidence": st.sampled_from([each for each in Evidence if each is not Evidence.PRESUMED]),
    "mode": st.sampled_from(Mode),
    "origin": st.sampled_from(Origin),
    "hold_until": times,
    "expires_at": times,
    "accepted_at": times,
    "delivered_at": times,
    "cancel_id": st.uuids(),
    "survivors": st.lists(survivors, max_size=2).map(tuple),
    "named": ids,
    "denied_for": names,
    "organization_named": organizations,
    "claiming": st.booleans(),
    "home": organizations,
    "to": organizations,
    "former_home": organizations,
    "move": ordinals,
    "request": names,
    "fields": json_objects,
    "title": texts,
    "plan": ordinals,
    "tasks": counts,
    "pause": ordinals,
}
"""By name, as the same name means the same in every event."""


def bodies(
    of: tuple[type[AnyBody], ...], fields: dict[str, SearchStrategy[Any]]
) -> SearchStrategy[AnyBody]:
    each_of_them: list[SearchStrategy[Any]] = [
        st.fixed_dictionaries(
            {name: fields[name] for name, each in body.model_fields.items() if each.is_required()},
            optional={
                name: fields[name]
                for name, each in body.model_fields.items()
                if not each.is_required()
            },
        ).map(body.model_validate)
        for body in of
    ]
    return st.one_of(each_of_them)


def any_event_of(*of: type[AnyBody]) -> SearchStrategy[Event]:
    return st.builds(
        new_event,
        bodies(of, FIELDS),
        id=st.uuids(),
        subject=ids,
        organization=organizations,
        time=times,
        source=sources,
        region=organizations,
        correlationid=st.none() | st.uuids(),
        causationid=st.none() | st.uuids(),
        traceparent=st.none() | st.just("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    )


FIELDS["task"] = bodies((TaskSubmitted,), FIELDS)

any_event = any_event_of(*HISTORY_BODIES, *OUTPUT_BODIES)

# Few ids, counters, times: events that are about the same things, in any order.

moments = st.sampled_from([START, START + timedelta(seconds=5), START + timedelta(days=1)])
tasks = st.sampled_from(["r", "r.a", "r.b", "r.a.c"])
few = st.integers(1, 3)
executors = st.sampled_from(["x", "y"])

NEARBY: dict[str, SearchStrategy[Any]] = FIELDS | {
    "actor": st.just(Actor(kind="user", id="u", organization="o")),
    "reason": st.just(""),
    "payload": st.just({}),
    "project": st.just("r"),
    "parent": tasks,
    "depends_on": st.sampled_from([(), ("r.a",), ("r.b",), ("r.nowhere",)]),
    "region": st.sampled_from(["local", "local", "mars"]),
    "home": st.just("mars"),
    "to": st.just("mars"),
    "former_home": st.just("mars"),
    "move": few,
    "task": st.just(TaskSubmitted(actor=Actor(kind="user", id="u", organization="o"), kind="k")),
    "request": st.sampled_from([TaskSubmitted.TYPE, CancelRequested.TYPE, RootHandedOver.TYPE]),
    "fields": st.just({}),
    "not_before": moments,
    "grace_seconds": st.sampled_from([0.0, 5.0, 60.0]),
    "max_attempts": few,
    "backoff_seconds": st.sampled_from([0.0, 1.0, 10.0]),
    "attempt": few,
    "run_id": st.integers(1, 3).map(lambda number: UUID(int=number)),
    "executor": executors,
    "from_executor": executors,
    "adoption": few,
    "wait": few,
    "hold_until": moments,
    "expires_at": moments,
    "plan": few,
    "tasks": st.integers(0, 3),
    "pause": few,
}


def _with_own_id(body: AnyBody, subject: str, time: datetime) -> Event:
    """The same event has the same id, another one another."""

    def event(id: UUID) -> Event:
        return new_event(body, id=id, subject=subject, organization="o", time=time, source="/x")

    return event(derived_id(encode(event(UUID(int=0)))))


nearby_event: SearchStrategy[Event] = st.builds(
    _with_own_id, bodies(HISTORY_BODIES, NEARBY), subject=tasks, time=moments
)
