"""Every event in every state that events can lead to: of a task, a family, a project."""

from collections.abc import Hashable

import pytest

from events.cancel_events import CancelRequested
from events.event import Event
from events.project_events import ProjectCancelRequested
from events.run_events import TaskStarted
from events.vocabulary import HISTORY_BODIES
from events.words import Reason, Status, Verdict
from tests.proof_size import count
from tests.properties.graphs import ALPHABETS, MadeBy, alphabet_of, explored
from tests.properties.state_graph import canonical, effective_twice, names_of
from tests.tallies import Tally

FULL = count(small=1, full=2) > 1

pytestmark = pytest.mark.prove


@pytest.mark.parametrize("made_by", ALPHABETS)
def test_the_laws_hold_on_every_edge(made_by: MadeBy, tally: Tally) -> None:
    graph, _ = explored(made_by, full=FULL)

    assert len(graph.states) > 1000
    tally(f"{len(graph.states):,} states, {graph.edges:,} edges")


@pytest.mark.parametrize("made_by", ALPHABETS)
def test_a_late_duplicate_of_what_was_effective_is_never_effective(
    made_by: MadeBy,
) -> None:
    graph, masks = explored(made_by, full=FULL)

    found = effective_twice(graph, masks, lambda event: event.id)

    assert names_of(found, alphabet_of(made_by, full=FULL).names) == []


@pytest.mark.parametrize("made_by", ALPHABETS)
def test_each_attempt_has_at_most_one_effective_run(made_by: MadeBy) -> None:
    graph, masks = explored(made_by, full=FULL)

    found = effective_twice(graph, masks, attempt_claimed)

    assert names_of(found, alphabet_of(made_by, full=FULL).names) == []


@pytest.mark.parametrize("made_by", ALPHABETS)
def test_nothing_starts_or_succeeds_after_an_effective_cancel(
    made_by: MadeBy,
) -> None:
    graph, masks = explored(made_by, full=FULL)

    checked = 0
    for state, leads in enumerate(graph.leads):
        tasks = graph.states[state].tasks
        for number, following, effective in leads:
            event = graph.events[number]
            known = isinstance(event.data, ProjectCancelRequested) or event.subject in tasks
            if not (effective and known and is_cancel(event)):
                continue
            checked += 1
            starts = sum(
                1 << other
                for other, each in enumerate(graph.events)
                if isinstance(each.data, TaskStarted)
                and f"{each.subject}.".startswith(f"{event.subject}.")
            )
            assert not masks[following] & starts, canonical(graph.states[state])
    assert checked > 50


@pytest.mark.parametrize("made_by", ALPHABETS)
def test_every_history_can_still_come_to_an_end(made_by: MadeBy) -> None:
    """From each state some events lead to one where nothing is left to be done: no dead ends."""
    graph, _ = explored(made_by, full=FULL)
    ends: set[int] = set()
    before: list[list[int]] = [[] for _ in graph.states]
    for state, leads in enumerate(graph.leads):
        for _, following, _ in leads:
            before[following].append(state)
        if all(task.finished for task in graph.states[state].tasks.values()):
            ends.add(state)

    waiting = list(ends)
    while waiting:
        for earlier in before[waiting.pop()]:
            if earlier not in ends:
                ends.add(earlier)
                waiting.append(earlier)

    stuck = set(range(len(graph.states))) - ends
    assert [canonical(graph.states[state]) for state in sorted(stuck)[:3]] == []


def test_the_graphs_say_everything_that_can_be_said() -> None:
    said = {each for made_by in ALPHABETS for each in explored(made_by, full=FULL)[0].said}

    assert {body for body, _, _ in said} == set(HISTORY_BODIES)
    assert {verdict for _, verdict, _ in said} == set(Verdict)
    beyond = {Reason.MALFORMED, Reason.TOO_MANY_HELD, Reason.DEPENDENCY_ELSEWHERE}
    assert {reason for _, _, reason in said} == {None, *Reason} - beyond


def test_the_graphs_reach_every_status() -> None:
    reached = {
        task.status
        for made_by in ALPHABETS
        for root in explored(made_by, full=FULL)[0].states
        for task in root.tasks.values()
    }

    assert reached == set(Status)


def attempt_claimed(event: Event) -> Hashable:
    body = event.data
    return (event.subject, body.attempt) if isinstance(body, TaskStarted) else None


def is_cancel(event: Event) -> bool:
    return isinstance(event.data, CancelRequested | ProjectCancelRequested)
