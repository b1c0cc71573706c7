"""The jars of Apache Kafka: resolved once by Maven, cached, compared with committed checksums.

`python -m cluster.jars record` writes the checksums anew, after a version in a POM changed.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from cluster.system import JAVA, MAVEN, Unavailable, provide

MAVEN_FOLDER = Path(__file__).parent / "maven"
RESOLVE_TIMEOUT_SECONDS = 600.0
LOOK_AGAIN_SECONDS = 0.2


class WrongJars(Exception):
    """The jars at hand are not the ones this repository names."""


@dataclass(frozen=True)
class Jars:
    """What a program is made of."""

    name: str
    described: Path
    """The folder with its POM and its checksums."""

    @property
    def pom(self) -> Path:
        return self.described / "pom.xml"

    @property
    def checksums(self) -> Path:
        return self.described / "SHA256SUMS"


BROKER = Jars("kafka", MAVEN_FOLDER)
MIRROR_MAKER = Jars("mirror-maker", MAVEN_FOLDER / "mirror")


def kafka_jars(of: Jars = BROKER) -> Path:
    """The folder with exactly the jars that are listed, each as listed."""
    wanted = read_checksums(of)
    folder = cache_folder() / f"{of.name}-{kafka_version(of)}"
    if not folder.exists():
        provide(JAVA, MAVEN)
        with _one_at_a_time():
            if not folder.exists():
                _resolve_into(folder, of, wanted)
    compare(folder, wanted)
    return folder


def cache_folder() -> Path:
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "countermand"


def kafka_version(of: Jars = BROKER) -> str:
    version = ElementTree.parse(of.pom).findtext(".//{*}properties/{*}kafka.version")
    if version is None:
        raise WrongJars(f"{of.pom} names no kafka.version")
    return version


def read_checksums(of: Jars = BROKER) -> dict[str, str]:
    """File name to SHA-256, in the format of `sha256sum`."""
    pairs = (line.split() for line in of.checksums.read_text().splitlines())
    return {name: digest for digest, name in pairs}


def checksums_of(folder: Path) -> dict[str, str]:
    return {
        jar.name: hashlib.sha256(jar.read_bytes()).hexdigest()
        for jar in sorted(folder.glob("*.jar"))
    }


def compare(folder: Path, wanted: Mapping[str, str]) -> None:
    """Raise WrongJars, and name each jar that differs, unless the folder is what is wanted."""
    found = checksums_of(folder)
    wrong = [
        *(f"{name}: missing" for name in wanted.keys() - found.keys()),
        *(f"{name}: not in the list" for name in found.keys() - wanted.keys()),
        *(
            f"{name}: its SHA-256 is {found[name]}, the list says {wanted[name]}"
            for name in wanted.keys() & found.keys()
            if found[name] != wanted[name]
        ),
    ]
    if wrong:
        text = "\n  ".join(sorted(wrong))
        raise WrongJars(
            f"jars in {folder} differ from SHA256SUMS:\n  {text}\n"
            "Remove the folder to resolve them again."
        )


def _resolve_into(folder: Path, of: Jars, wanted: Mapping[str, str]) -> None:
    """Resolve beside the folder, compare, then rename: it is never there half-filled."""
    with tempfile.TemporaryDirectory(prefix="resolving-", dir=folder.parent) as temporary:
        fresh = Path(temporary) / "jars"
        run_maven(of, fresh)
        compare(fresh, wanted)
        fresh.rename(folder)


def run_maven(of: Jars, folder: Path) -> None:
    """Have Maven put all runtime jars of the POM into the folder."""
    command = [
        "mvn",
        "--quiet",
        "--batch-mode",
        "--file",
        str(of.pom),
        "dependency:copy-dependencies",
    ]
    options = ["-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
    try:
        done = subprocess.run(
            [*command, *options],
            cwd=folder.parent,
            capture_output=True,
            text=True,
            timeout=RESOLVE_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as reason:
        raise Unavailable(
            f"Maven did not resolve Kafka's jars within {RESOLVE_TIMEOUT_SECONDS:g} s"
        ) from reason
    if done.returncode != 0:
        errors = [line for line in done.stdout.splitlines() if "ERROR" in line]
        raise Unavailable(
            f"Maven could not resolve Kafka's jars: {(errors or ['no reason given'])[0]}"
        )


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Of several processes that need the jars at once, one resolves them, the others wait."""
    cache_folder().mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + RESOLVE_TIMEOUT_SECONDS
    with (cache_folder() / "resolving.lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as reason:
                if time.monotonic() > deadline:
                    raise Unavailable(f"another process holds {lock.name}") from reason
                time.sleep(LOOK_AGAIN_SECONDS)
        yield


def record(of: Jars) -> None:
    """Resolve afresh and write the checksums of what came."""
    provide(JAVA, MAVEN)
    with tempfile.TemporaryDirectory() as temporary:
        fresh = Path(temporary) / "jars"
        run_maven(of, fresh)
        lines = [f"{digest}  {name}\n" for name, digest in checksums_of(fresh).items()]
    of.checksums.write_text("".join(lines))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["record"]:
            for each in (BROKER, MIRROR_MAKER):
                record(each)
        case _:
            print(kafka_jars())
