import pytest

from tests.proof_size import VARIABLE, count


@pytest.mark.parametrize(
    ("size", "expected"), [(None, 3), ("small", 3), ("full", 50), ("1", 1), ("1000000", 1_000_000)]
)
def test_the_environment_chooses_the_count(
    monkeypatch: pytest.MonkeyPatch, size: str | None, expected: int
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    if size is not None:
        monkeypatch.setenv(VARIABLE, size)

    assert count(small=3, full=50) == expected


@pytest.mark.parametrize("size", ["", "0", "-1", "huge", "1e6", "²"])
def test_a_size_that_means_nothing_is_refused(monkeypatch: pytest.MonkeyPatch, size: str) -> None:
    monkeypatch.setenv(VARIABLE, size)

    with pytest.raises(ValueError, match="say small, full, or a number"):
        count(small=3, full=50)
