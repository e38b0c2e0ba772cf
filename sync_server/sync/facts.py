"""Facts of crews: kept once, never changed, parked while what they belong to is not known here."""

from sqlalchemy import Connection

from sync_server.blobs.ref_store import adopt_photos, note_photo
from sync_server.forms.form_store import is_known_form
from sync_server.patrols.results import check_result, make_asked_order, note_result
from sync_server.sync.crew_calls import effect_of_call
from sync_server.sync.effects import APPLIED, NOOP, CrewContext, Effect, refused, visit_of
from sync_server.sync.event_time import EventTime, known_word_utc, last_word_utc
from sync_server.sync.lone_workers import note_watch
from sync_server.sync.review_store import ReviewKind
from sync_server.vans.part_use import note_part
from sync_server.work_orders.fact_store import (
    find_fact,
    form_of,
    insert_fact,
    payload_text,
    stored_payload,
)
from sync_server.work_orders.left_work import LEFT_FACTS
from sync_server.work_orders.order import Fact, Mover, WaitsFor
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.fields import JsonObject, JsonValue
from wire_contracts.operations import Operation, OperationKind, Outcome
from wire_contracts.orders import ENTITY, FINDING_FORM, FactType

LONGEST_ID = 64

KNOWN_FORMS = frozenset({FINDING_FORM})
"""Forms and versions that this server can read beside the office's own; answers to another one
wait for it."""


def keep_fact(
    connection: Connection, context: CrewContext, operation: Operation, time: EventTime
) -> Effect:
    """Return the effect of a fact or an attachment.

    Never refused because an order, a form version or a photo is missing: it is kept, a person
    sees it, and it is linked when what it waits for appears (trap T15, invariant I6).
    """
    is_attach = operation.kind is OperationKind.ATTACH
    fact_type = str(FactType.PHOTO_REF) if is_attach else operation.field
    payload: JsonObject = operation.payload or {}
    supersedes = payload.get("supersedes")
    order_id = _order_id_of(connection, operation, payload)
    if fact_type not in set(FactType) or not (_is_id(order_id) and _is_id(supersedes)):
        return refused(Code.FIELD_RANGE, "the fact's type or a reference in it cannot be read")
    fact_id = operation.op_id if is_attach else operation.entity_id
    stored = stored_payload(connection, fact_id)
    if stored is not None:
        return NOOP if stored == payload_text(payload) else _CHANGED
    try:
        check_result(fact_type, payload)
    except ContractError as error:
        return refused(Code.FIELD_RANGE, str(error))
    if fact_type == FactType.ORDER_REQUEST:
        make_asked_order(connection, context.book, payload, _mover(context, operation, time))
    order = context.book.find(str(order_id)) if order_id is not None else None
    word_utc = known_word_utc(operation.at)
    time = time.doubted(is_so=operation.at.is_restarted and fact_type in LEFT_FACTS)
    fact = Fact(
        fact_id=fact_id,
        fact_type=FactType(fact_type),
        order_id=None if order_id is None else str(order_id),
        actor=operation.actor,
        tablet_id=context.tablet.tablet_id,
        op_id=operation.op_id,
        payload=payload,
        happened_at_utc=time.at_utc,
        received_at_utc=context.now_utc,
        supersedes=None if supersedes is None else str(supersedes),
        waits_for=_waits_for(
            connection, payload, fact_type, is_order_missing=order is None and order_id is not None
        ),
        visit=0 if order is None else visit_of(order, time, word_utc),
        is_time_doubtful=time.is_doubtful,
        word_utc=word_utc,
        replica_id="" if context.are_numbers_doubted else context.replica_id,
        n=operation.n,
    )
    insert_fact(connection, fact)
    note_watch(connection, fact, operation.at)
    beside = (operation.entity, operation.entity_id) if is_attach else None
    note_photo(connection, fact, beside)
    adopt_photos(connection, fact)
    note_result(connection, context.book, fact, context.tablet.crew_id)
    note_part(connection, context.book, fact, context.tablet.crew_id)
    parked = APPLIED if fact.waits_for is None else _PARKED[fact.waits_for]
    return effect_of_call(context, fact) or parked


def _mover(context: CrewContext, operation: Operation, time: EventTime) -> Mover:
    word_utc = last_word_utc(operation.at, time)
    return Mover(
        actor=operation.actor,
        happened_at_utc=time.at_utc,
        crew_id=context.tablet.crew_id,
        op_id=operation.op_id,
        word_utc=word_utc if context.is_from_before(word_utc) else None,
    )


def _order_id_of(connection: Connection, operation: Operation, payload: JsonObject) -> JsonValue:
    """Return the order of a fact; an attachment belongs to an order, or to that of a fact."""
    if operation.kind is not OperationKind.ATTACH:
        return payload.get("order_id")
    if operation.entity == ENTITY:
        return operation.entity_id
    fact = find_fact(connection, operation.entity_id)
    return payload.get("order_id") if fact is None else fact.order_id


def _waits_for(
    connection: Connection, payload: JsonObject, fact_type: str, *, is_order_missing: bool
) -> WaitsFor | None:
    if is_order_missing:
        return WaitsFor.ORDER
    form = form_of(payload) if fact_type == FactType.FORM_ANSWERSET else None
    is_known = form is None or form in KNOWN_FORMS or is_known_form(connection, form)
    return None if is_known else WaitsFor.FORM


_PARKED = {
    waits_for: Effect(outcome=Outcome.APPLIED, review=ReviewKind.ORPHAN_FACT, code=code)
    for waits_for, code in (
        (WaitsFor.ORDER, Code.GONE),
        (WaitsFor.FORM, Code.VERSION_UNSUPPORTED),
    )
}

_CHANGED = Effect(
    outcome=Outcome.CONFLICT,
    code=Code.CONFLICT,
    detail="a fact never changes; correct it by a new fact that supersedes it",
    review=ReviewKind.CONFLICT,
)


def _is_id(value: JsonValue) -> bool:
    return value is None or (isinstance(value, str) and len(value) <= LONGEST_ID)
