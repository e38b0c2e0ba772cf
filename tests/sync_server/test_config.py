"""The server's settings file and commands: every wrong value is named with its remedy."""

from pathlib import Path

import pytest

from sync_server.__main__ import main
from sync_server.config import ConfigError
from sync_server.config_io import SETTINGS, load_config, parse_config
from sync_server.db.engine_io import open_engine, reading


def test_an_empty_file_is_a_server_on_this_machine(tmp_path: Path) -> None:
    config = parse_config("", place="x.toml", folder=tmp_path)

    assert config.database_url == f"sqlite:///{tmp_path / 'var' / 'server.sqlite3'}"
    assert (config.broker.port, config.public_url) == (1883, "http://127.0.0.1:8000")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[server]\nport = 1", r"server.port: is not a known setting; use one of: cert_file, "),
        ("[server]\nlisten_port = 70000", r"server.listen_port: 70000 is outside 1..65535"),
        ("[server]\nlisten_port = '1'", r"server.listen_port: is '1', not a whole number"),
        ("[server]\ntimezone = 'Mars'", r"server.timezone: 'Mars' is not a zone; use an IANA"),
        ("[server]\nlanguage = 'fr'", r"server.language: 'fr' is not known; use zh or en"),
        ("server = 1", r"server: is 1, not a table; write \[server\] above its keys"),
        ("[mqtt]\ntls = 1", r"mqtt.tls: is 1, not true or false"),
        ("[mqtt]\nhost = 1", r"mqtt.host: is 1, not a text"),
        ("[mqtt]\npassword_file = 'no'", r"mqtt.password_file: .* is not a file"),
        ("[server", r"x.toml: file: is not TOML"),
        ("[surprise]", r"surprise: is not a known setting"),
        ("[database]\nurl = 'mysql://x'", r"database.url: 'mysql' is not a database that is"),
    ],
)
def test_a_wrong_setting_is_named_with_its_remedy(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        parse_config(text, place="x.toml", folder=tmp_path)


def test_a_certificate_needs_its_key(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").touch()
    text = "[mqtt]\ntls = true\ncert_file = 'cert.pem'"

    with pytest.raises(ConfigError, match="stands without its partner"):
        parse_config(text, place="x", folder=tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "none.toml")


def test_every_table_has_settings() -> None:
    assert SETTINGS[""] == set(SETTINGS) - {""}


def test_meters_are_imported_by_command_and_a_bad_row_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    heading = (
        "meter_id,medium,meter_class,size,community_id,address,interval_s,is_mains_powered,"
        "device_serial\n"
    )
    good = tmp_path / "good.csv"
    good.write_text(f"{heading}M-1,gas,industrial,G65,,Gate 3,900,true,GF-1\n")
    bad = tmp_path / "bad.csv"
    bad.write_text(f"{heading}M-2,steam,industrial,G65,,Gate 3,900,true,GF-2\n")

    long = tmp_path / "long.csv"
    long.write_text(f"{heading}M-3,gas,industrial,G65,,{'x' * 401},900,true,GF-3\n")

    done = main(["--data", str(tmp_path), "import-meters", str(good)])
    assert main(["--data", str(tmp_path), "import-meters", str(long)]) == 1
    assert "cannot be used; use at most 400 characters" in capsys.readouterr().err
    refused = main(["--data", str(tmp_path), "import-meters", str(bad)])

    engine = open_engine(f"sqlite:///{tmp_path / 'server.sqlite3'}")
    with reading(engine) as connection:
        meters = connection.exec_driver_sql("SELECT meter_id FROM meter").scalars().all()
    engine.dispose()
    assert (done, refused, list(meters)) == (0, 1, ["M-1"])
    assert (
        "bad.csv: row 2: medium: 'steam' cannot be used; use one of heat, gas, water"
        in capsys.readouterr().err
    )
