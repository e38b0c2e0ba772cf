"""Owns the signed orders to gateways: what is still to be sent, and what came back."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, func, insert, select, update

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.db.gateway_tables import GATEWAY_ORDER
from sync_server.gateways.schedule import is_final, next_send
from wire_contracts.fields import JsonObject
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.gateway_commands import (
    ApplyConfig,
    Command,
    CommandKind,
    CommandResult,
    SignedText,
    dump_result,
    dump_signed,
    parse_result,
)
from wire_contracts.payloads import pack, read_json

MAX_DUE = 20
"""Orders published in one turn of the ingest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueOrder:
    """An order that is to be published now, as its payload."""

    command_id: str
    gateway_id: str
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRecord:
    """An order as it is kept.

    Attributes:
        command_id: Its id.
        gateway_id: Whom it is for.
        kind: What is ordered.
        number: Of a configuration revision.
        ordered_by: Who ordered it.
        created_at_utc: When it was signed.
        expires_at_utc: From then on gateways refuse it.
        sent_count: How often it was published.
        result: The last answer, None while there is none.
    """

    command_id: str
    gateway_id: str
    kind: CommandKind
    number: int | None
    ordered_by: str
    created_at_utc: datetime
    expires_at_utc: datetime
    sent_count: int
    result: CommandResult | None

    @property
    def is_ended(self) -> bool:
        """Whether the gateway has said the last word."""
        return self.result is not None and is_final(self.result.outcome)


def next_number(connection: Connection, gateway_id: str) -> int:
    """Return the number of the next configuration revision of a gateway."""
    query = select(func.max(GATEWAY_ORDER.c.number)).where(GATEWAY_ORDER.c.gateway_id == gateway_id)
    return int(connection.execute(query).scalar_one() or 0) + 1


def add_order(
    connection: Connection, command: Command, signed: SignedText, now_utc: datetime
) -> None:
    """Keep a signed order; the ingest publishes it until it is answered or has expired."""
    number = command.order.number if isinstance(command.order, ApplyConfig) else None
    connection.execute(
        insert(GATEWAY_ORDER).values(
            command_id=command.command_id,
            gateway_id=command.gateway_id,
            kind=str(command.kind),
            number=number,
            ordered_by=command.by,
            created_at_ms=ms_from_utc(command.created_at_utc),
            expires_at_ms=ms_from_utc(command.expires_at_utc),
            envelope=dump_signed(signed).decode(),
            sent_count=0,
            next_send_at_ms=ms_from_utc(now_utc),
        )
    )
    detail: JsonObject = {
        "gateway": command.gateway_id,
        "do": str(command.kind),
        "number": number,
        "key": signed.key_id,
        "sha256": hashlib.sha256(signed.body.encode()).hexdigest(),
    }
    event = AuditEvent(
        actor=command.by, action="gateway.order", subject=command.command_id, detail=detail
    )
    append_audit(connection, event, now_utc)


def due_orders(connection: Connection, now_utc: datetime) -> Sequence[DueOrder]:
    """Return the orders that are to be published now, the longest due first."""
    now_ms = ms_from_utc(now_utc)
    rows = connection.execute(
        select(GATEWAY_ORDER.c.command_id, GATEWAY_ORDER.c.gateway_id, GATEWAY_ORDER.c.envelope)
        .where(GATEWAY_ORDER.c.next_send_at_ms <= now_ms, GATEWAY_ORDER.c.expires_at_ms > now_ms)
        .order_by(GATEWAY_ORDER.c.next_send_at_ms)
        .limit(MAX_DUE)
    )
    return [
        DueOrder(
            command_id=row.command_id,
            gateway_id=row.gateway_id,
            payload=pack(row.envelope.encode()),
        )
        for row in rows
    ]


def mark_sent(connection: Connection, orders: Sequence[DueOrder], now_utc: datetime) -> None:
    """Remember that the orders were published; each goes again later unless it is answered."""
    for order in orders:
        is_it = GATEWAY_ORDER.c.command_id == order.command_id
        sent = connection.execute(select(GATEWAY_ORDER.c.sent_count).where(is_it)).scalar_one() + 1
        connection.execute(
            update(GATEWAY_ORDER)
            .where(is_it, GATEWAY_ORDER.c.next_send_at_ms.is_not(None))
            .values(sent_count=sent, next_send_at_ms=ms_from_utc(next_send(sent, now_utc)))
        )


def hurry(connection: Connection, gateway_id: str, now_utc: datetime) -> None:
    """Have the open orders of a gateway published at once: it has just come back."""
    connection.execute(
        update(GATEWAY_ORDER)
        .where(
            GATEWAY_ORDER.c.gateway_id == gateway_id,
            GATEWAY_ORDER.c.next_send_at_ms.is_not(None),
        )
        .values(next_send_at_ms=ms_from_utc(now_utc))
    )


def note_result(connection: Connection, result: CommandResult, now_utc: datetime) -> bool:
    """Keep a gateway's answer; return whether it said something new.

    An answer to an order of another gateway, or after the last word, changes nothing.
    """
    is_it = GATEWAY_ORDER.c.command_id == result.command_id
    row = connection.execute(
        select(GATEWAY_ORDER).where(is_it, GATEWAY_ORDER.c.gateway_id == result.gateway_id)
    ).one_or_none()
    if row is None or row.next_send_at_ms is None:
        return False
    is_new = bool(row.outcome != str(result.outcome))
    again_ms = ms_from_utc(next_send(row.sent_count, now_utc))
    connection.execute(
        update(GATEWAY_ORDER)
        .where(is_it)
        .values(
            outcome=str(result.outcome),
            code=result.code or None,
            answer=dump_result(result).decode(),
            answered_at_ms=ms_from_utc(now_utc),
            next_send_at_ms=None if is_final(result.outcome) else again_ms,
        )
    )
    if is_new:
        detail: JsonObject = {
            "gateway": result.gateway_id,
            "do": row.kind,
            "outcome": str(result.outcome),
            "code": result.code,
        }
        event = AuditEvent(
            actor=f"gateway {result.gateway_id}",
            action="gateway.answer",
            subject=result.command_id,
            detail=detail,
        )
        append_audit(connection, event, now_utc)
    return is_new


def get_order(connection: Connection, command_id: str) -> OrderRecord | None:
    """Return one order, None when there is none."""
    query = select(GATEWAY_ORDER).where(GATEWAY_ORDER.c.command_id == command_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else _record(row)


def list_orders(
    connection: Connection, gateway_id: str | None = None, limit: int = 100
) -> Sequence[OrderRecord]:
    """Return the newest orders, newest first; of one gateway, or of all."""
    query = select(GATEWAY_ORDER).order_by(GATEWAY_ORDER.c.created_at_ms.desc()).limit(limit)
    if gateway_id is not None:
        query = query.where(GATEWAY_ORDER.c.gateway_id == gateway_id)
    return [_record(row) for row in connection.execute(query)]


def _record(row: Row[tuple[object, ...]]) -> OrderRecord:
    answer = row.answer
    return OrderRecord(
        command_id=row.command_id,
        gateway_id=row.gateway_id,
        kind=CommandKind(row.kind),
        number=row.number,
        ordered_by=row.ordered_by,
        created_at_utc=utc_from_ms(row.created_at_ms),
        expires_at_utc=utc_from_ms(row.expires_at_ms),
        sent_count=row.sent_count,
        result=None
        if answer is None
        else parse_result(read_json("gateway_order", answer.encode())),
    )
