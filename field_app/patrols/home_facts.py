"""What a visit of a home tells: the check, the order that a grave hazard makes, its photos."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection

from field_app.patrols import home_check, inspection_store
from field_app.patrols.inspection_store import SeenHome
from field_app.patrols.round_changes import fact_of, new_id, photos_for
from field_app.store import outbox_store
from field_app.store.outbox_store import NewOperation, OutboxEntry, TapStamp
from field_app.store.record_states import OpStatus
from field_app.store.round_records import record_of
from wire_contracts.fields import FieldReader
from wire_contracts.home_checks import (
    CheckItem,
    SafetyCheck,
    parse_safety_check,
    safety_check_json,
)
from wire_contracts.orders import FactType, OrderType, SafetyClass
from wire_contracts.patrol_facts import OrderRequest, order_request_json
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText

_ONE_SHIFT_MS: Final = 12 * 3_600_000
"""A home is visited again after weeks: what was photographed there in one shift is one visit."""


_ONE_VISIT_MS: Final = 3_600_000
"""A check is corrected within an hour; a danger found later may be a new one (judgement)."""


def visit_changes(
    connection: Connection, stamp: TapStamp, visit_id: str, check: SafetyCheck
) -> list[NewOperation]:
    """Return what is told of a visit; nothing when `visit_id` has been kept already.

    A danger that is told again within an hour adds its photos, no second order; another danger, or
    the same one later, makes one of its own.
    """
    household_id = check.household_id
    own = outbox_store.entries_of(connection, record_of(household_id))
    if any(entry.operation.entity_id == visit_id for entry in own):
        return []
    changes = [fact_of(stamp, FactType.SAFETY_CHECK, safety_check_json(check), visit_id)]
    seen = inspection_store.find_home(connection, household_id)
    if seen is None or not home_check.must_shut_off(check.hazards):
        return changes
    since_ms = stamp.at.wall_ms - _ONE_SHIFT_MS
    order_id = _order_asked(own, check, stamp.at.wall_ms - _ONE_VISIT_MS)
    if not order_id:
        request = _home_request(new_id(stamp), check, seen)
        order_id = request.order_id
        changes.insert(0, fact_of(stamp, FactType.ORDER_REQUEST, order_request_json(request)))
    record = record_of(household_id)
    photos = photos_for(connection, order_id, taken=record, given=record, since_ms=since_ms)
    return [*changes, *photos]


def _order_asked(own: Sequence[OutboxEntry], check: SafetyCheck, since_ms: int) -> str:
    """Return the order that was asked for over these very dangers, empty without one.

    One that the server refused does not count.
    """
    told = {item for entry in own if entry.made_at_ms >= since_ms for item in _grave_items(entry)}
    if not {hazard.item for hazard in check.hazards if hazard.severity == 1} <= told:
        return ""
    asked = [
        entry
        for entry in own
        if entry.operation.field == FactType.ORDER_REQUEST
        and entry.made_at_ms >= since_ms
        and entry.status is not OpStatus.REFUSED
    ]
    payload = asked[-1].operation.payload if asked else None
    return "" if payload is None else str(payload.get("order_id", ""))


def _grave_items(entry: OutboxEntry) -> list[CheckItem]:
    operation = entry.operation
    if operation.field != FactType.SAFETY_CHECK or operation.payload is None:
        return []
    check = parse_safety_check(FieldReader(place="own visit", values=operation.payload))
    return [hazard.item for hazard in check.hazards if hazard.severity == 1]


def _home_request(order_id: str, check: SafetyCheck, seen: SeenHome) -> OrderRequest:
    grave = [hazard for hazard in check.hazards if hazard.severity == 1]
    return OrderRequest(
        order_id=order_id,
        order_type=OrderType.LEAK_CHECK,
        medium=Medium.GAS,
        safety_class=SafetyClass.A,
        title=BilingualText(
            en="Dangerous hazard in a home: gas shut off", zh="户内重大隐患：已停气"
        ),
        address=seen.household.address,
        note="; ".join(f"{hazard.item}: {hazard.note}" for hazard in grave),
        about=check.household_id,
    )
