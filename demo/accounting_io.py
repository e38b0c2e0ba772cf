"""Counts what was sent against what is stored, from the two ends that cannot agree by accident."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, func, select

from demo.places import Places
from sync_server.db.engine_io import reading
from sync_server.db.reading_tables import (
    FRAME_CLONE,
    FRAME_GAP,
    FRAME_LEDGER,
    READING,
    READING_CONFLICT,
)
from sync_server.readings.ledger_store import taken_count


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What one gateway's queue file has given numbers to."""

    gateway_id: str
    epoch: int
    last_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The account of all frames up to a moment.

    Attributes:
        sent: Frames that the gateways numbered.
        stored: Of these, frames the server's ledger holds (refused ones are kept, too).
        refused: Of the stored, frames that lie in quarantine.
        lost: Frames that the ledger does not hold, those a gap record explains among them.
        duplicated: Readings beyond one per meter and instant sent, and frames stored twice.
        readings: Rows in the table of readings.
    """

    sent: int
    stored: int
    refused: int
    lost: int
    duplicated: int
    readings: int


def look_at_queues(places: Places, gateway_ids: Sequence[str]) -> list[Sent]:
    """Return what every gateway has numbered so far, read from its queue file."""
    found: list[Sent] = []
    for gateway_id in gateway_ids:
        file = places.gateway_folder(gateway_id) / "queue.sqlite3"
        if file.exists():
            found.append(_look_at(gateway_id, file))
    return found


def _look_at(gateway_id: str, file: Path) -> Sent:
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10) as connection:
        meta = dict(connection.execute("SELECT name, value FROM meta").fetchall())
    connection.close()
    return Sent(gateway_id=gateway_id, epoch=meta["epoch"], last_seq=meta["last_seq"])


def missing_frames(engine: Engine, sent: Sequence[Sent]) -> int:
    """Return how many numbered frames the server neither holds nor has explained as a gap."""
    return sum(each.last_seq - sum(_held(engine, each)[:2]) for each in sent)


def _held(engine: Engine, sent: Sent) -> tuple[int, int, int]:
    """Return frames held, frames explained as gone, and frames refused, up to the last number."""
    ledger = FRAME_LEDGER.c
    gap = FRAME_GAP.c
    with reading(engine) as connection:
        held = taken_count(connection, sent.gateway_id, sent.epoch, sent.last_seq)
        refused = connection.execute(
            select(func.count(ledger.refused_code)).where(
                ledger.gateway_id == sent.gateway_id,
                ledger.epoch == sent.epoch,
                ledger.seq <= sent.last_seq,
            )
        ).scalar_one()
        explained = connection.execute(
            select(func.coalesce(func.sum(gap.lost_count), 0)).where(
                gap.gateway_id == sent.gateway_id, gap.epoch == sent.epoch
            )
        ).scalar_one()
    return held, int(explained), int(refused)


def distinct_instants(places: Places, sent: Sequence[Sent]) -> int:
    """Return how many (device, instant) pairs the queue files hold up to their last numbers."""
    query = (
        "SELECT count(*) FROM (SELECT DISTINCT json_extract(body, '$.d'), json_extract(body, '$.t')"
        " FROM frame WHERE gap_first IS NULL AND seq <= ?)"
    )
    total = 0
    for each in sent:
        file = places.gateway_folder(each.gateway_id) / "queue.sqlite3"
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10) as connection:
            total += connection.execute(query, (each.last_seq,)).fetchone()[0]
        connection.close()
    return total


def close_account(
    engine: Engine, places: Places, sent: Sequence[Sent], first_live_ms: int
) -> Account:
    """Return the account of what was sent up to the given numbers.

    Readings from `first_live_ms` on are counted against the distinct instants in the queue files:
    more rows than instants would mean that something was stored twice.
    """
    stored = refused = 0
    for each in sent:
        held, _explained, rejected = _held(engine, each)
        stored += held
        refused += rejected
    total = sum(each.last_seq for each in sent)
    with reading(engine) as connection:
        readings = connection.execute(select(func.count()).select_from(READING)).scalar_one()
        live = connection.execute(
            select(func.count()).where(
                READING.c.measured_at_ms >= first_live_ms,
                READING.c.profile.not_like("import%"),
            )
        ).scalar_one()
        strange = sum(
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (FRAME_CLONE, READING_CONFLICT)
        )
    surplus = max(0, int(live) - distinct_instants(places, look_again(places, sent)))
    return Account(
        sent=total,
        stored=stored,
        refused=refused,
        lost=total - stored,
        duplicated=surplus + int(strange),
        readings=int(readings),
    )


def look_again(places: Places, sent: Sequence[Sent]) -> list[Sent]:
    """Return the present numbers of the same gateways: the server may be ahead of a snapshot."""
    return look_at_queues(places, [each.gateway_id for each in sent])
