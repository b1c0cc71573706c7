"""Laws of the fold, for whatever histories there may be."""

import copy
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.event import Event, decode, encode
from events.fold import REQUESTS, evolve
from events.outcome import Outcome, apply
from events.state import Root
from events.words import Verdict
from tests.proof_size import count
from tests.properties.alphabets import of_a_family, of_a_family_in_a_project, of_a_project
from tests.properties.any_event import any_event, nearby_event
from tests.properties.graphs import MadeBy, explored

EXAMPLES = count(small=40, full=1_000)


@st.composite
def lives(draw: st.DrawFn, made_by: MadeBy) -> list[Event]:
    """A way through a state graph, with anything else said in between."""
    graph, _ = explored(made_by, full=False)
    state, events = 0, []
    for step in draw(st.lists(st.integers(0, 255), max_size=30)):
        if leads := graph.leads[state]:
            number, state, _ = leads[step % len(leads)]
            events.append(graph.events[number])
        if step % 3 == 0:
            events.append(draw(st.sampled_from(graph.events)))
    return events


histories = st.lists(nearby_event, max_size=40) | st.sampled_from(
    [of_a_family, of_a_project, of_a_family_in_a_project]
).flatmap(lives)


def folded(events: Sequence[Event], root: Root | None = None) -> tuple[Root, list[Outcome]]:
    root, outcomes = root or Root(), []
    for event in events:
        outcomes.append(evolve(root, event))
        apply(root, outcomes[-1])
    return root, outcomes


@pytest.mark.prove
@settings(max_examples=EXAMPLES)
@given(histories, st.lists(any_event, max_size=5))
def test_evolve_judges_everything_and_never_raises(events: list[Event], more: list[Event]) -> None:
    """Also events of other roots, which nobody should hand it."""
    _, outcomes = folded([*events, *more, *events])

    for outcome in outcomes:
        assert (outcome.reason is not None) or outcome.verdict is not Verdict.VOID


@pytest.mark.prove
@settings(max_examples=EXAMPLES)
@given(histories)
def test_evolve_leaves_its_root_alone_and_says_the_same_again(events: list[Event]) -> None:
    root = Root()
    for event in events:
        before = copy.deepcopy(root)

        outcome = evolve(root, event)

        assert root == before
        assert evolve(root, event) == outcome
        apply(root, outcome)


@pytest.mark.prove
@settings(max_examples=EXAMPLES)
@given(histories, st.integers(0, 60))
def test_a_prefix_and_the_rest_are_the_whole(events: list[Event], cut: int) -> None:
    whole, outcomes = folded(events)

    prefix, first = folded(events[:cut])
    both, rest = folded([decode(encode(event)) for event in events[cut:]], copy.deepcopy(prefix))

    assert both == whole
    assert first + rest == outcomes


@pytest.mark.prove
@settings(max_examples=EXAMPLES)
@given(histories, st.data())
def test_what_had_its_say_changes_nothing_when_it_comes_again(
    events: list[Event], data: st.DataObject
) -> None:
    """Whatever took effect or was noted, and every request, effective or void. Facts that were void
    are not remembered: a claim that was too early may be effective when it is repeated later, and
    its executor then releases it."""
    once, outcomes = folded(events)
    root, said = Root(), []
    for event, outcome in zip(events, outcomes, strict=True):
        again = evolve(root, event)
        apply(root, again)
        assert again.verdict is outcome.verdict
        if outcome.verdict is not Verdict.VOID or isinstance(event.data, REQUESTS):
            said.append(event)
        for late in data.draw(st.lists(st.sampled_from(said), max_size=2)) if said else ():
            repeated = evolve(root, late)
            assert repeated.verdict is not Verdict.EFFECTIVE
            apply(root, repeated)

    assert fate(root) == fate(once)


def fate(root: Root) -> list[object]:
    """What became of everything. An alarm (`contradicted`) may go off for a late repetition."""
    tasks = sorted(task._replace(contradicted=False) for task in root.tasks.values())
    return [tasks, root.project, root.tombstones, root.unfinished]
