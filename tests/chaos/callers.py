"""Callers of several gateways: they repeat what isn't answered, and remember what was accepted."""

import random
import time
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.e2e.members import Member, Members

ANSWER_SECONDS = 15.0
ENDS_SECONDS = 180.0
STEP_SECONDS = 0.2
AGAIN = (httpx.TransportError, ConnectionError)
FINISHED = {"succeeded", "failed", "cancelled", "skipped"}
ASYNCHRONOUS = {"prefer": "respond-async"}


@dataclass
class Callers:
    """Who submits and cancels, at whichever gateway answers."""

    members: Members
    chance: random.Random
    submitted: list[str] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    """The events of cancels that were answered: durable, whatever comes."""
    answers: Counter[int] = field(default_factory=Counter)
    answered_by: Counter[str] = field(default_factory=Counter)
    """Which gateway, by its folder's name: it keeps that when it is started again."""
    unanswered: Counter[str] = field(default_factory=Counter)
    """By what the caller met instead. `ReadTimeout`: its own patience was at its end."""

    def post(self, path: str, asked: Mapping[str, Any], **headers: str) -> httpx.Response:
        """Repeated at another gateway until one answers: with its key it counts once."""
        headers["idempotency-key"] = uuid.uuid4().hex
        deadline = time.monotonic() + ENDS_SECONDS
        while True:
            assert time.monotonic() < deadline, "no gateway answers"
            gateway = self.chance.choice(self._gateways())
            try:
                with self.members.http(gateway) as http:
                    answer = http.post(path, json=asked, headers=headers, timeout=ANSWER_SECONDS)
            except AGAIN as error:
                self.unanswered[type(error).__name__] += 1
                time.sleep(STEP_SECONDS)
                continue
            self.answers[answer.status_code] += 1
            self.answered_by[gateway.folder.name] += 1
            if answer.status_code != 503:
                return answer

    def submit(self, asked: Mapping[str, Any]) -> str:
        answer = self.post("/tasks", asked)
        assert answer.status_code in (201, 202), answer.text
        task_id: str = answer.json()["id"]
        self.submitted.append(task_id)
        return task_id

    def cancel(
        self, task_id: str, mode: str, prefer: Mapping[str, str] = ASYNCHRONOUS
    ) -> dict[str, Any]:
        """What is said of it: a receipt, or that it came too late."""
        answer = self.post(f"/tasks/{task_id}/cancel", {"mode": mode}, **prefer)
        assert answer.status_code in (200, 202, 409), answer.text
        said: dict[str, Any] = answer.json()
        if answer.status_code != 409:
            self.accepted.append(said["event_id"])
        return said

    def task(self, task_id: str) -> dict[str, Any] | None:
        """As a gateway shows it; None when none does now."""
        try:
            with self.members.http(self.chance.choice(self._gateways())) as http:
                answer = http.get(f"/tasks/{task_id}", timeout=ANSWER_SECONDS)
        except AGAIN as error:
            self.unanswered[type(error).__name__] += 1
            return None
        return answer.json() if answer.status_code == 200 else None

    def status(self, task_id: str) -> str | None:
        task = self.task(task_id)
        return None if task is None else task["status"]

    def until_finished(self, task_ids: Sequence[str]) -> None:
        deadline = time.monotonic() + ENDS_SECONDS
        for task_id in task_ids:
            while (status := self.status(task_id)) not in FINISHED:
                assert time.monotonic() < deadline, f"{task_id} is still {status}"
                time.sleep(STEP_SECONDS)

    def _gateways(self) -> list[Member]:
        return [each for each in self.members.all if each.service == "gateway" and each.where]
