"""What people write after --where, as the API takes it."""

import pytest
import typer

from countermand.cli.bulk import filter_of


def test_conditions_are_put_together() -> None:
    written = ["project=p", "handler=h", "label=team=blue", "label=tier=2", "older_than=1h"]

    assert filter_of([*written, "status=pending,running", "status=stopping"]) == {
        "project": "p",
        "kind": "h",
        "labels": {"team": "blue", "tier": "2"},
        "older_than_seconds": 3600,
        "status": ["pending", "running", "stopping"],
    }


@pytest.mark.parametrize(
    "pair",
    [
        ("project=p", "project=q"),
        ("handler=p", "kind=q"),
        ("actor=user:a", "actor=user:b"),
        ("label=team=blue", "label=team=red"),
        ("older_than=1h", "older_than=2h"),
        ("created_from=2026-01-01T00:00:00Z", "created_from=2026-01-02T00:00:00Z"),
        ("region=a", "region=a"),
    ],
    ids=lambda pair: pair[1].partition("=")[0],
)
def test_a_second_value_is_refused_where_one_is_taken(pair: tuple[str, str]) -> None:
    with pytest.raises(typer.BadParameter, match="given before and takes one value") as refused:
        filter_of(list(pair))

    assert repr(pair[1]) in str(refused.value)


@pytest.mark.parametrize(
    "text", ["project", "project=", "label=team", "colour=red", "older_than=x"]
)
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        filter_of([text])
