"""Zones and their months, from what the ingest keeps, in both databases."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, insert

from sync_server.assets.asset_store import add_meters, map_device, map_new_devices
from sync_server.assets.assets import MeterClass, NewMeter
from sync_server.balances.balance import Measure, Standing, ZoneKind
from sync_server.balances.zone_store import (
    ZoneMonth,
    load_balances,
    load_zones,
    month_before,
)
from sync_server.db.reading_tables import READING, READING_HOURLY
from sync_server.detection.watch.fleet_store import put_children
from wire_contracts.frames import ms_from_utc
from wire_contracts.quantities import Medium, Quantity

SITE = ZoneInfo("Asia/Shanghai")
FIRST = datetime(2026, 9, 30, 16, tzinfo=UTC)
"""The first moment of October in Shanghai."""
LAST = datetime(2026, 10, 31, 16, tzinfo=UTC)
NOW = datetime(2026, 11, 10, 4, tzinfo=UTC)


def meter(meter_id: str, medium: Medium, meter_class: MeterClass) -> NewMeter:
    return NewMeter(
        meter_id=meter_id,
        medium=medium,
        meter_class=meter_class,
        address=f"{meter_id} Lane",
        interval=timedelta(hours=1),
        is_mains_powered=True,
    )


def hour(connection: Connection, meter_id: str, at_utc: datetime, total_m3: float) -> None:
    at_ms = ms_from_utc(at_utc)
    connection.execute(
        insert(READING_HOURLY).values(
            meter_id=meter_id,
            hour_at_ms=at_ms,
            quantity=str(Quantity.VOLUME_M3),
            first_at_ms=at_ms,
            first_m3=total_m3,
            last_at_ms=at_ms,
            last_m3=total_m3,
            reading_count=1,
        )
    )


def energy(
    connection: Connection, meter_id: str, at_utc: datetime, kwh: float, quality: str | None = None
) -> None:
    connection.execute(
        insert(READING).values(
            meter_id=meter_id,
            measured_at_ms=ms_from_utc(at_utc),
            energy_kwh=kwh,
            quality=quality,
            profile="p",
            revision=1,
        )
    )


def seed(connection: Connection) -> None:
    add_meters(
        connection,
        [
            meter("W-IN", Medium.WATER, MeterClass.DMA),
            meter("W-IN2", Medium.WATER, MeterClass.DMA),
            meter("W-A", Medium.WATER, MeterClass.CONSUMER),
            meter("W-B", Medium.WATER, MeterClass.CONSUMER),
            meter("W-X", Medium.WATER, MeterClass.CONSUMER),
            meter("MAKE", Medium.WATER, MeterClass.MAKEUP),
            meter("H-IN", Medium.HEAT, MeterClass.SUBSTATION),
            meter("H-A", Medium.HEAT, MeterClass.SUBSTATION),
        ],
        NOW,
    )
    put_children(
        connection,
        [
            *((each, child) for each in ("W-IN", "W-IN2") for child in ("W-A", "W-B", "W-X")),
            ("MAKE", "H-A"),
            ("H-IN", "H-A"),
        ],
    )
    for meter_id, begin, end in (
        ("W-IN", 1000, 1060),
        ("W-IN2", 0, 50),
        ("W-A", 10, 70),
        ("W-X", 5, 25),
        ("MAKE", 7, 19),
    ):
        hour(connection, meter_id, FIRST, begin)
        hour(connection, meter_id, LAST, end)
    hour(connection, "W-B", FIRST, 3)  # and nothing at the end of the month
    map_new_devices(connection, [("old", "W-X")])
    map_device(connection, "new", "W-X", FIRST + timedelta(days=3))
    for meter_id, first, last in (("H-IN", 100.0, 900.0), ("H-A", 50.0, 750.0)):
        energy(connection, meter_id, FIRST - timedelta(hours=1), first)
        energy(connection, meter_id, FIRST + timedelta(hours=1), first)
        energy(connection, meter_id, LAST, last)
    doubtful = '{"energy_kwh": "suspect_rate"}'
    energy(connection, "H-A", LAST - timedelta(minutes=1), 1e6, doubtful)


def october(engine: Engine) -> dict[str, ZoneMonth]:
    with engine.connect() as connection:
        zones = load_zones(connection)
        found = load_balances(connection, zones, ["2026-10"], (SITE, ms_from_utc(NOW)))
    return {zone_id: months[0] for zone_id, months in found.items()}


def test_zones_are_what_lies_behind_inflows_and_two_inflows_are_one_zone(engine: Engine) -> None:
    with engine.begin() as connection:
        seed(connection)
        zones = load_zones(connection)

    assert [(each.zone_id, each.inflow_ids, each.kind, each.measure) for each in zones] == [
        ("H-IN", ("H-IN",), ZoneKind.DISTRICT, Measure.ENERGY_KWH),
        ("MAKE", ("MAKE",), ZoneKind.FED, Measure.VOLUME_M3),
        ("W-IN", ("W-IN", "W-IN2"), ZoneKind.DISTRICT, Measure.VOLUME_M3),
    ]


def test_a_month_counts_what_was_read_at_both_ends_and_says_what_was_not(engine: Engine) -> None:
    with engine.begin() as connection:
        seed(connection)

    found = october(engine)

    water = found["W-IN"].balance
    assert (water.inflow, water.metered, water.unaccounted) == (110, 60, 50)
    assert (water.counted, water.meters, water.is_whole) == (1, 3, False)
    standing = {each.meter_id: each.standing for each in found["W-IN"].uses}
    assert standing["W-B"] is Standing.NO_READING
    assert standing["W-X"] is Standing.EXCHANGED
    assert found["MAKE"].balance.unaccounted == 12
    assert (found["W-IN"].from_utc, found["W-IN"].to_utc) == (FIRST, LAST)


def test_heat_is_balanced_over_energy_that_nobody_doubts(engine: Engine) -> None:
    with engine.begin() as connection:
        seed(connection)

    heat = october(engine)["H-IN"].balance

    assert (heat.inflow, heat.metered, heat.unaccounted, heat.share) == (800, 700, 100, 0.125)


def test_a_month_that_has_not_begun_is_left_out_and_this_one_ends_now(
    sqlite_engine: Engine,
) -> None:
    with sqlite_engine.begin() as connection:
        seed(connection)
        zones = load_zones(connection)
        months = ["2026-11", "2026-12"]
        found = load_balances(connection, zones, months, (SITE, ms_from_utc(NOW)))

    assert [each.month for each in found["W-IN"]] == ["2026-11"]
    assert found["W-IN"][0].to_utc == NOW


def test_months_are_counted_over_the_turn_of_the_year() -> None:
    assert [month_before("2026-01"), month_before("2026-12", -1), month_before("2026-03", 15)] == [
        "2025-12",
        "2027-01",
        "2024-12",
    ]
