"""Owns the price table: what a cubic metre or a kilowatt-hour is worth, by medium and class."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from sync_server.assets.assets import MeterClass
from sync_server.db.asset_tables import METER
from sync_server.db.detection_tables import PRICE
from sync_server.detection.telling.effects import Price
from wire_contracts.frames import ms_from_utc
from wire_contracts.quantities import Medium


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRow:
    """One version of one price, with who says so."""

    medium: Medium
    meter_class: MeterClass
    valid_from_utc: datetime
    price: Price
    source: str


def put_price(connection: Connection, row: PriceRow) -> None:
    """Store a version of a price; one of the same day is replaced, former ones stay."""
    values: dict[str, str | int | float | None] = {
        "medium": str(row.medium),
        "meter_class": str(row.meter_class),
        "valid_from_ms": ms_from_utc(row.valid_from_utc),
        "per_m3": row.price.per_m3,
        "per_kwh": row.price.per_kwh,
        "currency": row.price.currency,
        "source": row.source,
    }
    make = postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert
    connection.execute(
        make(PRICE)
        .values(values)
        .on_conflict_do_update(index_elements=list(PRICE.primary_key.columns), set_=values)
    )


def price_for(connection: Connection, meter_id: str, now_utc: datetime) -> Price | None:
    """Return the price that holds now for the meter's medium and class, None without a row."""
    row = connection.execute(
        select(PRICE.c.per_m3, PRICE.c.per_kwh, PRICE.c.currency)
        .join(
            METER, (METER.c.medium == PRICE.c.medium) & (METER.c.meter_class == PRICE.c.meter_class)
        )
        .where(METER.c.meter_id == meter_id, PRICE.c.valid_from_ms <= ms_from_utc(now_utc))
        .order_by(PRICE.c.valid_from_ms.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else Price(per_m3=row[0], per_kwh=row[1], currency=row[2])
