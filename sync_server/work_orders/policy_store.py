"""The versioned rules of the utility: which value of a policy holds at a moment, and why."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, insert, select

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.db.order_tables import POLICY
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.orders import OrderType, SafetyClass


class PolicyMissingError(LookupError):
    """No row of this policy holds at the moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRow:
    """One version of one policy: a number with its source and who approved it."""

    name: str
    valid_from_utc: datetime
    value: float
    source: str
    approved_by: str


def policy_at(connection: Connection, name: str, now_utc: datetime) -> float:
    """Return the value that holds now; raise PolicyMissingError when there is none."""
    value = policy_or_none(connection, name, now_utc)
    if value is None:
        message = (
            f"policy {name!r}: value: no row holds at {now_utc.isoformat(timespec='minutes')}; "
            "add one with its source"
        )
        raise PolicyMissingError(message)
    return value


def policy_or_none(connection: Connection, name: str, now_utc: datetime) -> float | None:
    """Return the value that holds now, None when the utility has set none."""
    asked = {"wanted": name, "now_ms": ms_from_utc(now_utc)}
    text = connection.execute(_VALUE, asked).scalar_one_or_none()
    return None if text is None else float(json.loads(text))


_VALUE = (
    select(POLICY.c.value)
    .where(POLICY.c.name == bindparam("wanted"), POLICY.c.valid_from_ms <= bindparam("now_ms"))
    .order_by(POLICY.c.valid_from_ms.desc())
    .limit(1)
)
"""Built once: every review item asks."""


def policies_at(connection: Connection, prefix: str, now_utc: datetime) -> dict[str, float]:
    """Return name -> the value that holds now, for every policy whose name begins so."""
    query = (
        select(POLICY.c.name, POLICY.c.value)
        .where(POLICY.c.name.startswith(prefix, autoescape=True))
        .where(POLICY.c.valid_from_ms <= ms_from_utc(now_utc))
        .order_by(POLICY.c.valid_from_ms)
    )
    return {row.name: float(json.loads(row.value)) for row in connection.execute(query)}


def set_policy(connection: Connection, row: PolicyRow, now_utc: datetime) -> None:
    """Add a version of a policy; former versions stay, so that a past decision can be explained."""
    connection.execute(
        insert(POLICY).values(
            name=row.name,
            valid_from_ms=ms_from_utc(row.valid_from_utc),
            value=json.dumps(row.value),
            source=row.source,
            approved_by=row.approved_by,
        )
    )
    event = AuditEvent(
        actor=row.approved_by,
        action="policy.set",
        subject=row.name,
        detail={"value": row.value, "valid_from": ms_from_utc(row.valid_from_utc)},
    )
    append_audit(connection, event, now_utc)


def list_policies(connection: Connection) -> list[PolicyRow]:
    """Return every version of every policy, by name, the oldest first."""
    rows = connection.execute(select(POLICY).order_by(POLICY.c.name, POLICY.c.valid_from_ms))
    return [
        PolicyRow(
            name=row.name,
            valid_from_utc=utc_from_ms(row.valid_from_ms),
            value=float(json.loads(row.value)),
            source=row.source,
            approved_by=row.approved_by,
        )
        for row in rows
    ]


def due_at(
    connection: Connection, order_type: OrderType, safety_class: SafetyClass, now_utc: datetime
) -> datetime:
    """Return the promised time of an order made now."""
    name = f"order.due_minutes.{order_type}.{safety_class}"
    return now_utc + timedelta(minutes=policy_at(connection, name, now_utc))


def review_due_at(connection: Connection, kind: str, now_utc: datetime) -> datetime:
    """Return by when a person must have looked at a review item made now."""
    name = f"review.due_minutes.{kind}"
    return now_utc + timedelta(minutes=policy_at(connection, name, now_utc))
