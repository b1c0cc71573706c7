"""The jars of the broker are exactly the listed ones, or the difference has a name."""

from pathlib import Path

import pytest

from cluster import jars


def test_the_listed_jars_are_accepted(tmp_path: Path) -> None:
    (tmp_path / "a.jar").write_bytes(b"a")
    jars.compare(tmp_path, jars.checksums_of(tmp_path))


def test_each_jar_that_differs_is_named(tmp_path: Path) -> None:
    for name in ("same", "changed", "lost"):
        (tmp_path / f"{name}.jar").write_bytes(name.encode())
    wanted = jars.checksums_of(tmp_path)
    (tmp_path / "changed.jar").write_bytes(b"something else")
    (tmp_path / "lost.jar").unlink()
    (tmp_path / "added.jar").write_bytes(b"added")

    with pytest.raises(jars.WrongJars) as raised:
        jars.compare(tmp_path, wanted)

    told = str(raised.value)
    assert "lost.jar: missing" in told
    assert "added.jar: not in the list" in told
    assert f"changed.jar: its SHA-256 is {jars.checksums_of(tmp_path)['changed.jar']}" in told
    assert "same.jar" not in told


def test_the_list_names_the_pinned_broker() -> None:
    assert f"kafka_2.13-{jars.kafka_version()}.jar" in jars.read_checksums()
