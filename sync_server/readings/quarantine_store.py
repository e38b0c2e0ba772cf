"""Owns the quarantine: what could not be used, verbatim, until a person adopts it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from sync_server.db.feed_store import Topic, append_feed
from sync_server.db.reading_tables import FRAME_LEDGER, QUARANTINE
from sync_server.readings.arrivals import FrameKey, Refused, hash_bytes
from wire_contracts.codes import Code
from wire_contracts.frames import ms_from_utc, utc_from_ms

WHOLE_PAYLOAD = 0
"""Epoch and seq of a payload that could not be taken apart; real seqs begin at 1."""

MAX_WHOLE_PAYLOADS = 1000
"""Different unreadable payloads kept per gateway; they carry no seq, so nothing is promised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinedGroup:
    """What lies in quarantine of one device of one gateway, for one reason.

    `device_serial` is None when not even the device could be read. `example` is the newest
    reason in full.
    """

    gateway_id: str
    device_serial: str | None
    code: Code
    example: str
    frame_count: int
    first_at_utc: datetime | None
    last_at_utc: datetime | None
    received_at_utc: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One frame as it lies in quarantine."""

    quarantine_id: int
    key: FrameKey
    payload_hash: int
    body: bytes
    received_at_ms: int


def keep_refused(
    connection: Connection, refused: Sequence[Refused], received_at_utc: datetime
) -> None:
    """Put frames into quarantine; one that lies there already is counted, not kept twice."""
    received_at_ms = ms_from_utc(received_at_utc)
    make = postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert
    for item in refused:
        connection.execute(
            make(QUARANTINE)
            .values(
                gateway_id=item.key.gateway_id,
                epoch=item.key.epoch,
                seq=item.key.seq,
                payload_hash=item.payload_hash,
                device_serial=item.device_serial,
                measured_at_ms=item.measured_at_ms,
                code=str(item.code),
                reason=item.reason,
                body=item.body,
                received_at_ms=received_at_ms,
                seen_count=1,
            )
            .on_conflict_do_update(
                index_elements=["gateway_id", "epoch", "seq", "payload_hash"],
                set_={"seen_count": QUARANTINE.c.seen_count + 1},
            )
        )
    for ref_id in sorted({item.device_serial or item.key.gateway_id for item in refused}):
        append_feed(connection, Topic.QUARANTINE, ref_id, received_at_utc)


def keep_payload(  # noqa: PLR0913  # the payload, where it came from, and why it was refused
    connection: Connection,
    *,
    gateway_id: str,
    payload: bytes,
    code: Code,
    reason: str,
    received_at_utc: datetime,
) -> None:
    """Keep a whole MQTT payload that could not be taken apart; it cannot be acknowledged."""
    kept: int = connection.execute(
        select(func.count())
        .select_from(QUARANTINE)
        .where(QUARANTINE.c.gateway_id == gateway_id, QUARANTINE.c.seq == WHOLE_PAYLOAD)
    ).scalar_one()
    if kept >= MAX_WHOLE_PAYLOADS:
        return
    refused = Refused(
        key=FrameKey(gateway_id=gateway_id, epoch=WHOLE_PAYLOAD, seq=WHOLE_PAYLOAD),
        payload_hash=hash_bytes(payload),
        code=code,
        reason=reason,
        body=payload,
    )
    keep_refused(connection, [refused], received_at_utc)


def list_quarantine(connection: Connection) -> Sequence[QuarantinedGroup]:
    """Return what waits for a person, by gateway, device and reason, newest first."""
    grouped = (
        select(
            QUARANTINE.c.gateway_id,
            QUARANTINE.c.device_serial,
            QUARANTINE.c.code,
            func.max(QUARANTINE.c.quarantine_id).label("newest_id"),
            func.count().label("frame_count"),
            func.min(QUARANTINE.c.measured_at_ms).label("first_ms"),
            func.max(QUARANTINE.c.measured_at_ms).label("last_ms"),
        )
        .where(QUARANTINE.c.adopted_at_ms.is_(None))
        .group_by(QUARANTINE.c.gateway_id, QUARANTINE.c.device_serial, QUARANTINE.c.code)
        .subquery()
    )
    rows = connection.execute(
        select(grouped, QUARANTINE.c.reason, QUARANTINE.c.received_at_ms)
        .join(QUARANTINE, QUARANTINE.c.quarantine_id == grouped.c.newest_id)
        .order_by(grouped.c.newest_id.desc())
    )
    return [
        QuarantinedGroup(
            gateway_id=row.gateway_id,
            device_serial=row.device_serial,
            code=Code(row.code),
            example=row.reason,
            frame_count=row.frame_count,
            first_at_utc=None if row.first_ms is None else utc_from_ms(row.first_ms),
            last_at_utc=None if row.last_ms is None else utc_from_ms(row.last_ms),
            received_at_utc=utc_from_ms(row.received_at_ms),
        )
        for row in rows
    ]


def find_kept(
    connection: Connection, *, device_serial: str | None = None, gateway_id: str | None = None
) -> Sequence[Kept]:
    """Return the frames in quarantine of a device, of a gateway, or of both, oldest first."""
    conditions = [QUARANTINE.c.adopted_at_ms.is_(None), QUARANTINE.c.seq != WHOLE_PAYLOAD]
    if device_serial is not None:
        conditions.append(QUARANTINE.c.device_serial == device_serial)
    if gateway_id is not None:
        conditions.append(QUARANTINE.c.gateway_id == gateway_id)
    rows = connection.execute(
        select(QUARANTINE).where(and_(*conditions)).order_by(QUARANTINE.c.quarantine_id)
    )
    return [
        Kept(
            quarantine_id=row.quarantine_id,
            key=FrameKey(gateway_id=row.gateway_id, epoch=row.epoch, seq=row.seq),
            payload_hash=row.payload_hash,
            body=row.body,
            received_at_ms=row.received_at_ms,
        )
        for row in rows
    ]


def mark_adopted(connection: Connection, kept: Sequence[Kept], now_utc: datetime) -> None:
    """Record that these frames became readings; they stay as they came."""
    for start in range(0, len(kept), 400):
        chunk = kept[start : start + 400]
        connection.execute(
            update(QUARANTINE)
            .where(QUARANTINE.c.quarantine_id.in_([each.quarantine_id for each in chunk]))
            .values(adopted_at_ms=ms_from_utc(now_utc))
        )
        is_theirs = or_(
            *(
                and_(
                    FRAME_LEDGER.c.gateway_id == each.key.gateway_id,
                    FRAME_LEDGER.c.epoch == each.key.epoch,
                    FRAME_LEDGER.c.seq == each.key.seq,
                    FRAME_LEDGER.c.payload_hash == each.payload_hash,
                )
                for each in chunk
            )
        )
        connection.execute(update(FRAME_LEDGER).where(is_theirs).values(refused_code=None))
