"""A town whose readings are old: the parts that the tests of the archive share."""

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, Table, select, update
from sqlalchemy import func as sql

from sync_server.archive.retention_io import Keeper
from sync_server.archive.tiers import policy_name
from sync_server.db.engine_io import reading
from sync_server.db.reading_tables import READING
from sync_server.readings.reading_store import ReadingStore
from sync_server.work_orders.policy_store import PolicyRow, set_policy
from tests.sync_server.real_parts import NOON
from tests.sync_server.town_parts import batch, found_town, frame, new_meter
from wire_contracts.frames import Batch, Frame
from wire_contracts.quantities import Quantity

VOLUME, FLOW = Quantity.VOLUME_M3, Quantity.FLOW_M3H
SHANGHAI = ZoneInfo("Asia/Shanghai")
METERS = ("M-1", "M-2", "M-3")
OLD = NOON - timedelta(days=150)
"""The first reading: 150 days and a half before the present."""

OLD_DAYS = 3
STEP = timedelta(minutes=90)


def frames_of(meter_id: str, from_utc: datetime, count: int, first_seq: int) -> Iterator[Frame]:
    """Yield readings of a meter that counts up a little each time."""
    chance = random.Random(f"{meter_id} {from_utc}")
    total = 100.0 + (from_utc - OLD) / timedelta(hours=1)
    for number in range(count):
        total += chance.random()
        values = {VOLUME: round(total, 3), FLOW: round(chance.random(), 3)}
        device = meter_id.replace("M-", "D-")
        yield frame(first_seq + number, from_utc + STEP * number, values, device=device)


def old_town(engine: Engine) -> None:
    """Found a town with readings of three days long ago, and of today."""
    with engine.begin() as connection:
        found_town(connection, [new_meter(meter_id) for meter_id in METERS])
    frames: list[Frame] = []
    for meter_id in METERS:
        for start, count in ((OLD, 16 * OLD_DAYS), (NOON - timedelta(hours=6), 4)):
            frames += frames_of(meter_id, start, count, len(frames) + 1)
    store(engine, batch(*frames))


def store(engine: Engine, *batches: Batch) -> None:
    with engine.begin() as connection:
        ReadingStore().store_batches(connection, batches, NOON)


def keep(engine: Engine, **days: int) -> None:
    """Set how many days the tiers stay."""
    with engine.begin() as connection:
        for tier, value in days.items():
            row = PolicyRow(
                name=policy_name(tier),
                valid_from_utc=NOON - timedelta(hours=1),
                value=value,
                source="a test",
                approved_by="director",
            )
            set_policy(connection, row, NOON)


def keeper(engine: Engine, folder: Path | None) -> Keeper:
    return Keeper(engine=engine, folder=folder, zone=SHANGHAI)


def rows(engine: Engine, table: Table = READING) -> Sequence[tuple[object, ...]]:
    with reading(engine) as connection:
        found = connection.execute(select(table).order_by(*table.primary_key.columns))
        return [tuple(row) for row in found]


def count(engine: Engine, table: Table = READING) -> int:
    with reading(engine) as connection:
        found: int = connection.execute(select(sql.count()).select_from(table)).scalar_one()
    return found


def correct(engine: Engine, meter_id: str, at_ms: int, volume_m3: float) -> None:
    """Change a stored reading, as a correction does."""
    with engine.begin() as connection:
        connection.execute(
            update(READING)
            .where(READING.c.meter_id == meter_id, READING.c.measured_at_ms == at_ms)
            .values(volume_m3=volume_m3, revision=2)
        )
