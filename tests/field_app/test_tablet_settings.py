"""The tablet's settings file: what a wrong key gets."""

import tomllib
from pathlib import Path

import pytest

from field_app.__main__ import main
from field_app.config import APP_VERSION, TabletConfig
from field_app.config_io import ConfigError, load_config
from field_app.store.record_states import RecordState
from field_app.store.tables import METADATA
from field_app.sync.reasons import Reason

ROOT = Path(__file__).parents[2]


def write(folder: Path, content: str) -> Path:
    path = folder / "tablet.toml"
    path.write_text(content)
    return path


def test_every_key_is_read_and_the_folder_is_beside_the_file(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        '[tablet]\ndata = "kept"\nserver_url = "https://lamp.example.com"\n'
        'device_name = "van 3"\nlanguage = "zh_CN"\ntimezone = "Asia/Shanghai"\n',
    )

    assert load_config(path) == TabletConfig(
        data=tmp_path / "kept",
        server_url="https://lamp.example.com",
        device_name="van 3",
        language="zh_CN",
        timezone="Asia/Shanghai",
    )


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    assert load_config(write(tmp_path, "")) == TabletConfig()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('[tablet]\nserver = "x"', "tablet.server: is not a known key; use one of: data, "),
        ('[server]\nport = "1"', r"server: is not a known section; use \[tablet\]"),
        ("[tablet]\ndata = 3", "tablet.data: is 3, not a text; put it in quotes"),
        ('[tablet]\nlanguage = "de"', "tablet.language: 'de' is not spoken; use 'zh_CN' or 'en'"),
        ('[tablet]\ntimezone = "Mars/Base"', "tablet.timezone: 'Mars/Base' is not known; use an"),
        ('[tablet]\nserver_url = "lamp"', "server_url: 'lamp' is not an address; use an address"),
        ("[tablet]\nserver_url = 'http://['", "is not an address; use an address such as"),
        (f"[tablet]\nserver_url = 'http://{'a' * 64}.de'", "is not an address; use an address"),
        ('[tablet]\ndevice_name = " "', "tablet.device_name: is empty; name the tablet"),
        ("[tablet", "file: is not TOML"),
        ("tablet = 1", r"tablet: is not a table; write \[tablet\] above its keys"),
    ],
)
def test_a_wrong_setting_names_place_field_and_remedy(
    tmp_path: Path, content: str, words: str
) -> None:
    path = write(tmp_path, content)

    with pytest.raises(ConfigError, match=words) as caught:
        load_config(path)

    assert str(caught.value).startswith(str(path))


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["--config", str(tmp_path / "none.toml"), "--headless", "status"])

    assert status == 2
    assert "none.toml: file: does not exist; give the right path" in capsys.readouterr().err


def test_the_app_knows_its_own_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert project["version"] == APP_VERSION


def test_every_setting_is_documented() -> None:
    page = (ROOT / "docs" / "tablet.md").read_text()

    assert [key for key in TabletConfig.__dataclass_fields__ if f"`{key}`" not in page] == []


def test_every_state_reason_and_table_is_documented() -> None:
    page = (ROOT / "docs" / "tablet.md").read_text()
    names = {*RecordState, *Reason, *METADATA.tables}

    assert [name for name in sorted(names) if f"`{name}`" not in page] == []
