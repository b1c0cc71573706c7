"""Settings that can't be read are named, with what is expected, and not repeated."""

from pathlib import Path

import pytest

from services.settings import read_settings
from services.unreadable_settings import UnreadableSettings


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("COUNTERMAND_WEBHOOKS__ALLOWED_NETWORKS", "10.7.0.0/16"),
        ("COUNTERMAND_REGIONS", '{"others": hunter2}'),
        ("countermand_roles", "hunter2"),
    ],
)
def test_a_variable_that_is_no_json_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    monkeypatch.setenv("COUNTERMAND_GATEWAY__HOST", "127.0.0.1")

    with pytest.raises(
        UnreadableSettings, match=rf"^{variable} isn't JSON .*: write a list as "
    ) as told:
        read_settings()

    assert value not in str(told.value)
    assert "hunter2" not in str(told.value)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'[gateway]\nhost = "127.0.0.1\n', r"at line 2, column 18"),
        (b"[gateway\n", r"at line 1, column 9"),
        (b'region = "\xff"\n', r"its byte 11 isn't UTF-8"),
    ],
    ids=["open_text", "open_section", "no_utf_8"],
)
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "countermand.toml"
    path.write_bytes(content)

    with pytest.raises(UnreadableSettings, match=why) as told:
        read_settings(path)

    assert str(told.value).startswith(f"{path} can't be read as TOML: ")


def test_a_folder_is_no_file_of_settings(tmp_path: Path) -> None:
    with pytest.raises(UnreadableSettings, match="is no file: name a TOML file"):
        read_settings(tmp_path)
