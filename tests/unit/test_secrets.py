"""Sealing, masking, and which keys are no longer needed; without a service."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from services.control_store import open_control_store, secret_keys
from services.control_store.migrations import NEWEST
from services.control_store.secret_keys import KeptKey, KeyFor
from services.control_store.store import migrate, version
from services.control_store.tables import idempotency_keys
from services.read_models.rows import Task
from services.secrets.destroying import UNSEEN_SECONDS, KeyDestroyer
from services.secrets.masking import Mask
from services.secrets.sealing import DoesNotOpen, Secrets, new_key, opened, sealed

TOLD = Secrets({"token": "hunter22"}, {"login": {"password": "hunter2234", "pin": 123456}})


def test_what_was_sealed_opens_for_its_task_alone() -> None:
    key = new_key()
    text = sealed(TOLD, key, "acme", "a")
    assert "hunter" not in text
    assert opened(text, key, "acme", "a") == TOLD
    for wrong in (
        (text, key, "acme", "b"),
        (text, key, "evil", "a"),
        (text, new_key(), "acme", "a"),
    ):
        with pytest.raises(DoesNotOpen):
            opened(*wrong)
    for damaged in ("", "????", text[:20], text[:-4] + "AAA="):
        with pytest.raises(DoesNotOpen):
            opened(damaged, key, "acme", "a")


def test_secrets_are_never_shown_by_accident() -> None:
    assert "hunter" not in repr(TOLD)
    assert "hunter" not in f"{TOLD}"


def test_a_mask_covers_every_secret_wherever_it_is_said() -> None:
    mask = Mask(TOLD)
    assert mask.text("hunter2234 and hunter22, pin 123456") == "*** and ***, pin ***"
    said: Any = {"hunter22": ["x hunter22", 123, None, True], "plain": {"deep": "hunter2234"}}
    assert mask.json(said) == {"***": ["x ***", 123, None, True], "plain": {"deep": "***"}}


def test_what_is_too_short_is_not_masked() -> None:
    assert Mask(Secrets({"a": "ab", "b": ""}, {})).text("abstract") == "abstract"


def test_a_repeated_submission_finds_the_key_of_its_first_time(tmp_path: Path) -> None:
    store = open_control_store(None, tmp_path)
    named = KeyFor("id-1", "acme", "a")
    first = store.ask_now(lambda c: secret_keys.make(c, named, b"1" * 32, 1))
    again = store.ask_now(lambda c: secret_keys.make(c, named, b"2" * 32, 2))
    assert first == again == b"1" * 32
    store.close()


AN_ANSWER = {
    "organization": "acme",
    "principal": "user/ada",
    "key": "k",
    "fingerprint": "f",
    "created_at_us": 1,
    "body": b"kept",
}


def test_a_store_of_an_earlier_release_gets_the_table_and_keeps_what_it_has(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'control.sqlite'}")
    migrate(engine, "0001")
    assert not sa.inspect(engine).has_table("secret_keys")
    with engine.begin() as connection:
        connection.execute(sa.insert(idempotency_keys).values(AN_ANSWER))

    migrate(engine)

    assert version(engine) == NEWEST
    assert sa.inspect(engine).has_table("secret_keys")
    with engine.begin() as connection:
        assert connection.execute(sa.select(idempotency_keys.c.body)).scalar() == b"kept"
    engine.dispose()


class KeptInMemory:
    """A vault whose store is away at first."""

    def __init__(self, kept: Iterable[KeptKey], failures: int) -> None:
        self.keys = {key.id: key for key in kept}
        self.failures = failures
        self.changed = asyncio.Event()

    async def destroy(self, ids: Collection[str]) -> None:
        if self.failures:
            self.failures -= 1
            raise sa.exc.OperationalError("DELETE", {}, Exception("disk I/O error"))
        for id in ids:
            self.keys.pop(id, None)
        self.changed.set()

    async def kept(self, after: str, limit: int) -> Sequence[KeptKey]:
        return sorted(key for key in self.keys.values() if key.id > after)[:limit]


async def no_task(_organization: str, _task_id: str) -> Task | None:
    return None


async def test_keys_of_submissions_that_never_came_are_destroyed_once_they_are_old(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("services.secrets.destroying.AGAIN_AFTER_SECONDS", 0.0)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    old_us = int((now.timestamp() - UNSEEN_SECONDS - 1) * 1_000_000)
    young_us = int((now.timestamp() - UNSEEN_SECONDS + 1) * 1_000_000)
    vault = KeptInMemory(
        [KeptKey("old", "acme", "a", old_us), KeptKey("young", "acme", "b", young_us)], failures=2
    )
    destroyer = KeyDestroyer(vault, no_task, lambda: now)  # type: ignore[arg-type]
    destroyer.recalled({}, {})
    running = asyncio.create_task(destroyer.run())
    async with asyncio.timeout(60):
        await vault.changed.wait()
    running.cancel()
    assert set(vault.keys) == {"young"}
