"""Trigger.dev, in both forms of its API: the current one, and that of its 2.x clients."""

from typing import Literal

from pydantic import SecretStr

from services.executor.runtimes.remote.engine import (
    Call,
    HeaderSecret,
    HttpEngine,
    Patience,
    Section,
    Word,
)

CURRENT: dict[str, Word] = {
    "COMPLETED": "succeeded",
    "CANCELED": "cancelled",
    "FAILED": "failed",
    "CRASHED": "failed",
    "INTERRUPTED": "failed",
    "SYSTEM_FAILURE": "failed",
    "EXPIRED": "failed",
    "TIMED_OUT": "failed",
}
OLD: dict[str, Word] = {
    "SUCCESS": "succeeded",
    "CANCELED": "cancelled",
    "FAILURE": "failed",
    "TIMED_OUT": "failed",
    "ABORTED": "failed",
    "UNRESOLVED_AUTH": "failed",
    "INVALID_PAYLOAD": "failed",
}


class TriggerDev(Section):
    """A task, or in the old form a job's event, of a Trigger.dev project."""

    type: Literal["trigger.dev"]
    url: str = "https://api.trigger.dev"
    key: HeaderSecret
    task: str
    """The task's identifier; in the old form the event's name."""
    form: Literal["v1", "v2"] = "v2"
    """Of its cancel: `/api/v1/runs/{id}/cancel`, or `/api/v2/...`."""
    patience: Patience = Patience()

    def engine(self) -> HttpEngine:
        return self._current() if self.form == "v2" else self._old()

    def _current(self) -> HttpEngine:
        return HttpEngine(
            headers=self._headers(),
            start=Call(
                url=f"{self._base}/api/v1/tasks/{self.task}/trigger",
                body={
                    "payload": "${payload}",
                    "options": {"idempotencyKey": "${run_id}", "tags": ["countermand"]},
                },
            ),
            status=Call(method="GET", url=f"{self._base}/api/v3/runs/${{handle}}"),
            words=CURRENT,
            error_at="error.message",
            cancel=Call(url=f"{self._base}/api/v2/runs/${{handle}}/cancel"),
            patience=self.patience,
        )

    def _old(self) -> HttpEngine:
        """There an event makes a run, a little later; the event's id makes it one run."""
        return HttpEngine(
            headers=self._headers(),
            start=Call(
                url=f"{self._base}/api/v1/events",
                body={"event": {"id": "${run_id}", "name": self.task, "payload": "${payload}"}},
            ),
            find=Call(method="GET", url=f"{self._base}/api/v2/events/${{handle}}"),
            found_at="runs.0.id",
            status=Call(method="GET", url=f"{self._base}/api/v2/runs/${{handle}}"),
            words=OLD,
            error_at="output.message",
            cancel=Call(url=f"{self._base}/api/v1/runs/${{handle}}/cancel"),
            patience=self.patience,
        )

    @property
    def _base(self) -> str:
        return self.url.rstrip("/")

    def _headers(self) -> dict[str, SecretStr]:
        """As its own clients send them; JSON is said also where there is no body."""
        return {
            "authorization": SecretStr(f"Bearer {self.key.get_secret_value()}"),
            "content-type": SecretStr("application/json"),
        }
