"""The pulse beside a ledger: what it says of overruns, whatever its executor does meanwhile."""

from collections.abc import Mapping

import pytest

from events.cancel_events import CancelOverran
from events.ids import derived_id
from events.log import Message
from events.words import Evidence, Status
from projections.moments import us
from services.executor.peers import Heartbeat
from services.executor.runtime import Stopped
from services.pulse.pulse import Pulse
from services.pulse.settings import PulseSettings
from services.read_models.recent_stops import Lately, Stop
from services.voice import Voice
from services.world import real_world
from tests.component.stage import ACKNOWLEDGED, Stage
from tests.rig import ORGANIZATION


async def with_pulse(stage: Stage, number: int = 1) -> Pulse:
    voice = Voice(stage.history, real_world(), source=f"/pulse/{number}", region="local")
    pulse = Pulse(
        heartbeats=stage.heartbeats,
        voice=voice,
        world=real_world(),
        settings=PulseSettings(picture_age_limit_seconds=1e-9),
        pulse_id=f"pulse-{number}",
    )
    pulse.tell(lambda entry, change: stage.changed())
    stage.judge(voice, pulse)
    stage.side.append(stage.tasks.create_task(pulse.run()))
    return pulse


async def test_a_stop_beyond_its_budget_is_noted_when_the_budget_ends(stage: Stage) -> None:
    pulse = await with_pulse(stage)
    await stage.with_executor()
    task_id = await stage.submit("work", stop_within_seconds=0.05, grace_seconds=3600)
    run = await stage.run_of(task_id)
    cancel = await stage.cancel(task_id)
    await stage.until(lambda: "CancelOverran" in stage.told_of(task_id))

    task = stage.task(task_id)
    assert task is not None
    assert task.status is Status.CANCELLING, "noted before it has stopped"
    (event,) = [
        entry.event
        for entry in stage.entries
        if entry.event is not None and isinstance(entry.event.data, CancelOverran)
    ]
    assert event.id == derived_id(run.order.run_id, "overran")
    assert event.causationid == cancel.id
    run.ends(Stopped(Evidence.EXITED))
    await stage.until_status(task_id, Status.CANCELLED)
    await stage.until(lambda: pulse.picture(ORGANIZATION)["windows"]["1m"]["overran"] == 1)


async def test_of_two_pulses_one_is_heard(stage: Stage) -> None:
    await with_pulse(stage, 1)
    await with_pulse(stage, 2)
    await stage.with_executor()
    task_id = await stage.submit("work", stop_within_seconds=0.02, grace_seconds=3600)
    await stage.run_of(task_id)
    await stage.cancel(task_id)
    await stage.until(
        lambda: {"CancelOverran", "CancelOverran (void)"} <= set(stage.told_of(task_id))
    )

    assert stage.told_of(task_id).count("CancelOverran") == 1


async def test_a_stop_within_its_budget_says_nothing(stage: Stage) -> None:
    pulse = await with_pulse(stage)
    await stage.with_executor()
    task_id = await stage.submit("work", stop_within_seconds=3600)
    run = await stage.run_of(task_id)
    await stage.cancel(task_id)
    run.ends(ACKNOWLEDGED)
    await stage.until_status(task_id, Status.CANCELLED)
    other = await stage.submit("work", stop_within_seconds=0.01, grace_seconds=3600)
    await stage.run_of(other)
    await stage.cancel(other)
    await stage.until(lambda: "CancelOverran" in stage.told_of(other))

    assert "CancelOverran" not in stage.told_of(task_id)
    shown = {"acknowledged": 1}
    await stage.until(lambda: pulse.picture(ORGANIZATION)["windows"]["1m"]["evidence"] == shown)


async def test_who_is_told_of_a_stop_finds_it_counted(stage: Stage) -> None:
    pulse = await with_pulse(stage)
    counted: list[Mapping[str, int]] = []
    pulse.tell(
        lambda entry, change: counted.append(
            pulse.picture(ORGANIZATION)["windows"]["1m"]["evidence"]
        )
    )
    await stage.with_executor()
    task_id = await stage.submit("work")
    run = await stage.run_of(task_id)
    await stage.cancel(task_id)
    run.ends(ACKNOWLEDGED)
    await stage.until_status(task_id, Status.CANCELLED)
    await stage.until(lambda: pulse.picture(ORGANIZATION)["windows"]["1m"]["evidence"] != {})

    assert counted[-1] == {"acknowledged": 1}


async def test_a_handler_s_budget_that_becomes_known_while_the_stop_lives_counts(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.pulse.pulse.SWEEP_SECONDS", 0.01)
    pulse = await with_pulse(stage)
    await stage.with_executor()
    task_id = await stage.submit("work", grace_seconds=3600)
    await stage.run_of(task_id)
    await stage.cancel(task_id)
    await stage.until(lambda: len(pulse.tables.stopping) == 1)
    told = Heartbeat(
        executor="another", sent_at=real_world().now(), region="local", lease_seconds=60,
        budgets_seconds={"work": 0.05},
    )  # fmt: skip
    await stage.heartbeats.append([Message("another", told.model_dump_json().encode())])
    await stage.until(lambda: "CancelOverran" in stage.told_of(task_id))


class Before:
    """What the read models would say to a pulse that begins."""

    def __init__(self, *stops: Stop) -> None:
        self._stops = stops

    async def lately(self, since_us: int, limit: int) -> Lately:
        stops = [each for each in self._stops if (each.stopped_us or 0) >= since_us]
        return Lately(stops, [], [each for each in self._stops if each.stopped_us is None])


async def test_what_was_stopped_before_the_start_is_counted(stage: Stage) -> None:
    now_us = us(real_world().now())
    stop = Stop(
        ORGANIZATION, "t", "work", "local", "c", now_us - 9_000_000, None, now_us - 8_000_000, None,
        now_us - 5_000_000, "exited",
    )  # fmt: skip
    old = stop._replace(stopped_us=now_us - 90_001_000_000)
    told_behind_its_end = stop._replace(observed_us=now_us - 1_000_000, evidence="presumed")
    pulse = await with_pulse(stage)
    await pulse.recall(Before(stop, old, told_behind_its_end))
    window = pulse.picture(ORGANIZATION)["windows"]["15m"]

    assert window["evidence"] == {"exited": 1, "presumed": 1}
    assert window["phases"]["requested_to_stopped"]["count"] == 2
    assert window["phases"]["requested_to_observed"]["count"] == 1
    assert window["phases"]["requested_to_observed"]["mean"] == pytest.approx(1.0)
    assert pulse.picture("others")["windows"]["15m"]["evidence"] == {}
