"""A run of a handler: what its executor tells it, and what it says, through the host it is in."""

import asyncio
from typing import Any, Protocol

from pydantic import JsonValue

from events.cancel_events import Survivor
from services.executor.runtime import Ending, Order, Stop
from services.executor.runtimes import host_words


class ItsHost(Protocol):
    """What a run needs of the process that it is in."""

    def send(self, words: dict[str, Any]) -> None: ...

    def condemn(self, *, at_once: bool) -> None:
        """A run in there must end by force: at once, or when no neighbour is harmed by it."""
        ...

    def survivor(self) -> Survivor:
        """The process, as what is still alive."""
        ...


class HandlerRun:
    """`services.executor.runtime.RunHandle`, in a host."""

    def __init__(self, order: Order, host: ItsHost) -> None:
        self.order = order
        self.ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self.stop: Stop | None = None
        self.overdue = False
        """Its grace is over, and it may be killed as soon as nobody else is hit."""
        self._host = host

    def ask(self, stop: Stop) -> None:
        if self.stop is None and not self.ended.done():
            self._host.send(host_words.stop(self.order, stop))
        self.stop = stop

    def force(self, stop: Stop) -> None:
        self.stop = stop
        self.overdue = True
        if not self.ended.done():
            self._host.condemn(at_once=stop.forced)

    def check(self) -> Survivor | None:
        return None if self.ended.done() else self._host.survivor()

    def answer(self, wait: int, answer: JsonValue) -> None:
        self._host.send(host_words.answer(self.order, wait, answer))

    def heard(self, said: dict[str, Any]) -> None:
        """What the host passes on while the run goes on."""
        voice = self.order.voice
        match said["op"]:
            case "progress":
                voice.progress(said.get("fraction"), said.get("step") or "")
            case "output":
                voice.output("chunk", said["content"])
            case "waiting":
                voice.waiting(said["wait"], said.get("question") or "")
            case "submit":
                call = said["call"]

                def answer(task_id: str | None, error: str | None) -> None:
                    self._host.send(host_words.submitted(self.order, call, task_id, error))

                voice.submit(said["task"], answer)
            case _:
                pass  # A newer host's words; this release doesn't need them.

    def end(self, ending: Ending) -> None:
        if not self.ended.done():
            self.ended.set_result(ending)
