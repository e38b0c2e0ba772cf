"""Tells the office what was begun at orders that have left this tablet: nobody finishes it here."""

from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy import Connection

from field_app.forms.finding import FindingAnswers, has_gas, is_gas_present, read_answers
from field_app.forms.numbers import worst_lel_pct
from field_app.orders import order_store, seen_order_store
from field_app.orders.begun_findings import as_told, gas_in_findings, stamp_of, unfinished
from field_app.orders.own_facts import is_case_over
from field_app.orders.seen_order_store import SeenOrder
from field_app.orders.site_changes import WORK_FORM, Change, new_fact, operation_of
from field_app.orders.site_drafts_store import begin_anew, gas_typed, texts_of
from field_app.orders.site_store import facts_of_order
from field_app.orders.work_record import EARLIER_GAS, TYPED_GAS, work_record
from field_app.store import (
    draft_store,
    order_copy_store,
    outbox_store,
    sealed_alone_store,
    sealed_store,
    settings_store,
)
from field_app.store.draft_store import DraftKey
from field_app.store.outbox_store import TapStamp
from field_app.store.record_states import OpStatus
from field_app.store.round_records import is_round
from field_app.store.settings_store import Key
from wire_contracts.orders import FINDING_FORM, FactType
from wire_contracts.quantities import Quantity
from wire_contracts.site_facts import Handover, handover_json
from wire_contracts.work_order_states import ENDED, WorkOrderState

_ON_THE_WAY: Final = frozenset({OpStatus.QUEUED, OpStatus.SENDING, OpStatus.RECEIVED})
_OWN_FORMS: Final = frozenset({FINDING_FORM, WORK_FORM})


def tell_what_was_begun(
    connection: Connection,
    stamp: TapStamp,
    forms_lel_pct: Callable[[str], float | None] = lambda _order_id: None,
) -> int:
    """Leave what was begun at orders that have left this tablet to the office; return how many.

    An order has left when the office gave it to somebody else or ended it. What anybody typed about
    it becomes a `form_answerset` that says it is unfinished, in the name of who typed it; gas in it
    is handed over as well, so that a person looks, and so is more gas that was typed over or stands
    in a checklist (`forms_lel_pct` of an order), unless a finding has told what came of it.
    Checklists go sealed, as they stand. Nothing is
    done before the first pull is whole, nor while own words about the order are on their way: a
    restored server gives it back with them. An order that such a server does not know may be made
    again: for a day what was begun stays with the crew, and gas alone is told. Call it once pull
    and push of a contact were whole.
    """
    if not _knows_its_orders(connection):
        return 0
    begun: dict[str, list[DraftKey]] = {}
    for key, _at_ms in draft_store.drafts(connection):
        if not is_round(key.order_id):
            begun.setdefault(key.order_id, []).append(key)
    seen = seen_order_store.load_orders(connection, sorted(begun))
    left = [each for each, keys in begun.items() if _has_left(seen.get(each), keys)]
    told = 0
    awaited = order_copy_store.awaited(connection, stamp.at.wall_ms + stamp.at.offset_ms)
    for each in left:
        is_over = is_case_over(facts_of_order(connection, each))
        most = 0.0 if is_over else _most_gas(connection, each, forms_lel_pct(each))
        if each not in awaited:
            told += _leave(connection, each, seen.get(each), begun[each], stamp)
            if is_over:
                _forget_earlier_gas(connection, begun[each], stamp)
        told += _hand_over_rest(connection, each, seen.get(each), most, stamp)
    if told:
        settings_store.ask_contact(connection)
    return told


def _knows_its_orders(connection: Connection) -> bool:
    is_begun = settings_store.load_text(connection, Key.PULL_TOKEN) is not None
    return is_begun and settings_store.load_text(connection, Key.PULL_ROWS) is None


def _has_left(seen: SeenOrder | None, keys: Sequence[DraftKey]) -> bool:
    if seen is None:  # the note of a shift is kept beside orders
        return any(key.form == FINDING_FORM for key in keys)
    if any(entry.status in _ON_THE_WAY for entry in seen.entries):
        return False
    return seen.is_gone or (seen.document is not None and seen.document.state in ENDED)


def _leave(
    connection: Connection,
    order_id: str,
    seen: SeenOrder | None,
    keys: Sequence[DraftKey],
    stamp: TapStamp,
) -> int:
    """Tell what every author began at one order; return how many told something."""
    told = 0
    for author in sorted({key.author for key in keys}):
        answers = _answers(connection, order_id, author)
        if answers is None:
            continue
        by = stamp_of(stamp, author)
        changes = [
            unfinished(order_id, answers),
            *_gas_handed_over(connection, order_id, seen, answers, by),
        ]
        operations = [operation_of(each, by) for each in changes]
        outbox_store.append_group(connection, operations, by)
        told += 1
    for key in (each for each in keys if each.form != WORK_FORM):
        _forget(connection, key, stamp)  # told: only what is not told stays as gas of earlier
    begin_anew(connection, order_id, stamp, is_case_over=False)
    for key in (each for each in keys if each.form == WORK_FORM):
        _forget(connection, key, stamp)
    order_store.rebuild_lines(connection, [order_id])
    return told


def _most_gas(connection: Connection, order_id: str, forms_lel_pct: float | None) -> float:
    """Return the most gas that anybody typed about an order and may have typed over, % LEL."""
    texts = (*gas_typed(connection, order_id).values(), gas_in_findings(connection, order_id))
    return max(forms_lel_pct or 0.0, *(worst_lel_pct(text) or 0.0 for text in texts))


def _hand_over_rest(
    connection: Connection, order_id: str, seen: SeenOrder | None, lel_pct: float, by: TapStamp
) -> int:
    """Hand over gas that no hand-over of this tablet has told; return how many were made."""
    told = (
        entry.operation.payload.get("lel_pct")
        for entry in outbox_store.entries_of(connection, order_id)
        if entry.operation.field == FactType.HANDOVER and entry.operation.payload is not None
    )
    most_told = max((each for each in told if isinstance(each, int | float)), default=0.0)
    if not is_gas_present(lel_pct) or lel_pct <= most_told:
        return 0
    changes = _handed_over(connection, order_id, seen, ("", lel_pct), by)
    if changes:
        operations = [operation_of(each, by) for each in changes]
        outbox_store.append_group(connection, operations, by)
        order_store.rebuild_lines(connection, [order_id])
    return len(changes)


def _answers(connection: Connection, order_id: str, author: str) -> FindingAnswers | None:
    """Return what one author began about an order, None when it says nothing.

    The most gas that stands on any page; what is no number stands in the note, as it was typed.
    """
    finding = draft_store.load_draft(connection, _key(order_id, FINDING_FORM, author))
    work = draft_store.load_draft(connection, _key(order_id, WORK_FORM, author))
    typed = texts_of(work.answers)
    found = as_told(
        read_answers(finding.answers),
        [text for name, text in typed.items() if name.endswith(".note")],
        [typed.get(name, "") for name in TYPED_GAS if name != EARLIER_GAS],
    )
    return None if found == FindingAnswers() else found


def _gas_handed_over(
    connection: Connection,
    order_id: str,
    seen: SeenOrder | None,
    answers: FindingAnswers,
    by: TapStamp,
) -> list[Change]:
    """Return the hand-over of gas in a begun finding, which asks the office to look."""
    if not has_gas(answers):
        return []
    lel_pct = worst_lel_pct(answers.measured[Quantity.GAS_LEL_PCT])
    return _handed_over(connection, order_id, seen, (answers.note, lel_pct), by)


def _handed_over(
    connection: Connection,
    order_id: str,
    seen: SeenOrder | None,
    said: tuple[str, float | None],
    by: TapStamp,
) -> list[Change]:
    """Return a hand-over with a note and gas; none of an order that is done."""
    document = None if seen is None else seen.document
    if document and document.state in ENDED - {WorkOrderState.CANCELLED}:
        return []
    record = work_record(
        facts_of_order(connection, order_id), None if document is None else document.handover
    )
    note, lel_pct = said
    handover = Handover(
        note=note,
        by=by.actor,
        at_ms=by.at.wall_ms + by.at.offset_ms,
        lel_pct=lel_pct,
        steps=record.steps,
        valves=record.valves,
    )
    return [new_fact(order_id, FactType.HANDOVER, handover_json(handover))]


def _forget(connection: Connection, key: DraftKey, stamp: TapStamp) -> None:
    """Forget what was told; a checklist leaves as it is sealed, and stays where it is not."""
    if key.form not in _OWN_FORMS:
        sealed_alone_store.leave_draft_alone(connection, stamp.seal, key, stamp.at.wall_ms)
        return
    typed = draft_store.load_draft(connection, key).answers
    gone = [name for name in typed if name != EARLIER_GAS]
    if gone:
        draft_store.forget_fields(connection, key, gone)
        sealed_store.seal_draft(connection, stamp.seal, key, stamp.at.wall_ms)


def _forget_earlier_gas(connection: Connection, keys: Sequence[DraftKey], stamp: TapStamp) -> None:
    """Forget gas that was typed and never kept: it stands until the finding."""
    for key in (each for each in keys if each.form == WORK_FORM):
        draft_store.forget_draft(connection, key)
        sealed_store.seal_draft(connection, stamp.seal, key, stamp.at.wall_ms)


def _key(order_id: str, form: str, author: str) -> DraftKey:
    return DraftKey(order_id=order_id, form=form, author=author)
