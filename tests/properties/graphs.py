"""The explored graphs: each once for all tests that look at it."""

from collections.abc import Callable
from functools import cache
from typing import TypeAlias

from tests.builders.folding import the_fold
from tests.properties.alphabets import (
    Alphabet,
    of_a_family,
    of_a_family_in_a_project,
    of_a_project,
    of_a_root_that_moves,
    of_a_task,
)
from tests.properties.laws import check_edge
from tests.properties.state_graph import Graph, explore, what_may_follow

MadeBy: TypeAlias = Callable[..., Alphabet]

ALPHABETS: tuple[MadeBy, ...] = (
    of_a_task,
    of_a_family,
    of_a_project,
    of_a_family_in_a_project,
    of_a_root_that_moves,
)


@cache
def alphabet_of(made_by: MadeBy, *, full: bool) -> Alphabet:
    return made_by(full=full)


@cache
def explored(made_by: MadeBy, *, full: bool) -> tuple[Graph, list[int]]:
    """The graph, every edge of it checked, and what may follow on each state."""
    graph = explore(the_fold, alphabet_of(made_by, full=full).events, check_edge)
    return graph, what_may_follow(graph)


def small_graphs() -> list[Graph]:
    return [explored(made_by, full=False)[0] for made_by in ALPHABETS]
