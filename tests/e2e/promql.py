"""What an expression of PromQL looks at, as a parser of that language sees it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple, TypeVar

import promql_parser
from promql_parser import AggregateExpr, BinaryExpr, Call, Expr, MatrixSelector, VectorSelector

T = TypeVar("T", bound=Expr)

OF_PROMETHEUS = frozenset({"instance", "job"})
"""Labels that it gives every series."""
ADDED = frozenset({"le"})
"""A bucket's, which a quantile takes away."""


class Selector(NamedTuple):
    """One metric, and what is asked of its labels."""

    metric: str
    labels: frozenset[str]
    equal: frozenset[tuple[str, str]]
    """Labels whose one value is named."""


class Query(NamedTuple):
    """All of an expression."""

    expr: Expr
    selectors: tuple[Selector, ...]
    rising: tuple[tuple[Selector, timedelta], ...]
    """What `increase` is taken of, and over which time."""

    @property
    def grouped(self) -> frozenset[str]:
        """Labels that are left of the series when all is added up."""
        return frozenset(grouping(self.expr)) - ADDED


def parsed(text: str) -> Query:
    """Raises `ValueError` with what is wrong: syntax, unknown functions, kinds of arguments."""
    expr = promql_parser.parse(text)
    return Query(
        expr,
        tuple(map(selected, found(expr, VectorSelector))),
        tuple(
            (selected(each.args[0].vector_selector), each.args[0].range)
            for each in found(expr, Call)
            if each.func.name == "increase" and isinstance(each.args[0], MatrixSelector)
        ),
    )


def groups(expr: Expr) -> Iterator[tuple[frozenset[str], Selector]]:
    """Each list of labels that something is grouped by, with each selector below it."""
    for each in found(expr, AggregateExpr):
        if each.modifier is not None:
            for selector in found(each.expr, VectorSelector):
                yield frozenset(each.modifier.labels), selected(selector)
    for joined in found(expr, BinaryExpr):
        matching = joined.modifier.matching if joined.modifier is not None else None
        if matching is not None:
            for selector in found(joined, VectorSelector):
                yield frozenset(matching.labels), selected(selector)


def grouping(expr: Expr) -> Iterator[str]:
    for each in found(expr, AggregateExpr):
        if each.modifier is not None:
            yield from each.modifier.labels


def begins_with_an_event(query: Query, series: Selector, window: timedelta) -> bool:
    """Whether it also looks for a series that wasn't there a window before."""
    for each in found(query.expr, BinaryExpr):
        left, right = each.lhs, each.rhs
        if (
            str(each.op) == "unless"
            and isinstance(left, VectorSelector)
            and isinstance(right, VectorSelector)
            and selected(left) == selected(right) == series
            and right.offset == window
        ):
            return True
    return False


def found(expr: Expr, kind: type[T]) -> list[T]:
    """All of a kind within it, itself too."""
    nodes: list[T] = []

    def visit(node: Expr) -> None:
        if isinstance(node, kind):
            nodes.append(node)

    promql_parser.walk(expr, visit)
    return nodes


def selected(selector: VectorSelector) -> Selector:
    matchers = selector.matchers.matchers
    assert selector.name is not None, "a selector names its metric"
    assert not selector.matchers.or_matchers
    return Selector(
        selector.name,
        frozenset(each.name for each in matchers),
        frozenset((each.name, each.value) for each in matchers if str(each.op).endswith(".Equal")),
    )
