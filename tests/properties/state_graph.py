"""The fold's states and the edges between them, explored until there is nothing new.

A state is what the rules read: times that no rule compares, texts and results are left out, and so
are the counts, which every edge compares with a recount. Ids of requests that only choose between
two reasons for the same nothing are left out too, and so are remembered refusals: each request is
tried as if it came for the first time, in every state.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from uuid import UUID

from events.event import Event
from events.outcome import Outcome
from events.state import Cancel, ProjectState, Root, TaskState
from events.vocabulary import AnyBody
from events.words import Reason, Verdict
from tests.builders.folding import Fold

STATES_LIMIT = 60_000

NOTED = Outcome(Verdict.NOTED)
"""Noted, and changing nothing at all."""

EdgeCheck = Callable[[Root, Event, Outcome, Root], None]


@dataclass
class Graph:
    """States by number, and the edges that lead to another state."""

    events: Sequence[Event]
    states: list[Root]
    leads: list[list[tuple[int, int, bool]]]
    """Of each state: the event's number, the next state, whether the event was effective."""
    edges: int
    """All of them, void ones too."""
    said: set[tuple[type[AnyBody], Verdict, Reason | None]]
    """Which verdicts and reasons which events got."""


def explore(fold: Fold, events: Sequence[Event], check: EdgeCheck) -> Graph:
    """Try every event in every state that events can lead to."""
    first = fold.new_root()
    graph, evolve = Graph(events, [first], [], 0, set()), fold.evolve
    numbers = {canonical(first): 0}
    for root in graph.states:  # grows while it is walked
        here = canonical(root)
        leads: list[tuple[int, int, bool]] = []
        for number, event in enumerate(events):
            outcome = evolve(root, event)
            graph.said.add((type(event.data), outcome.verdict, outcome.reason))
            if outcome.verdict is Verdict.VOID or outcome == NOTED:
                check(root, event, outcome, root)
                continue
            after = copy(root)
            fold.apply(after, outcome)
            check(root, event, outcome, after)
            key = canonical(after)
            effective = outcome.verdict is Verdict.EFFECTIVE
            if key == here:
                assert not effective, "an effective event changes something"
                continue
            if key not in numbers:
                assert len(numbers) < STATES_LIMIT, "bounded counters make a bounded graph"
                numbers[key] = len(graph.states)
                graph.states.append(after)
            leads.append((number, numbers[key], effective))
        assert canonical(root) == here, "evolve changed the root that it judged"
        graph.leads.append(leads)
        graph.edges += len(events)
    return graph


def copy(root: Root) -> Root:
    return type(root)(
        project=root.project,
        tasks=dict(root.tasks),
        below={each: list(ids) for each, ids in root.below.items()},
        tombstones=dict(root.tombstones),
        refused=dict(root.refused),
        unfinished=root.unfinished,
        home=root.home,
        moves=root.moves,
    )


def canonical(root: Root) -> Hashable:
    """What the rules can tell apart."""
    project = root.project
    return (
        project and _project(project),
        tuple(sorted(map(_task, root.tasks.values()))),
        tuple(sorted((t.task_id, t.cancel.id, t.hold_until) for t in root.tombstones.values())),
        tuple(sorted(root.refused)),
        root.home,
        root.moves,
    )


def _task(task: TaskState) -> tuple[str, Hashable]:
    run = task.run
    return task.id, (
        task.status,
        task.attempt,
        task.failures,
        task.not_before,
        run and (run.id, run.executor, run.adoptions, str(run.handle)),
        task.waiting_for,
        task.answered,
        _cancel(task.cancel),
        task.evidence,
        task.contradicted,
        task.closed,
    )


def _project(project: ProjectState) -> Hashable:
    return (
        project.status,
        project.plan,
        project.planned_tasks,
        project.pauses,
        _cancel(project.cancel),
    )


def _cancel(cancel: Cancel | None) -> Hashable:
    return cancel and (cancel.mode, cancel.grace_seconds)


def what_may_follow(graph: Graph) -> list[int]:
    """Of each state, the events that may be effective from there on: bit n for event n.

    There are no cycles: every change is a step on. That is checked on the way.
    """
    order: list[int] = []
    seen = bytearray(len(graph.states))  # 1: on the way, 2: done
    stack = [(0, iter(graph.leads[0]))]
    seen[0] = 1
    while stack:
        state, leads = stack[-1]
        for _, following, _ in leads:
            assert seen[following] != 1, "the same state came again after a change"
            if not seen[following]:
                seen[following] = 1
                stack.append((following, iter(graph.leads[following])))
                break
        else:
            seen[state] = 2
            order.append(state)
            stack.pop()
    masks = [0] * len(graph.states)
    for state in order:
        for number, following, effective in graph.leads[state]:
            masks[state] |= masks[following] | (effective << number)
    return masks


def effective_twice(
    graph: Graph, masks: Sequence[int], same: Callable[[Event], Hashable]
) -> list[tuple[Event, Root]]:
    """Effective events after which one that is the same in this way may be effective as well."""
    groups: dict[Hashable, int] = {}
    for number, event in enumerate(graph.events):
        key = same(event)
        if key is not None:
            groups[key] = groups.get(key, 0) | 1 << number
    twins = [groups.get(same(event), 0) for event in graph.events]
    return [
        (graph.events[number], graph.states[state])
        for state, leads in enumerate(graph.leads)
        for number, following, effective in leads
        if effective and masks[following] & twins[number]
    ]


def names_of(found: Sequence[tuple[Event, Root]], names: dict[UUID, str]) -> list[str]:
    return [f"{names[event.id]}, in {canonical(root)}" for event, root in found[:3]]
