"""What the town's map is sent: where meters are once, and after that only those not well."""

from contextlib import closing
from datetime import timedelta

from playwright.sync_api import Browser, expect
from sqlalchemy import Connection, Engine, insert, update

from sync_server.db.asset_tables import METER
from sync_server.db.engine_io import reading
from sync_server.db.reading_tables import READING_LATEST
from sync_server.patrols.inspection_store import CHECKPOINTS, put
from sync_server.patrols.inspection_store import PLANS as ROUTES
from sync_server.web.map_store import map_alerts, map_meter_count, map_meters, silent_meters
from sync_server.web.map_views import LiveSource, StillSource, live_layers, still_layers
from sync_server.work_orders.fact_store import insert_fact
from tests.sync_server.real_parts import NOON
from tests.sync_server.web.browser_parts import Colleague
from tests.sync_server.web.desk_parts import SPOTS, Served, add_spot
from tests.sync_server.web.test_page_values import WORDS
from tests.sync_server.web.test_patrol_progress import PLACES, PLANS, point, run
from wire_contracts.frames import ms_from_utc
from wire_contracts.patrol_facts import PointOutcome

SELDOM_MS = 60_000
"""How often map.js looks by itself."""


def place(connection: Connection, meter_id: str, x_m: float, heard_ago: timedelta | None) -> None:
    """Give a meter a place, and a newest reading so long ago, or none."""
    here = METER.c.meter_id == meter_id
    connection.execute(update(METER).where(here).values(x_m=x_m, y_m=0.0))
    if heard_ago is not None:
        at_ms = ms_from_utc(NOON - heard_ago)
        connection.execute(
            insert(READING_LATEST).values(
                meter_id=meter_id, measured_at_ms=at_ms, gateway_id="gw-1", state="{}"
            )
        )


def test_only_meters_that_are_silent_or_alarmed_are_named_after_the_first_look(
    sqlite_engine: Engine,
) -> None:
    quarter = timedelta(minutes=15)
    with sqlite_engine.begin() as connection:
        for spot in SPOTS[:4]:
            add_spot(connection, spot, NOON)
        place(connection, SPOTS[0].meter_id, 1.0, 3 * quarter)
        place(connection, SPOTS[1].meter_id, 2.0, 3 * quarter + timedelta(seconds=1))
        place(connection, SPOTS[2].meter_id, 3.0, None)

    with reading(sqlite_engine) as connection:
        meters, silent = map_meters(connection), silent_meters(connection, NOON)
        live = LiveSource(
            parts=(),
            meter_count=map_meter_count(connection),
            silent=silent,
            alerts=map_alerts(connection),
            crews=(),
            calls=(),
            crew_names={},
            stops=(),
            seen=(),
            now_utc=NOON,
        )
    placed = sorted(spot.meter_id for spot in SPOTS[:3])
    still = still_layers(StillSource(parts=(), meters=meters, places=()), WORDS)
    shown = live_layers(live, WORDS)

    assert sorted(meters.ids) == placed
    assert sorted(silent) == sorted([SPOTS[1].meter_id, SPOTS[2].meter_id])
    places = [[round(x_m / 111_194.926645, 6), 0.0] for x_m, _ in meters.spots]
    assert still["meters"] == {"ids": list(meters.ids), "at": places}
    assert shown["meters"] == {"count": 3, "alert": placed, "silent": list(silent)}


def test_a_stop_that_no_feed_tells_of_is_drawn_within_a_minute(
    browser: Browser, desk: Served, sqlite_engine: Engine
) -> None:
    with sqlite_engine.begin() as connection:
        put(connection, CHECKPOINTS, [*PLACES.values()], NOON)
        put(connection, ROUTES, [*PLANS.values()], NOON)
        insert_fact(connection, run("r-1", 30))
    with closing(Colleague(browser, desk, "zhou min", "zh")) as room:
        room.page.clock.install()
        room.go("/map")
        expect(room.see("#map")).to_have_attribute("data-ready", "1")
        expect(room.see(".mapsign.stops")).to_have_count(2)
        expect(room.see(".mapsign.stops.done")).to_have_count(0)
        with sqlite_engine.begin() as connection:
            insert_fact(connection, point("r-1", "a", PointOutcome.OK, 1))
        room.page.clock.fast_forward(SELDOM_MS)
        expect(room.see(".mapsign.stops.done")).to_have_text("✓")
        expect(room.see(".mapsign.crews")).to_have_count(1)

        assert room.taken_problems() == []
