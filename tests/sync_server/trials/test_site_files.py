"""Traits of meters, stations and prices come from files, whole or not at all."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sync_server.__main__ import main
from sync_server.db.engine_io import open_engine, reading
from sync_server.db.migrate_io import migrate
from sync_server.detection.meters.fleet import Role
from sync_server.detection.watch.fleet_store import load_specs
from sync_server.detection.watch.price_store import price_for
from tests.sync_server.town_parts import found_town, new_meter

TRAITS = """meter,peer_class,volume_modulus_m3,volume_resolution_m3,weather,judged_from
M-1,bakery,99999,0.001,,2026-11-01T00:00:00Z
M-2,,,,,
"""
PRICES = """medium,meter_class,valid_from,per_m3,per_kwh,currency,source
water,industrial,2026-01-01T00:00:00Z,4.1,,CNY,tariff 2026
water,industrial,2027-01-01T00:00:00Z,4.5,,CNY,tariff 2027
"""


@pytest.fixture
def place(tmp_path: Path, sqlite_template: Path) -> Path:
    (tmp_path / "server.sqlite3").write_bytes(sqlite_template.read_bytes())
    engine = open_engine(f"sqlite:///{tmp_path / 'server.sqlite3'}")
    migrate(engine)
    with engine.begin() as connection:
        found_town(connection, [new_meter(f"M-{number}") for number in (1, 2, 3)])
    engine.dispose()
    return tmp_path


def run(place: Path, command: str, text: str) -> int:
    file = place / "file.csv"
    file.write_text(text)
    return main(["--data", str(place), command, str(file)])


def test_traits_and_stations_reach_detection(place: Path) -> None:
    codes = [
        run(place, "import-meter-traits", TRAITS),
        run(place, "import-stations", "parent,child\nM-3,M-1\nM-3,M-2\n"),
    ]
    engine = open_engine(f"sqlite:///{place / 'server.sqlite3'}")
    with reading(engine) as connection:
        first, second, station = load_specs(connection)
    engine.dispose()

    assert codes == [0, 0]
    assert (first.peer_class, first.volume_modulus_m3) == ("bakery", 99999.0)
    assert first.judged_from_s == datetime(2026, 11, 1, tzinfo=UTC).timestamp()
    assert (second.peer_class, second.volume_modulus_m3) == ("industrial", None)
    assert (first.parent_id, station.role) == ("M-3", Role.STATION)


def test_the_price_that_holds_is_the_newest_that_has_begun(place: Path) -> None:
    assert run(place, "import-prices", PRICES) == 0

    engine = open_engine(f"sqlite:///{place / 'server.sqlite3'}")
    with reading(engine) as connection:
        new_year = datetime(2027, 1, 1, tzinfo=UTC)
        prices = [
            price_for(connection, "M-1", at)
            for at in (new_year - timedelta(days=400), new_year - timedelta(days=1), new_year)
        ]
    engine.dispose()

    assert [each and each.per_m3 for each in prices] == [None, 4.1, 4.5]


@pytest.mark.parametrize(
    ("command", "text", "complaint"),
    [
        ("import-meter-traits", "meter\nM-9\n", "line 2: meter: 'M-9' is not known; import"),
        (
            "import-meter-traits",
            "meter,volume_modulus_m3\nM-1,1000\nM-2,-1\n",
            "line 3: volume_modulus_m3: -1.0 is not above 0; correct it or leave it empty",
        ),
        ("import-stations", "parent,child\nM-1,M-9\n", "line 2: child: 'M-9' is not in the"),
        ("import-prices", PRICES + "steam,industrial,0,1,,CNY,x\n", "line 4: medium: 'steam'"),
        ("import-prices", PRICES + "water,castle,0,1,,CNY,x\n", "line 4: meter_class: 'castle'"),
        ("import-prices", PRICES + "water,industrial,0,1,,yuan,x\n", "line 4: currency: 'yuan'"),
        ("import-prices", PRICES + "water,industrial,0,,,CNY,x\n", "line 4: per_m3: and per_kwh"),
        ("import-prices", PRICES + "water,industrial,noon,1,,CNY,x\n", "line 4: valid_from: 'no"),
    ],
)
def test_a_file_with_one_bad_row_changes_nothing(
    place: Path, capsys: pytest.CaptureFixture[str], command: str, text: str, complaint: str
) -> None:
    assert run(place, command, text) == 1

    assert f"file.csv: {complaint}" in capsys.readouterr().err
    engine = open_engine(f"sqlite:///{place / 'server.sqlite3'}")
    with reading(engine) as connection:
        assert price_for(connection, "M-1", datetime(2026, 6, 1, tzinfo=UTC)) is None
        assert [each.parent_id for each in load_specs(connection)] == [None] * 3
    engine.dispose()
