"""Owns the monthly lists in the database, the orders they became and what crews found."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

import orjson
from sqlalchemy import Connection, Row, delete, insert, select, update

from sync_server.assets.asset_store import get_meter
from sync_server.assets.assets import MeterClass
from sync_server.db.asset_tables import METER
from sync_server.db.order_tables import WORK_ORDER
from sync_server.db.suspect_tables import SUSPECT, SUSPECT_LIST
from sync_server.suspects.month_store import load_months
from sync_server.suspects.suspicion import (
    CheckResult,
    Reason,
    Suspect,
    Suspicion,
    rank,
)
from sync_server.work_orders.instructions import instructions_for
from sync_server.work_orders.order import NewOrder
from sync_server.work_orders.order_store import create_order
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.kinds import FindingResult, Kind
from wire_contracts.orders import OrderType, SafetyClass
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText

MOST = 200
"""Meters on a list: what the crews of a branch can check in a month (judgement)."""

_PRIORITY = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One line of a list: the suspect, and what became of its check."""

    place: int
    suspect: Suspect
    check: CheckResult | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspectList:
    """The list of one month."""

    month: str
    made_at_utc: datetime
    made_by: str
    meter_count: int
    lines: Sequence[Listed]


def make_list(
    connection: Connection, month: str, zone: tzinfo, actor: str, now_utc: datetime
) -> int:
    """Return how many meters are suspect in the month, after the list was stored.

    A list may be made again; lines that became orders keep them.

    Raises:
        ValueError: The text is no month.
    """
    months = load_months(connection, month, zone)
    found = rank(months, MOST)
    orders = _orders_of(connection, month)
    connection.execute(delete(SUSPECT).where(SUSPECT.c.month == month))
    connection.execute(delete(SUSPECT_LIST).where(SUSPECT_LIST.c.month == month))
    connection.execute(
        insert(SUSPECT_LIST).values(
            month=month,
            made_at_ms=ms_from_utc(now_utc),
            made_by=actor,
            meter_count=len(months),
        )
    )
    if found:
        connection.execute(
            insert(SUSPECT),
            [
                {
                    "month": month,
                    "meter_id": each.meter_id,
                    "place": place,
                    "score": each.score,
                    "used_m3": each.used_m3,
                    "usual_m3": each.usual_m3,
                    "reasons": _reasons_text(each.reasons),
                    "order_id": orders.get(each.meter_id),
                }
                for place, each in enumerate(found, start=1)
            ],
        )
    return len(found)


def list_months(connection: Connection) -> Sequence[str]:
    """Return the months that have a list, newest first."""
    query = select(SUSPECT_LIST.c.month).order_by(SUSPECT_LIST.c.month.desc())
    return list(connection.execute(query).scalars())


def get_list(connection: Connection, month: str) -> SuspectList | None:
    """Return the list of a month with what became of each line, None when it was not made."""
    head = connection.execute(
        select(SUSPECT_LIST).where(SUSPECT_LIST.c.month == month)
    ).one_or_none()
    if head is None:
        return None
    rows = connection.execute(
        select(
            SUSPECT,
            METER.c.medium,
            METER.c.meter_class,
            METER.c.address,
            WORK_ORDER.c.number,
            WORK_ORDER.c.result,
        )
        .join(METER, METER.c.meter_id == SUSPECT.c.meter_id)
        .outerjoin(WORK_ORDER, WORK_ORDER.c.order_id == SUSPECT.c.order_id)
        .where(SUSPECT.c.month == month)
        .order_by(SUSPECT.c.place)
    )
    return SuspectList(
        month=month,
        made_at_utc=utc_from_ms(head.made_at_ms),
        made_by=head.made_by,
        meter_count=head.meter_count,
        lines=[_listed(row) for row in rows],
    )


def order_checks(
    connection: Connection, month: str, meter_ids: Collection[str], actor: str, now_utc: datetime
) -> int:
    """Return how many check orders were made for these lines; a line has one order at most.

    Raises:
        ContractError: The role may not dispatch.
    """
    found = get_list(connection, month)
    count = 0
    for line in found.lines if found is not None else ():
        if line.suspect.meter_id not in meter_ids or line.check is not None:
            continue
        order = create_order(
            connection, _new_order(connection, month, line.suspect), actor, now_utc
        )
        connection.execute(
            update(SUSPECT)
            .where(SUSPECT.c.month == month, SUSPECT.c.meter_id == line.suspect.meter_id)
            .values(order_id=order.order_id)
        )
        count += 1
    return count


def _new_order(connection: Connection, month: str, suspect: Suspect) -> NewOrder:
    order_type = OrderType.LEAK_CHECK if suspect.is_leak_likely else OrderType.METER_CHECK
    is_gas_leak = suspect.is_leak_likely and suspect.medium is Medium.GAS
    meter = get_meter(connection, suspect.meter_id)
    return NewOrder(
        order_type=order_type,
        medium=suspect.medium,
        safety_class=SafetyClass.B if is_gas_leak else SafetyClass.C,
        priority=_PRIORITY,
        title=BilingualText(
            en=f"Monthly check {month}, meter {suspect.meter_id}",
            zh=f"{month} 月度可疑表检查，表号 {suspect.meter_id}",
        ),
        address=suspect.address,
        meter_id=suspect.meter_id,
        device_serial=None if meter is None else meter.device_serial,
        instructions=instructions_for(order_type, suspect.medium),
    )


def _orders_of(connection: Connection, month: str) -> Mapping[str, str]:
    rows = connection.execute(
        select(SUSPECT.c.meter_id, SUSPECT.c.order_id).where(
            SUSPECT.c.month == month, SUSPECT.c.order_id.is_not(None)
        )
    )
    return {row.meter_id: row.order_id for row in rows}


def _reasons_text(reasons: Sequence[Suspicion]) -> str:
    return orjson.dumps(
        [
            [str(each.reason), each.weight, None if each.kind is None else str(each.kind)]
            for each in reasons
        ]
    ).decode()


def _listed(row: Row[tuple[str]]) -> Listed:
    check = None
    if row.order_id is not None and row.number is not None:
        result = FindingResult(row.result) if row.result else None
        check = CheckResult(order_id=row.order_id, number=row.number, result=result)
    return Listed(
        place=row.place,
        suspect=Suspect(
            meter_id=row.meter_id,
            medium=Medium(row.medium),
            meter_class=MeterClass(row.meter_class),
            address=row.address,
            used_m3=row.used_m3,
            usual_m3=row.usual_m3,
            score=row.score,
            reasons=[
                Suspicion(reason=Reason(reason), weight=weight, kind=Kind(kind) if kind else None)
                for reason, weight, kind in orjson.loads(row.reasons)
            ],
        ),
        check=check,
    )
