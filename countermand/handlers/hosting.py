"""A host's life: import the author's modules, say what was found, wait for work, do it.

The first order decides which kind of host it becomes: one with an event loop, or one that runs sync
handlers in its main thread.
"""

import argparse
import asyncio
import importlib
import json
import os
import signal
import socket
import sys
import traceback
from collections.abc import Sequence
from functools import partial
from types import FrameType
from typing import Any, NoReturn

from . import words
from .async_serving import AsyncHost
from .declaring import BadHandler, Handler, declared
from .ending import leave, vanish
from .sync_serving import READ_BYTES, SyncHost

RESULT_LIMIT_BYTES = 1_000_000
PROBLEM_LINES = 12


def main(channel_fd: int, arguments: Sequence[str]) -> NoReturn:
    options = _parsed(arguments)
    # Meant for whoever sits at the terminal: in here it would hit runs that have nothing to do with
    # it. A handler, not SIG_IGN, which programs that authors start would inherit.
    signal.signal(signal.SIGINT, _nothing)
    os.set_inheritable(channel_fd, False)  # a program that an author starts must not hold it open
    os.register_at_fork(after_in_child=partial(_hang_up, channel_fd))
    channel = socket.socket(fileno=channel_fd)
    channel.setblocking(True)
    for stream in (sys.stdout, sys.stderr):
        # Whoever reads them sees each line when it is written.
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    sys.path[:0] = options.path
    handlers, problems = imported(options.modules)
    channel.sendall(words.line("ready", handlers=handlers_said(handlers), problems=problems))
    serve(channel, handlers, options.result_limit_bytes)


def _hang_up(channel_fd: int) -> None:
    """In a child that an author forked: it goes on in the same code, and must neither speak for the
    run nor take orders that are meant for it. Not just closed: the number would be used again."""
    nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    os.dup2(nothing, channel_fd, inheritable=False)
    os.close(nothing)


def _nothing(signal_number: int, frame: FrameType | None) -> None:
    """Not even interrupted."""


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("host.py", description="Runs task handlers for an executor.")
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="has handlers; is imported")
    parser.add_argument(
        "--path", action="append", default=[], help="a folder to import modules from"
    )
    parser.add_argument("--result-limit-bytes", type=int, default=RESULT_LIMIT_BYTES)
    return parser.parse_args(arguments)


def imported(modules: Sequence[str]) -> tuple[dict[str, Handler], list[dict[str, str]]]:
    """The handlers of these modules, and what is wrong with the others."""
    problems = []
    for name in modules:
        before = dict(declared)
        try:
            importlib.import_module(name)
            for handler in declared.values():
                if handler.takes_payload:
                    handler.model()
        except BadHandler as error:
            problems.append({"module": name, "error": str(error)})
        except BaseException as error:  # noqa: BLE001 - a module may do anything, also call sys.exit
            problems.append({"module": name, "error": _last_lines(error)})
        else:
            continue
        # Half a module's handlers are none: what they need may be missing.
        declared.clear()
        declared.update(before)
    return dict(declared), problems


def _last_lines(error: BaseException) -> str:
    lines = "".join(traceback.format_exception(error)).rstrip().split("\n")
    text = "\n".join(lines[-PROBLEM_LINES:])
    return text[-words.ERROR_CHARACTERS :].encode(errors="replace").decode()


def handlers_said(handlers: dict[str, Handler]) -> dict[str, Any]:
    return {
        name: {
            "mode": handler.mode,
            "isolated": handler.isolated,
            "secrets": list(handler.secrets),
            "stop_within_seconds": handler.stop_within_seconds,
        }
        for name, handler in handlers.items()
    }


def serve(channel: socket.socket, handlers: dict[str, Handler], limit_bytes: int) -> NoReturn:
    """Wait for the first order, then become the host it needs."""
    said = until_first_order(channel)
    handler = handlers.get(json.loads(said.split(b"\n", 1)[0])["handler"])
    if handler is not None and handler.mode == "sync":
        SyncHost(channel, handlers, limit_bytes).serve(said)
    else:
        asyncio.run(_serve_async(channel, handlers, limit_bytes, said))
    leave()


def until_first_order(channel: socket.socket) -> bytes:
    """What the executor says from its first order on. Answers pings; leaves when told to."""
    said = b""
    while True:
        while b"\n" in said:
            line, rest = said.split(b"\n", 1)
            match (words_heard := words.heard(line))["op"]:
                case "run":
                    return said
                case "ping":
                    channel.sendall(words.line("pong", number=words_heard["number"]))
                case "close":
                    leave()
                case _:
                    pass  # about a run that isn't here
            said = rest
        data = channel.recv(READ_BYTES)
        if not data:
            vanish()
        said += data


async def _serve_async(
    channel: socket.socket, handlers: dict[str, Handler], limit_bytes: int, said: bytes
) -> None:
    loop = asyncio.get_running_loop()
    channel.setblocking(False)
    _, host = await loop.create_connection(lambda: AsyncHost(handlers, limit_bytes), sock=channel)
    host.data_received(said)
    await loop.create_future()  # for ever: the process ends with the channel
