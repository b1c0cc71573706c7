"""OS processes: only the commands that the operator named, each under a keeper of its own."""

import asyncio
import codecs
import os
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from events.cancel_events import Survivor
from events.words import Evidence
from services.executor.guardian.client import Gone, Guardian, Tree
from services.executor.runtime import (
    Broke,
    CannotStart,
    Channel,
    Completed,
    Ending,
    Order,
    Stop,
    Stopped,
    SweptAway,
)
from services.executor.runtimes.spawning import spawn
from services.executor.runtimes.wait_status import how_it_ended
from services.executor.settings import Command, ExecutorSettings

CHUNK_CHARACTERS = 65_536
PASSED_ON = ("PATH", "HOME", "LANG", "TZ", "TMPDIR")


class CommandPayload(BaseModel):
    """What a task may say about the command it names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = {}


class Commands:
    """The commands that tasks may name."""

    remote = False

    def __init__(self, guardian: Guardian, settings: ExecutorSettings) -> None:
        self._guardian = guardian
        self._commands = settings.commands

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(self._commands)

    @property
    def problems(self) -> Mapping[str, str]:
        return {}

    def has_own_process(self, kind: str) -> bool:
        return True

    def budget_of(self, kind: str) -> float | None:
        return None

    def secrets_of(self, kind: str) -> Collection[str]:
        return self._commands[kind].secrets

    async def open(self) -> None:
        """Nothing to learn: the settings say it all."""

    async def close(self) -> None:
        """Nothing is kept between runs."""

    async def start(self, order: Order) -> "CommandRun":
        command = self._commands[order.kind]
        payload = checked(order, command)
        pipes = {"stdout": os.pipe(), "stderr": os.pipe()}
        try:
            tree = await spawn(
                self._guardian,
                [*command.argv, *payload.arguments],
                env={**passed_on(), **command.environment, **payload.environment, **order.secrets},
                cwd=str(command.working_directory or Path.cwd()),
                fds={1: pipes["stdout"][1], 2: pipes["stderr"][1]},
            )
        except BaseException:
            for reading, _ in pipes.values():
                os.close(reading)
            raise
        finally:
            for _, writing in pipes.values():
                os.close(writing)
        run = CommandRun(order, tree)
        await run.listen("stdout", pipes["stdout"][0])
        await run.listen("stderr", pipes["stderr"][0])
        return run


def checked(order: Order, command: Command) -> CommandPayload:
    """The payload, if the operator allows what it asks for."""
    try:
        payload = CommandPayload.model_validate(order.payload)
    except ValidationError as error:
        raise CannotStart(f"the payload of a command: {error}", "payload_refused") from None
    if payload.arguments and not command.accepts_arguments:
        raise CannotStart(
            f"{order.kind!r} takes no arguments: its settings don't allow them", "not_allowed"
        )
    refused = payload.environment.keys() - command.accepts_environment
    if refused:
        raise CannotStart(
            f"{order.kind!r} takes no variable {', '.join(sorted(refused))}: its settings name "
            "those that a task may set",
            "not_allowed",
        )
    return payload


def passed_on() -> dict[str, str]:
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ}


class CommandRun:
    """A process and everything it started."""

    def __init__(self, order: Order, tree: Tree) -> None:
        self.ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._order = order
        self._tree = tree
        self._asked = False
        self._forced = False
        self._exited_before_asked = False
        self._listeners: list[asyncio.BaseTransport] = []
        self._heard: list[asyncio.Future[None]] = []
        tree.exited.add_done_callback(self._exited)
        tree.gone.add_done_callback(self._gone)

    def ask(self, stop: Stop) -> None:
        if not self._asked:
            self._asked = True
            self._tree.terminate()

    def force(self, stop: Stop) -> None:
        self._asked = self._forced = True
        self._tree.kill()

    def check(self) -> Survivor | None:
        if self._tree.gone.done():
            return None
        return Survivor(
            executor=f"process-{self._tree.pid}",
            what="process tree",
            pid=self._tree.pid,
            started_at=datetime.fromtimestamp(self._tree.started_at, UTC),
        )

    def answer(self, wait: int, answer: JsonValue) -> None:
        """A process waits for nobody."""

    async def listen(self, channel: Channel, reading: int) -> None:
        """Pass on what it writes."""
        loop = asyncio.get_running_loop()
        heard: asyncio.Future[None] = loop.create_future()
        transport, _ = await loop.connect_read_pipe(
            lambda: _Reader(self._order, channel, heard), os.fdopen(reading, "rb", 0)
        )
        self._listeners.append(transport)
        self._heard.append(heard)

    def _exited(self, exited: "asyncio.Future[int]") -> None:
        self._exited_before_asked = not self._asked

    def _gone(self, gone: "asyncio.Future[Gone]") -> None:
        """The whole tree is gone. What it wrote is in the pipes by now; read it to their end."""
        loop = asyncio.get_running_loop()
        if all(heard.done() for heard in self._heard):
            self._end(gone.result())
        else:
            all_heard = asyncio.gather(*self._heard)
            all_heard.add_done_callback(lambda _: self._end(gone.result()))
            loop.call_later(1.0, all_heard.cancel)

    def _end(self, gone: Gone) -> None:
        for listener in self._listeners:
            listener.close()
        if not self.ended.done():
            self.ended.set_result(self._ending(gone))

    def _ending(self, gone: Gone) -> Ending:
        status = gone.status
        if status is not None and self._exited_before_asked:
            if status != 0:
                return Broke(f"the command ended {how_it_ended(status)}", "command_failed")
            return Completed({"exit_code": 0})
        if self._asked:
            return Stopped(Evidence.KILLED if gone.killed else Evidence.EXITED)
        return SweptAway("its guardian died, or its lease was over")


class _Reader(asyncio.Protocol):
    """One of a process's streams, as text, chunk by chunk."""

    def __init__(self, order: Order, channel: Channel, heard: "asyncio.Future[None]") -> None:
        self._order = order
        self._channel = channel
        self._heard = heard
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def data_received(self, data: bytes) -> None:
        self._pass_on(self._decoder.decode(data))

    def connection_lost(self, error: Exception | None) -> None:
        self._pass_on(self._decoder.decode(b"", final=True))
        if not self._heard.done():
            self._heard.set_result(None)

    def _pass_on(self, text: str) -> None:
        for start in range(0, len(text), CHUNK_CHARACTERS):
            self._order.voice.output(self._channel, text[start : start + CHUNK_CHARACTERS])
