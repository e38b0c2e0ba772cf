"""What a crew is told of an order's place: where the meter hangs, and what it counted lately."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from sync_server.db.asset_tables import COMMUNITY, METER
from sync_server.db.reading_tables import READING
from wire_contracts.frames import ms_from_utc
from wire_contracts.order_site import Count, OrderSite
from wire_contracts.quantities import Medium, Quantity

_TOTALISERS: dict[Medium, tuple[Quantity, ...]] = {
    Medium.WATER: (Quantity.VOLUME_M3,),
    Medium.GAS: (Quantity.VOLUME_ACTUAL_M3, Quantity.VOLUME_BASE_M3),
    Medium.HEAT: (Quantity.ENERGY_KWH, Quantity.VOLUME_M3),
}
"""What the dial of a meter shows, the likeliest first."""

_AGES = tuple(timedelta(days=days) for days in (30, 14, 7, 3, 2, 1, 0))
"""How long before the order each count is looked for: a month tells the usual use."""

_LATEST_BACK = timedelta(days=32)
"""Monthly readings are the rarest that are taken."""


def site_of(connection: Connection, meter_id: str | None, now_utc: datetime) -> OrderSite | None:
    """Return what is known of the meter's place, None for an order without a known meter."""
    if meter_id is None:
        return None
    joined = METER.join(COMMUNITY, METER.c.community_id == COMMUNITY.c.community_id, isouter=True)
    query = (
        select(METER, COMMUNITY.c.x_m.label("gate_x_m"), COMMUNITY.c.y_m.label("gate_y_m"))
        .select_from(joined)
        .where(METER.c.meter_id == meter_id)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    quantity, counts = _counts(connection, meter_id, Medium(row.medium), now_utc)
    return OrderSite(
        x_m=row.gate_x_m if row.x_m is None else row.x_m,
        y_m=row.gate_y_m if row.y_m is None else row.y_m,
        meter_class=row.meter_class,
        meter_size=row.size,
        quantity=quantity,
        counts=counts,
    )


def _counts(
    connection: Connection, meter_id: str, medium: Medium, now_utc: datetime
) -> tuple[Quantity | None, tuple[Count, ...]]:
    for quantity in _TOTALISERS[medium]:
        found = {
            count.at_ms: count
            for age in _AGES
            if (count := _count_at(connection, meter_id, quantity, now_utc - age)) is not None
        }
        if found:
            return quantity, tuple(found[at_ms] for at_ms in sorted(found))
    return None, ()


def _count_at(
    connection: Connection, meter_id: str, quantity: Quantity, at_utc: datetime
) -> Count | None:
    """Return the newest count at or before a moment, None without one in the month before it."""
    value = READING.c[str(quantity)]
    query = (
        select(READING.c.measured_at_ms, value)
        .where(
            READING.c.meter_id == meter_id,
            READING.c.measured_at_ms <= ms_from_utc(at_utc),
            READING.c.measured_at_ms > ms_from_utc(at_utc - _LATEST_BACK),
            value.is_not(None),
        )
        .order_by(READING.c.measured_at_ms.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else Count(at_ms=row[0], value=row[1])
