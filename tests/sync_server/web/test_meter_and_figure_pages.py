"""Meter, raw frames, neighbours, balances and figures over real HTTP, from one database."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from httpx import Client
from sqlalchemy import Connection, Engine, insert

from sync_server.assets.asset_store import map_device
from sync_server.db.detection_tables import METER_NOTE
from sync_server.db.reading_tables import READING, READING_HOURLY, READING_LATEST
from sync_server.detection.watch.fleet_store import put_children
from sync_server.detection.watch.round_store import await_rounds, note_good_round
from sync_server.readings.raw_words import pack_groups
from tests.sync_server.real_parts import NOON, HandClock
from tests.sync_server.web.desk_parts import PASSWORD, Served
from wire_contracts.frames import ms_from_utc

DAY = timedelta(days=1)
METER = "WM-204418"
INFLOW = "DMA-03"
MONTH = NOON.astimezone(ZoneInfo("Asia/Shanghai")).replace(
    day=1, hour=0, minute=0, second=0, microsecond=0
)
"""The first moment of the present month on the site."""


@pytest.fixture
def client(desk: Served, sqlite_engine: Engine) -> Iterator[Client]:
    with sqlite_engine.begin() as connection:
        put_children(connection, [(INFLOW, METER), (INFLOW, "WM-208220")])
        map_device(connection, "SN-NEW", METER, NOON - 90 * DAY)
        _note_vacant(connection)
        for days, total_m3 in ((2, 100.0), (1, 160.0), (0, 163.5)):
            _reading(connection, NOON - days * DAY, total_m3)
        _latest(connection)
        for meter_id, begin_m3, end_m3 in ((INFLOW, 1000.0, 1090.0), (METER, 100.0, 163.5)):
            _hour(connection, meter_id, MONTH, begin_m3)
            _hour(connection, meter_id, NOON, end_m3)
    headers = {"Origin": desk.base_url, "Accept": "text/html"}
    with Client(base_url=desk.base_url, headers=headers, timeout=60) as found:
        found.post("/login", data={"login": "zhou min", "password": PASSWORD})
        yield found


def _note_vacant(connection: Connection) -> None:
    connection.execute(
        insert(METER_NOTE).values(
            meter_id=METER,
            kind="vacant",
            from_ms=ms_from_utc(NOON - 5 * DAY),
            source="the caretaker",
            noted_at_ms=1,
            noted_by="x",
        )
    )


def _reading(connection: Connection, at_utc: datetime, total_m3: float) -> None:
    connection.execute(
        insert(READING).values(
            meter_id=METER,
            measured_at_ms=ms_from_utc(at_utc),
            volume_m3=total_m3,
            quality='{"flow_m3h": "bad_timeout"}',
            profile="tuf_2000m@3",
            revision=3,
            raw=pack_groups({"totals": bytes.fromhex("00ffbeef")}),
        )
    )


def _latest(connection: Connection) -> None:
    connection.execute(
        insert(READING_LATEST).values(
            meter_id=METER,
            measured_at_ms=ms_from_utc(NOON),
            valued_at_ms=ms_from_utc(NOON - DAY),
            gateway_id="gw-07",
            state='{"volume_m3": [163.5, 1797248700000, null]}',
        )
    )


def _hour(connection: Connection, meter_id: str, at_utc: datetime, total_m3: float) -> None:
    at_ms = ms_from_utc(at_utc)
    connection.execute(
        insert(READING_HOURLY).values(
            meter_id=meter_id,
            hour_at_ms=at_ms,
            quantity="volume_m3",
            first_at_ms=at_ms,
            first_m3=total_m3,
            last_at_ms=at_ms,
            last_m3=total_m3,
            flow_max_m3h=0.77,
            reading_count=1,
        )
    )


def test_a_meter_tells_where_its_readings_come_from_and_what_hung_there(client: Client) -> None:
    page = client.get(f"/meters/{METER}?days=400&show=volume_m3").text

    for words in ("gw-07", "tuf_2000m@3", "SN-NEW", f"SN-{METER}", "vacant", "the caretaker"):
        assert words in page
    assert f'href="/balances/{INFLOW}"' in page
    assert "3 points, each of 4 h" in page
    assert 'class="warn"' in page  # the last good reading is a day old, the meter tells quarterly
    assert "Neighbours" in page


def test_raw_frames_show_values_codes_and_words_and_go_back_in_time(client: Client) -> None:
    newest = client.get(f"/meters/{METER}/raw").text
    before = client.get(f"/meters/{METER}/raw?before={ms_from_utc(NOON - DAY)}").text
    missing = client.get("/meters/nobody/raw")

    assert newest.count("00ff beef") == 3
    assert "volume_m3 163.5" in newest
    assert "bad_timeout" in newest
    assert before.count("00ff beef") == 1
    assert missing.status_code == 404


def test_the_evidence_shows_the_neighbours_with_their_alerts(
    client: Client, alert_ids: dict[str, str]
) -> None:
    panel = client.get(f"/alerts/{alert_ids['WM-208220']}/panel").text

    assert "Neighbours" in panel
    assert f'href="/meters/{METER}"' in panel
    assert "0.77 m³/h" in panel
    assert "Slow leak" in panel


def test_a_balance_leads_from_the_zone_to_the_register(client: Client) -> None:
    zones = client.get("/balances").text
    zone = client.get(f"/balances/{INFLOW}").text
    file = client.get(f"/balances/{INFLOW}.csv").content.decode("utf-8-sig").splitlines()

    assert "90 m³" in zones
    assert "63.5 m³" in zones
    assert "≤ 26.5 m³" in zones
    assert "1 of 2 meters" in zones
    assert f'href="/meters/{METER}?days=400&amp;show=volume_m3"' in zone
    assert "no reading at a bound" in zone
    assert file[0] == 'Meter,"At the beginning, m³","At the end, m³","Used, m³",How it counts'
    assert [line.split(",")[0] for line in file[1:3]] == [INFLOW, "WM-208220"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/balances/nobody", 404),
        ("/balances?month=2099-01", 400),
        ("/balances?month=soon", 400),
        ("/figures?period=soon", 400),
    ],
)
def test_what_is_no_zone_and_no_month_is_refused(client: Client, path: str, status: int) -> None:
    assert client.get(path).status_code == status


def test_the_figures_count_what_the_desk_was_asked(client: Client) -> None:
    page = client.get(f"/figures?period={MONTH.year}").text

    assert "Top ten bad actors" in page
    assert "Stale alerts" in page
    assert ">10</b>" in page


def test_every_page_says_when_detection_stands_still_and_the_figures_since_when(
    client: Client, sqlite_engine: Engine, clock: HandClock
) -> None:
    with sqlite_engine.begin() as connection:
        await_rounds(connection, NOON - timedelta(minutes=135), anew=False)
        await_rounds(connection, NOON, anew=False)
    never = client.get("/map").text
    with sqlite_engine.begin() as connection:
        note_good_round(connection, NOON)
    good = client.get("/figures").text
    clock.advance(hours=2, minutes=15)
    late = [client.get(path).text for path in ("/figures", "/meters", "/requests")]

    assert "No look at the meters has ended well yet" in never
    assert 'id="undetected" role="alert" hidden' in good
    assert '<b class="">12:00</b>' in good
    assert '<b class="danger">12:00</b>' in late[0]
    assert ["The last good look at the meters was at 12:00" in page for page in late] == [True] * 3


def test_silent_meters_are_a_list_of_their_own(client: Client) -> None:
    everything = client.get("/meters").text
    silent = client.get("/meters?state=silent").text

    assert "Silent 10" in everything
    assert f"/meters/{METER}" in silent  # its last value is a day old
