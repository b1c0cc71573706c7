"""What must be installed on this machine for the real parts, and how it gets there.

As root on Debian a missing package is installed; anywhere else one line says what to install.
Run as `python -m cluster.system` it does this for all parts at once.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

OLDEST_JAVA = 17
INSTALL_TIMEOUT_SECONDS = 600
ASK_TIMEOUT_SECONDS = 30


class Unavailable(Exception):
    """A real part can't be had on this machine; the text is one line that says what to do."""


@dataclass(frozen=True)
class Program:
    name: str
    package: str
    find: Callable[[], Path | None]


def find_java() -> Path | None:
    """The `java` to run, when it is new enough for the broker."""
    home = os.environ.get("JAVA_HOME")
    found = f"{home}/bin/java" if home else shutil.which("java")
    if found is None or not os.access(found, os.X_OK):
        return None
    asked = subprocess.run(
        [found, "-version"],
        capture_output=True,
        text=True,
        timeout=ASK_TIMEOUT_SECONDS,
        check=False,
    )
    version = re.search(r'version "(\d+)', asked.stderr)
    return Path(found) if version and int(version[1]) >= OLDEST_JAVA else None


def find_maven() -> Path | None:
    found = shutil.which("mvn")
    return Path(found) if found else None


def find_postgres() -> Path | None:
    """The folder with `initdb` and `postgres`; Debian has one a major version, off the PATH."""
    packaged = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3])
    )
    found = packaged[-1] if packaged else shutil.which("initdb")
    return Path(found).parent if found else None


JAVA = Program(f"Java {OLDEST_JAVA} or newer", "openjdk-17-jre-headless", find_java)
MAVEN = Program("Maven", "maven", find_maven)
POSTGRES = Program("PostgreSQL", "postgresql", find_postgres)


def provide(*programs: Program) -> None:
    """Return once all of them are installed; raise Unavailable when that can't be."""
    missing = [program for program in programs if program.find() is None]
    if not missing:
        return
    packages = [program.package for program in missing]
    if not may_install():
        names = ", ".join(program.name for program in missing)
        raise Unavailable(f"missing: {names}. On Debian: sudo apt-get install {' '.join(packages)}")
    _install(packages)
    still_missing = [program.name for program in missing if program.find() is None]
    if still_missing:
        raise Unavailable(
            f"installed {' '.join(packages)}, and still can't find {', '.join(still_missing)}"
        )


def may_install() -> bool:
    return os.geteuid() == 0 and Path("/etc/debian_version").exists()


def _install(packages: Sequence[str]) -> None:
    """Refresh the package lists, then install: on a fresh machine there are none."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        try:
            done = subprocess.run(
                ["apt-get", "--quiet", *command],
                env=environment,
                capture_output=True,
                text=True,
                timeout=INSTALL_TIMEOUT_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as reason:
            raise Unavailable(f"could not install {' '.join(packages)}: {reason}") from reason
        if done.returncode != 0:
            last_line = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise Unavailable(f"apt-get {' '.join(command)} failed: {last_line}")


if __name__ == "__main__":
    try:
        provide(JAVA, MAVEN, POSTGRES)
    except Unavailable as reason:
        sys.exit(str(reason))
