"""A setting that is spelled wrong is refused, with the one that was probably meant."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from services.setting_names import UnknownVariable, refusals
from services.settings import Settings, read_settings


def refused(tmp_path: Path, toml: str) -> list[str]:
    path = tmp_path / "countermand.toml"
    path.write_text(toml)
    with pytest.raises(ValidationError) as told:
        read_settings(path)
    return refusals(told.value, Settings)


@pytest.mark.parametrize(
    ("toml", "line"),
    [
        ("[gatewy]\nport = 1", "gatewy: there is no such one; did you mean 'gateway'?"),
        ("regoin = 'eu'", "regoin: there is no such one; did you mean 'region'?"),
        ("[gateway]\nprot = 1", "gateway.prot: there is no such one; did you mean 'port'?"),
        (
            "[executor.commands.x]\nargvv = []\nargv = ['x']",
            "executor.commands.x.argvv: there is no such one; did you mean 'argv'?",
        ),
        (
            "[regions.others.b]\nurl = 'https://b'\nkey = 'hunter2'\nkye = 'hunter2'",
            "regions.others.b.kye: there is no such one; did you mean 'key'?",
        ),
    ],
)
def test_the_nearest_name_is_told(tmp_path: Path, toml: str, line: str) -> None:
    assert refused(tmp_path, toml) == [f"setting {line}"]


def test_what_is_like_nothing_is_told_all_there_are(tmp_path: Path) -> None:
    [line] = refused(tmp_path, "[pulse]\nzzz = 1")

    assert line.startswith("setting pulse.zzz: there is no such one; there are ")
    assert all(name in line for name in type(Settings().pulse).model_fields)


def test_a_variable_of_a_section_that_there_is_not_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COUNTERMAND_GATEWY__PORT", "hunter2")

    with pytest.raises(UnknownVariable, match=r"^COUNTERMAND_GATEWY__PORT: .*'gateway'\?$"):
        read_settings()


def test_a_variable_that_is_like_a_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERMAND_REGOIN", "hunter2")

    with pytest.raises(UnknownVariable, match=r"^COUNTERMAND_REGOIN: .*'region'\?$"):
        read_settings()


def test_variables_of_others_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KEY", "URL", "CONFIG", "SERVICE_HOST", "PORT", "PORT_8000_TCP_ADDR"):
        monkeypatch.setenv(f"COUNTERMAND_{name}", "somebody's")
    monkeypatch.setenv("COUNTERMAND_GATEWAY__PORT", "0")

    assert read_settings().gateway.port == 0
