"""What a visit of a home tells: the check, the order that a grave hazard makes, its photos."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection

from field_app.orders.moments import TimerMoment, moment_at, surely_passed_ms
from field_app.patrols import home_check, inspection_store
from field_app.patrols.home_check import Sheet
from field_app.patrols.inspection_store import SeenHome
from field_app.patrols.round_changes import fact_of, new_id, photos_for
from field_app.store import outbox_store
from field_app.store.outbox_store import NewOperation, OutboxEntry, TapStamp
from field_app.store.record_states import OpStatus
from field_app.store.round_records import record_of
from field_app.store.tables import outbox_op
from wire_contracts.frames import utc_from_ms
from wire_contracts.home_checks import (
    CheckItem,
    Hazard,
    SafetyCheck,
    safety_check_json,
)
from wire_contracts.operations import DeviceTime
from wire_contracts.orders import FactType, OrderType, SafetyClass
from wire_contracts.patrol_facts import OrderRequest, order_request_json
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText

_ONE_SHIFT_MS: Final = 12 * 3_600_000
"""A home is visited again after weeks: what was photographed there in one shift is one visit."""


UNHEARD: Final = frozenset({OpStatus.QUEUED, OpStatus.SENDING, OpStatus.HELD})
"""How an order stands that the office does not have yet."""

_NEXT: Final = "; "
_SAYS: Final = ": "
"""Between the dangers of an order's note, and between a danger and its words."""

_CORRECTED_MS: Final = 3_600_000
"""A check is corrected within an hour; a danger found later may be a new one (judgement)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedOrder:
    """An order that was asked for over dangers of a home.

    `is_finished`: the visit was finished after it.
    """

    order_id: str
    items: frozenset[CheckItem]
    at: TimerMoment
    status: OpStatus
    is_finished: bool


def orders_asked(own: Sequence[OutboxEntry]) -> list[AskedOrder]:
    """Return the orders that a home's own facts ask for, the oldest first."""
    found: list[AskedOrder] = []
    last = max((n for n, each in enumerate(own) if _is_check(each)), default=-1)
    for number, entry in enumerate(own):
        payload = entry.operation.payload
        if entry.operation.field != FactType.ORDER_REQUEST or payload is None:
            continue
        note = f"{_NEXT}{payload.get('note', '')}"
        found.append(
            AskedOrder(
                order_id=str(payload.get("order_id", "")),
                items=frozenset(item for item in CheckItem if f"{_NEXT}{item}{_SAYS}" in note),
                at=moment_at(entry.operation.at),
                status=entry.status,
                is_finished=number < last,
            )
        )
    return found


def _is_check(entry: OutboxEntry) -> bool:
    return entry.operation.field == FactType.SAFETY_CHECK


def order_standing(
    asked: Sequence[AskedOrder], grave: Iterable[CheckItem], now: TimerMoment
) -> AskedOrder | None:
    """Return the order of this visit that was asked for over these very dangers, None without one.

    One that the server refused does not count. It stands for the whole visit; after the visit for
    as long as a check is corrected.
    """
    standing = [
        each
        for each in asked
        if now.age_ms(each.at) <= (_CORRECTED_MS if each.is_finished else _ONE_SHIFT_MS)
        and each.status is not OpStatus.REFUSED
    ]
    named = frozenset(item for each in standing for item in each.items)
    return standing[-1] if standing and frozenset(grave) <= named else None


def items_called(asked: Sequence[AskedOrder]) -> frozenset[CheckItem]:
    """Return the dangers over which an order was asked for and that no visit has told since.

    However long ago: a crew is on its way, or was, and somebody must say why it is not needed.
    """
    open_ones = (
        each for each in asked if not each.is_finished and each.status is not OpStatus.REFUSED
    )
    return frozenset(item for each in open_ones for item in each.items)


class Unheard(StrEnum):
    """What became of an order for a danger that the office does not have."""

    NONE = "none"
    NOT_SENT = "not_sent"
    REFUSED = "refused"


_REFUSED_FOR_MS: Final = 24 * 3_600_000
"""For so long a refused order for a danger is shown (judgement)."""


def unheard_orders(connection: Connection, now: DeviceTime) -> Unheard:
    """Return the worst of what became of the orders that this tablet asked for over dangers.

    One that was not sent counts whatever any clock says. A refused one counts for a day, and until
    a later one about the same thing is on its way or has arrived.
    """
    entries = outbox_store.load_entries(
        connection, outbox_op.c.entity == str(FactType.ORDER_REQUEST)
    )
    last: dict[str, OutboxEntry] = {}
    for entry in entries:
        about = str((entry.operation.payload or {}).get("about") or entry.order_id)
        last[about] = entry
    refused = [each for each in last.values() if each.status is OpStatus.REFUSED]
    if any(surely_passed_ms(each.operation.at, now) <= _REFUSED_FOR_MS for each in refused):
        return Unheard.REFUSED
    is_waiting = any(each.status in UNHEARD for each in last.values())
    return Unheard.NOT_SENT if is_waiting else Unheard.NONE


def call_changes(
    connection: Connection, stamp: TapStamp, household_id: str, sheet: Sheet
) -> list[NewOperation]:
    """Return what is told at once of dangers in a home; nothing when it has been told."""
    seen = inspection_store.find_home(connection, household_id)
    hazards = home_check.hazards_of(sheet, utc_from_ms(stamp.at.wall_ms))
    grave = [hazard for hazard in hazards if hazard.severity == 1]
    own = outbox_store.entries_of(connection, record_of(household_id))
    is_told = (
        order_standing(orders_asked(own), map(_item_of, grave), moment_at(stamp.at)) is not None
    )
    if seen is None or not grave or is_told:
        return []
    request = _home_request(new_id(stamp), grave, seen, is_gas_off=sheet.is_gas_off)
    return [fact_of(stamp, FactType.ORDER_REQUEST, order_request_json(request))]


def visit_changes(
    connection: Connection,
    stamp: TapStamp,
    visit_id: str,
    check: SafetyCheck,
    is_gas_off: bool | None = None,  # noqa: FBT001 - three answers, not a switch
) -> list[NewOperation]:
    """Return what is told of a visit; nothing when `visit_id` has been kept already.

    A door that nobody opens twice within an hour is one attempt. A danger that is told again
    within an hour adds its photos, no second order; another danger, or the same one later, makes
    one of its own.
    """
    household_id = check.household_id
    own = outbox_store.entries_of(connection, record_of(household_id))
    if any(entry.operation.entity_id == visit_id for entry in own):
        return []
    if check.is_no_access and _was_shut(own, stamp.at.wall_ms - _CORRECTED_MS):
        return []
    changes = [fact_of(stamp, FactType.SAFETY_CHECK, safety_check_json(check), visit_id)]
    seen = inspection_store.find_home(connection, household_id)
    if seen is None or not home_check.must_shut_off(check.hazards):
        return changes
    grave = [hazard for hazard in check.hazards if hazard.severity == 1]
    asked = order_standing(orders_asked(own), map(_item_of, grave), moment_at(stamp.at))
    order_id = new_id(stamp) if asked is None else asked.order_id
    if asked is None:
        request = _home_request(order_id, grave, seen, is_gas_off=is_gas_off)
        changes.insert(0, fact_of(stamp, FactType.ORDER_REQUEST, order_request_json(request)))
    record = record_of(household_id)
    photos = photos_for(connection, order_id, taken=record, given=record, now=stamp.at)
    return [*changes, *photos]


def _was_shut(own: Sequence[OutboxEntry], since_ms: int) -> bool:
    """Return whether the last visit of a home since a moment was one at a closed door."""
    visits = [each for each in own if _is_check(each) and each.made_at_ms >= since_ms]
    payload = visits[-1].operation.payload if visits else None
    return payload is not None and payload.get("is_no_access") is True


def _item_of(hazard: Hazard) -> CheckItem:
    return hazard.item


_TITLES: Final = {
    None: BilingualText(en="Dangerous hazard in a home", zh="户内重大隐患"),
    True: BilingualText(en="Dangerous hazard in a home: gas shut off", zh="户内重大隐患：已停气"),
    False: BilingualText(
        en="Dangerous hazard in a home: gas NOT shut off", zh="户内重大隐患：未停气"
    ),
}
"""By what was said of the gas: nobody is told that it is off unless somebody said so."""


def _home_request(
    order_id: str, grave: Sequence[Hazard], seen: SeenHome, *, is_gas_off: bool | None
) -> OrderRequest:
    return OrderRequest(
        order_id=order_id,
        order_type=OrderType.LEAK_CHECK,
        medium=Medium.GAS,
        safety_class=SafetyClass.A,
        title=_TITLES[is_gas_off],
        address=seen.household.address,
        note=_NEXT.join(f"{hazard.item}{_SAYS}{hazard.note}" for hazard in grave),
        about=seen.household_id,
    )
