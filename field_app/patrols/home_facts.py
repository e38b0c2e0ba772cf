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
from wire_contracts.home_checks import SafetyCheck, safety_check_json
from wire_contracts.orders import FactType, OrderType, SafetyClass
from wire_contracts.patrol_facts import OrderRequest, order_request_json
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText

_ONE_SHIFT_MS: Final = 12 * 3_600_000
"""A home is visited again after weeks: what was photographed there in one shift is one visit."""


def visit_changes(
    connection: Connection, stamp: TapStamp, visit_id: str, check: SafetyCheck
) -> list[NewOperation]:
    """Return what is told of a visit; nothing when `visit_id` has been kept already.

    A danger makes one order in a shift: telling it again adds its photos, no second order.
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
    order_id = _order_asked(own, since_ms)
    if not order_id:
        request = _home_request(new_id(stamp), check, seen)
        order_id = request.order_id
        changes.insert(0, fact_of(stamp, FactType.ORDER_REQUEST, order_request_json(request)))
    record = record_of(household_id)
    photos = photos_for(connection, order_id, taken=record, given=record, since_ms=since_ms)
    return [*changes, *photos]


def _order_asked(own: Sequence[OutboxEntry], since_ms: int) -> str:
    """Return the order that was asked for in this shift and not refused, empty without one."""
    asked = [
        entry
        for entry in own
        if entry.operation.field == FactType.ORDER_REQUEST
        and entry.made_at_ms >= since_ms
        and entry.status is not OpStatus.REFUSED
    ]
    payload = asked[-1].operation.payload if asked else None
    return "" if payload is None else str(payload.get("order_id", ""))


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
