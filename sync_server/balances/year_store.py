"""Owns the balances of a whole year: each zone's months and the year, in parts of some zones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from sqlalchemy import Connection, Engine

from sync_server.balances.zone_store import Zone, ZoneMonth, load_balances, load_zones
from sync_server.batch.database_parts_io import run_over
from sync_server.batch.runner import Done, Runner
from wire_contracts.frames import ms_from_utc

METERS_IN_PART = 2000
"""Meters of a part: 13 bounds of theirs are looked up in about a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class YearPart:
    """Zones whose year is balanced without the others; `now_ms`: what has begun until then."""

    zones: Sequence[Zone]
    year: str
    zone_of_site: tzinfo
    now_ms: int


def load_year(
    engine: Engine,
    connection: Connection,
    year: str,
    site: tuple[tzinfo, datetime],
    by: tuple[Runner, Done],
) -> Sequence[tuple[Zone, Sequence[ZoneMonth]]]:
    """Return every zone with the months of a year that have begun, and last the year itself.

    The year's figures come from the registers at its own bounds: a meter that was exchanged in it
    is in the sums of the other months, and not in that of the year.

    Args:
        engine: The database, for workers outside this process.
        connection: A connection that reads it.
        year: Such as `2026`.
        site: The zone of the site and the present.
        by: Who does the parts, and who is told how many are done.
    """
    zones = load_zones(connection)
    zone_of_site, now_utc = site
    parts = [
        YearPart(zones=some, year=year, zone_of_site=zone_of_site, now_ms=ms_from_utc(now_utc))
        for some in _parts(zones)
    ]
    found: dict[str, Sequence[ZoneMonth]] = {}
    for each in run_over(engine, connection, balance_year, parts, by):
        found.update(each)
    return [(zone, found[zone.zone_id]) for zone in zones]


def balance_year(connection: Connection, part: YearPart) -> Mapping[str, Sequence[ZoneMonth]]:
    """Return zone id -> its months and its year."""
    spans = [*(f"{part.year}-{month:02d}" for month in range(1, 13)), part.year]
    return load_balances(connection, part.zones, spans, (part.zone_of_site, part.now_ms))


def _parts(zones: Sequence[Zone]) -> Sequence[Sequence[Zone]]:
    parts: list[list[Zone]] = []
    count = METERS_IN_PART
    for zone in zones:
        if count >= METERS_IN_PART:
            parts.append([])
            count = 0
        parts[-1].append(zone)
        count += len(zone.meter_ids) + len(zone.inflow_ids)
    return parts
