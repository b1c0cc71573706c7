"""Rules broken on purpose: what no check notices isn't said by any, or needn't be written."""

import pytest

from tests.proof_size import count
from tests.properties.broken_rules import BROKEN_RULES
from tests.properties.broken_rules.broken import Broken
from tests.properties.checks import fault_found_by, golden, graphs, sentences
from tests.properties.mutants import (
    FILES,
    NoLongerApplies,
    folding_with,
    loaded,
    replaced,
    source_of,
)
from tests.properties.mutating import Mutant, mutants_of
from tests.tallies import Tally

CHECKS = golden() | sentences()
"""In the order in which they are tried: the quickest that see most come first."""

CHANGES_NOTHING = {
    "outcome.py": {
        "if len(root.tombstones) >= TOMBSTONES_HELD": "only spares looking for what has expired",
    },
    "rules/stopping.py": {
        "finished_at else None  =>": "for mypy: what is finished has a time",
        "Status.MOVED  =>": "for mypy: what has moved is decided elsewhere, before this is asked",
    },
    "rules/ending.py": {
        "60  =>  61": "both are far beyond any limit of seconds, and far below overflow",
    },
}
"""Mutants that may live, by a part of their description, with the reason."""


@pytest.mark.prove
def test_every_check_passes_on_the_real_rules() -> None:
    with folding_with(loaded("fold.py", source_of("fold.py"))):
        every = CHECKS | graphs()
        assert [name for name, check in every.items() if fault_found_by(check)] == []


@pytest.mark.parametrize("broken", BROKEN_RULES, ids=lambda broken: broken.rule)
def test_a_broken_rule_is_seen(broken: Broken) -> None:
    check = (CHECKS | graphs())[broken.seen_by]
    source = replaced(source_of(broken.file), broken.old, broken.new)

    with folding_with(loaded(broken.file, source)):
        fault = fault_found_by(check)

    assert fault, f"nobody notices that {broken.rule!r} no longer holds"
    assert isinstance(fault, AssertionError | OverflowError), "broken, but not in this way"


def test_each_rule_is_broken_once() -> None:
    assert len({broken.rule for broken in BROKEN_RULES}) == len(BROKEN_RULES)


def test_a_mutation_that_no_longer_applies_says_so() -> None:
    with pytest.raises(NoLongerApplies, match="0 times"):
        replaced(source_of("fold.py"), "no such text", "")
    with pytest.raises(NoLongerApplies, match="times in the source"):
        replaced(source_of("fold.py"), "return", "")


@pytest.mark.prove
@pytest.mark.parametrize("file", FILES)
def test_every_small_change_to_the_rules_is_noticed(file: str, tally: Tally) -> None:
    """Each condition, comparison, word and number; in `make test` one of 24 of them."""
    mutants = list(mutants_of(source_of(file)))[:: count(small=40, full=1)]

    alive = [mutant.where for mutant in mutants if survives(file, mutant)]

    allowed = CHANGES_NOTHING.get(file, {})
    assert [where for where in alive if not any(each in where for each in allowed)] == []
    tally(f"{len(mutants)} mutants, {len(alive)} of them change nothing")


def survives(file: str, mutant: Mutant) -> bool:
    try:
        fold = loaded(file, mutant.source)
    except (NameError, TypeError, ValueError):
        return False  # not even a module any more
    with folding_with(fold):
        return not any(map(fault_found_by, CHECKS.values()))


def test_nothing_is_excused_in_vain() -> None:
    """What is said to change nothing is still there to be changed."""
    for file, excuses in CHANGES_NOTHING.items():
        described = [mutant.where for mutant in mutants_of(source_of(file))]
        for part in excuses:
            assert any(part in each for each in described), part
