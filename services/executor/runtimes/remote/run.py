"""One run on a remote engine: started or found, looked at until it has ended, cancelled if asked.

It is never taken for ended unless the engine said so of this very run. An answer that was lost is
asked for again, under the run's id as the key, so that there is one run, whatever happened.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog
from pydantic import JsonValue

from events.cancel_events import Survivor
from events.words import Evidence
from services.executor.runtime import Broke, Completed, Ending, Order, Stop, Stopped, SweptAway
from services.executor.runtimes.remote.calls import Caller, EngineRefused, Lost, NotAllowed
from services.executor.runtimes.remote.engine import Call, HttpEngine
from services.templates import MissingValue, as_text, value_at

FOR_GOOD = frozenset({400, 404, 405, 410, 413, 422})
"""Refusals that another attempt can't change. Others may be a key that is being renewed."""
CANNOT_CALL = (Lost, EngineRefused, NotAllowed, MissingValue)
HANDLE_LIMIT_CHARACTERS = 1000
"""It is in the history, and in the path of every request about the run."""

log = structlog.get_logger(__name__)


class RemoteRun:
    """`services.executor.runtime.RunHandle`."""

    def __init__(self, order: Order, engine: HttpEngine, caller: Caller) -> None:
        self.ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._order = order
        self._engine = engine
        self._caller = caller
        self._handle: str | None = None
        self._asked = False
        self._forced = False
        self._to_be_sent = False
        """A cancel that the engine hasn't accepted yet."""
        self._told = asyncio.Event()
        self._living = asyncio.create_task(self._live(), name=f"remote run {order.run_id}")
        self._living.add_done_callback(self._over)

    # What the executor says

    def ask(self, stop: Stop) -> None:
        if stop.why == "shutdown":
            self._let_go()
        else:
            self._asked = self._to_be_sent = True
            self._told.set()

    def force(self, stop: Stop) -> None:
        """Ask again, by the engine's own force where it has one."""
        self._forced = stop.why != "shutdown"
        self.ask(stop)

    def check(self) -> Survivor | None:
        if self.ended.done():
            return None
        where = self._handle or "not found yet"
        return Survivor(executor=f"remote {self._order.kind}"[:200], what=f"run {where}"[:200])

    def answer(self, wait: int, answer: JsonValue) -> None:
        """Nothing here waits for anybody: questions are asked in the engine itself."""

    def _let_go(self) -> None:
        """It goes on without this executor."""
        self._living.cancel()

    def _over(self, living: "asyncio.Task[Ending]") -> None:
        if self.ended.done():
            return
        if living.cancelled():
            self.ended.set_result(SweptAway("it goes on, and somebody else adopts it"))
        elif (error := living.exception()) is not None:
            self.ended.set_exception(error)
        else:
            self.ended.set_result(living.result())

    # Its life

    async def _live(self) -> Ending:
        # 1. Its handle: known, or by starting it, which finds it if it has been started.
        known = (self._order.attached or {}).get("id")
        if isinstance(known, str):
            self._handle = known
        else:
            never = await self._started()
            if never is not None:
                return never
            self._order.voice.attached({"id": self._handle})
        # 2. Until the engine says that it has ended; cancelled there, once that is asked.
        pauses = Pauses(self._engine)
        while True:
            self._told.clear()
            if self._to_be_sent:
                await self._cancel()
                pauses.again()
            ending = await self._seen_unless_told()
            if ending is not None:
                return ending
            await self._pause(pauses.next())

    async def _started(self) -> Ending | None:
        """None once its handle is known; else how it is known that it never began."""
        doubtful = self._order.adopted
        pauses = Pauses(self._engine)
        while True:
            if self._asked and not doubtful:
                return Stopped(Evidence.NEVER_STARTED)
            try:
                answer = await self._call(self._engine.start, key=str(self._order.run_id))
                first = as_handle(value_at(self._engine.handle_at, answer))
                self._handle = await self._found(first)
                return None
            except EngineRefused as error:
                if not doubtful:
                    return Broke(str(error), "engine_refused", error.status in FOR_GOOD)
                log.warning("a start is in doubt", task=self._order.task_id, why=str(error))
            except NotAllowed as error:
                if not doubtful:
                    return Broke(str(error), "not_allowed", permanent=True)
            except MissingValue as error:
                if not doubtful and error.path != self._engine.handle_at:
                    return Broke(str(error), "payload_refused", permanent=True)
                doubtful = True
            except Lost as error:
                doubtful = True
                log.warning("a start is in doubt", task=self._order.task_id, why=str(error))
            await self._pause(pauses.next())

    async def _found(self, first: str) -> str:
        """The run's own handle, where a start answers before there is one."""
        find = self._engine.find
        if find is None:
            return first
        pauses = Pauses(self._engine)
        while True:
            try:
                answer = await self._call(find, handle=first)
                return as_handle(value_at(self._engine.found_at, answer))
            except CANNOT_CALL as error:
                log.info("no run yet", task=self._order.task_id, why=str(error))
            await self._pause(pauses.next())

    async def _cancel(self) -> None:
        """Tell the engine; until it has accepted that, it is told again."""
        call = self._engine.cancel
        if self._forced and self._engine.terminate is not None:
            call = self._engine.terminate
        self._to_be_sent = False
        try:
            await self._call(call, handle=self._handle)
        except CANNOT_CALL as error:
            self._to_be_sent = True
            log.warning("a remote cancel failed", task=self._order.task_id, why=str(error))

    async def _seen_unless_told(self) -> Ending | None:
        """A cancel doesn't wait for an engine that is slow to show its runs: a look can be
        repeated."""
        looking, told = asyncio.create_task(self._seen()), asyncio.create_task(self._told.wait())
        try:
            await asyncio.wait((looking, told), return_when=asyncio.FIRST_COMPLETED)
            return looking.result() if looking.done() else None
        finally:
            told.cancel()
            looking.cancel()

    async def _seen(self) -> Ending | None:
        """How it ended, by the engine's own word for this run."""
        engine = self._engine
        try:
            shown = await self._call(engine.status, handle=self._handle)
            word = engine.words.get(str(value_at(engine.word_at, shown)), "running")
        except CANNOT_CALL as error:
            log.warning("a remote run can't be seen", task=self._order.task_id, why=str(error))
            return None
        match word:
            case "running":
                return None
            case "succeeded":
                return Completed(optional(engine.result_at, shown))
            case "cancelled" if self._asked:
                return Stopped(Evidence.REMOTE_ACKNOWLEDGED)
            case "cancelled":
                return Broke("it was cancelled in the remote engine", "cancelled_there", True)
            case _:
                said = optional(engine.error_at, shown)
                why = "the run failed in the remote engine" if said is None else as_text(said)
                return Broke(why, "failed_there")

    async def _call(self, call: Call, handle: str | None = None, key: str | None = None) -> Any:
        return await self._caller.call(self._engine, call, self._values(handle), key)

    def _values(self, handle: str | None) -> Mapping[str, Any]:
        order = self._order
        return {
            "payload": order.payload,
            "secrets": order.secrets,
            "labels": order.labels,
            "run_id": str(order.run_id),
            "task_id": order.task_id,
            "organization": order.organization,
            "attempt": order.attempt,
            "kind": order.kind,
            "handle": handle,
        }

    async def _pause(self, seconds: float) -> None:
        """Until it is time, or something was said."""
        try:
            async with asyncio.timeout(seconds):
                await self._told.wait()
        except TimeoutError:
            return
        self._told.clear()


class Pauses:
    """Ever longer, up to a limit; from the beginning when something new is expected."""

    def __init__(self, engine: HttpEngine) -> None:
        self._first = engine.patience.poll_seconds
        self._limit = max(engine.patience.poll_limit_seconds, self._first)
        self._seconds = self._first

    def next(self) -> float:
        seconds, self._seconds = self._seconds, min(self._seconds * 1.5, self._limit)
        return seconds

    def again(self) -> None:
        self._seconds = self._first


def as_handle(value: Any) -> str:
    if isinstance(value, str | int) and not isinstance(value, bool):
        handle = str(value)
        if 0 < len(handle) <= HANDLE_LIMIT_CHARACTERS:
            return handle
    raise Lost(f"its answer has no id of the run, of at most {HANDLE_LIMIT_CHARACTERS} characters")


def optional(path: str | None, answer: Any) -> Any:
    if path is None:
        return None
    try:
        return value_at(path, answer)
    except MissingValue:
        return None
