"""What import-linter can't say: what a task author's process loads, and what the locks promise."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = ["requirements.lock", "requirements-dev.lock", "requirements-uv.lock"]

# In two halves, so that this file doesn't hold what it looks for.
REGISTRIES = [
    f"{name}.{domain}"
    for name, domain in [
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("pypi", "python.org"),
        ("repo1", "maven.org"),
        ("repo", "maven.apache.org"),
        ("registry", "npmjs.org"),
        ("deb", "debian.org"),
    ]
]


def tracked_files() -> list[Path]:
    """Every file of the repository: committed, or new and not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def sources_of_handlers() -> list[Path]:
    """What a host of task authors' code imports of ours: the package it is in, and the module."""
    face = ROOT / "countermand"
    module, package = face / "handlers.py", face / "handlers"
    return [face / "__init__.py", *([module] if module.exists() else []), *package.rglob("*.py")]


def imported_names(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_text())):
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom(level=0, module=str(module)):
                yield module
            case ast.ImportFrom(level=0 | 1):
                pass  # within countermand/handlers/
            case ast.ImportFrom():
                yield "a parent package"
            case _:
                pass


@pytest.mark.parametrize(
    "source", sources_of_handlers(), ids=lambda path: str(path.relative_to(ROOT))
)
def test_what_task_authors_import_names_only_the_standard_library(source: Path) -> None:
    foreign = {
        name
        for name in imported_names(source)
        if name.split(".")[0] not in sys.stdlib_module_names
        and not f"{name}.".startswith("countermand.handlers.")
    }

    assert foreign == set()


def test_what_task_authors_import_loads_without_any_installed_package() -> None:
    modules = ["countermand", *(["countermand.handlers"] if len(sources_of_handlers()) > 1 else [])]
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); import {', '.join(modules)}; "
        "print(*sys.modules)"
    )

    loaded = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert loaded.returncode == 0, loaded.stderr
    ours = {name for name in loaded.stdout.split() if (ROOT / name.split(".")[0]).is_dir()}
    assert {name for name in ours if not f"{name}.".startswith("countermand.handlers.")} == {
        "countermand"
    }


def test_no_file_names_a_package_registry() -> None:
    pattern = re.compile("|".join(map(re.escape, REGISTRIES)), re.IGNORECASE)

    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in tracked_files()
        if (match := pattern.search(path.read_bytes().decode(errors="replace")))
    ]

    assert found == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_every_package_by_hash_and_names_no_index(lock: str) -> None:
    text = (ROOT / lock).read_text()
    entries = re.findall(r"^[a-z0-9].*(?:\n +--hash=.*)*", text, re.MULTILINE)

    assert entries
    assert [entry for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []
    assert re.findall(r"--(?:extra-)?index-url|--find-links|https?://", text) == []


def test_the_locks_hold_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    runtime = [*project["project"]["dependencies"], *groups["install"]]

    assert unmet(runtime, "requirements.lock") == []
    assert unmet([*runtime, *groups["dev"]], "requirements-dev.lock") == []
    assert unmet(["uv"], "requirements-uv.lock") == []


def test_the_locks_agree() -> None:
    everything = pins("requirements-dev.lock")

    assert pins("requirements.lock").items() <= everything.items()
    assert pins("requirements-uv.lock").items() <= everything.items()


def unmet(requirements: list[str], lock: str) -> list[str]:
    pinned = pins(lock)
    return [
        f"{wanted}: {version}"
        for wanted in map(Requirement, requirements)
        if (version := pinned.get(canonicalize_name(wanted.name))) is None
        or version not in wanted.specifier
    ]


def pins(lock: str) -> dict[str, str]:
    lines = re.findall(
        r"^([a-z0-9][a-z0-9.-]*)==([^\s;]+)", (ROOT / lock).read_text(), re.MULTILINE
    )
    return {canonicalize_name(name): version for name, version in lines}
