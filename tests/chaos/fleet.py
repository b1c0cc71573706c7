"""The executor processes of a chaos test: started, killed, stopped and continued."""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.settings import ROOT


@dataclass
class Member:
    """One executor process."""

    name: str
    process: "subprocess.Popen[bytes]"
    stopped: bool = False


@dataclass
class Fleet:
    """So many executors are meant to be there; some of them may be dead or stopped."""

    socket: Path
    folder: Path
    size: int
    lease_seconds: float
    chance: random.Random
    members: list[Member] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    _born: int = 0

    def start_one(self) -> None:
        self._born += 1
        name = f"executor-{self._born}"
        home = self.folder / name
        home.mkdir()
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.chaos.executor_process",
                str(self.socket),
                str(home),
                name,
                str(self.lease_seconds),
            ],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
        )
        self.members.append(Member(name, process))
        self.done["started"] += 1

    def fill(self) -> None:
        """Nobody missing, nobody stopped."""
        for member in self.members:
            if member.stopped:
                self._signal(member, signal.SIGCONT)
                member.stopped = False
        self.members = [member for member in self.members if member.process.poll() is None]
        while len(self.members) < self.size:
            self.start_one()

    def misfortune(self) -> None:
        """Something bad happens to somebody, or something bad ends."""
        member = self.chance.choice(self.members)
        if member.process.poll() is not None:
            self.members.remove(member)
            self.start_one()
        elif member.stopped:
            self._signal(member, signal.SIGCONT)
            member.stopped = False
            self.done["continued"] += 1
        elif self.chance.random() < 0.5:
            self._signal(member, signal.SIGKILL)
            member.process.wait()
            self.done["killed"] += 1
        else:
            self._signal(member, signal.SIGSTOP)
            member.stopped = True
            self.done["stopped"] += 1

    def end(self) -> None:
        """SIGTERM to all, and wait for them."""
        for member in self.members:
            if member.stopped:
                self._signal(member, signal.SIGCONT)
            self._signal(member, signal.SIGTERM)
        for member in self.members:
            member.process.wait(timeout=30)

    def _signal(self, member: Member, number: signal.Signals) -> None:
        if member.process.poll() is None:
            os.kill(member.process.pid, number)
