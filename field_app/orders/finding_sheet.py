"""Reads the finding form of one order as it stands, with what the site work says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection

from field_app.forms.finding import (
    FindingAnswers,
    Missing,
    draft_of_sealed,
    find_missing,
    has_gas,
    read_answers,
)
from field_app.orders.begun_findings import GAS_FIELD, BegunFinding, begun_by_others
from field_app.orders.case_photos_store import photos_of_case
from field_app.orders.completion import Evidence, Lacking, most_gas, what_is_lacking
from field_app.orders.entry_gate import is_too_old
from field_app.orders.gas_order import must_order_for_finding
from field_app.orders.moments import TimerMoment, moment_at, moment_kept
from field_app.orders.seen_order_store import load_document
from field_app.orders.site_changes import WORK_FORM
from field_app.orders.site_drafts_store import texts_of, typed_for_record
from field_app.orders.site_store import facts_of_order, is_arrival
from field_app.orders.work_record import WorkRecord, work_record
from field_app.store import draft_store, outbox_store
from field_app.store.draft_store import DraftKey
from wire_contracts.fields import JsonValue
from wire_contracts.orders import FINDING_FORM, FactType, WorkOrderDocument

_NO_WORK: Final = WorkRecord()


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingSheet:
    """The finding form of one order as it stands.

    Attributes:
        fields: The answers by field, as typed.
        saved_at_ms: When the last answer was kept, None when nothing was answered.
        record: What was done on site.
        photos: Photos of the order on this tablet; a signature shows nothing.
        begun: What others of the crew began in the same form and did not finish.
        gas_at: When the gas was typed, or sealed before; None: never.
        gas_at_ms: The same by the wall clock as it goes now.
    """

    order_id: str
    document: WorkOrderDocument
    fields: Mapping[str, JsonValue]
    answers: FindingAnswers
    missing: tuple[Missing, ...]
    saved_at_ms: int | None
    record: WorkRecord = _NO_WORK
    photos: int = 0
    begun: Sequence[BegunFinding] = ()
    gas_at: TimerMoment | None = None
    gas_at_ms: int | None = None

    def lacking(self, answers: FindingAnswers, outside: Evidence) -> Sequence[Lacking]:
        """Return what the order still needs beside the form, whose gas, note and photos count."""
        evidence = replace(
            outside,
            photos=self.photos,
            has_gas=has_gas(answers),
            has_note=bool(answers.note.strip()),
        )
        return what_is_lacking(self.document, answers.result, self.record, evidence)

    def is_gas_for_others(self, answers: FindingAnswers, outside: Evidence) -> bool:
        """Return whether these answers and the measurements tell of gas not repaired over this."""
        most = most_gas(self.record, outside)
        return must_order_for_finding(self.document, answers, most, self.record.gas_order)


def finding_key(order_id: str, author: str) -> DraftKey:
    """Return what names the draft of one person's finding."""
    return DraftKey(order_id=order_id, form=FINDING_FORM, author=author)


def load_finding(
    connection: Connection, order_id: str, author: str, now: TimerMoment
) -> FindingSheet:
    """Return the finding form: the draft of its author, or what was sealed last, to be corrected.

    Raises:
        OrderGoneError: The tablet does not know the order.
    """
    document = load_document(connection, order_id)
    draft = draft_store.load_draft(connection, finding_key(order_id, author))
    sealed, sealed_at = _sealed_before(connection, order_id)
    fields = {**sealed, **draft.answers}
    answers = read_answers(fields)
    gas_at = _gas_typed_at(connection, order_id, author) or sealed_at
    work = draft_store.load_draft(
        connection, DraftKey(order_id=order_id, form=WORK_FORM, author=author)
    )
    typed = typed_for_record(connection, order_id, texts_of(work.answers), author)
    record = work_record(facts_of_order(connection, order_id), document.handover, typed)
    return FindingSheet(
        order_id=order_id,
        document=document,
        fields=fields,
        answers=answers,
        missing=find_missing(
            document.medium,
            answers,
            document.order_type,
            is_gas_old=gas_at is not None and is_too_old(gas_at, now),
        ),
        gas_at=gas_at,
        gas_at_ms=None if gas_at is None else now.wall_ms_of(gas_at),
        saved_at_ms=draft.saved_at_ms,
        record=record,
        photos=photos_of_case(connection, order_id, record),
        begun=begun_by_others(connection, order_id, author),
    )


def _gas_typed_at(connection: Connection, order_id: str, author: str) -> TimerMoment | None:
    """Return when the author typed the gas of the finding; None where nobody typed it here."""
    saved = draft_store.load_draft(connection, finding_key(order_id, author)).saved
    return moment_kept(saved[GAS_FIELD]) if GAS_FIELD in saved else None


def _sealed_before(
    connection: Connection, order_id: str
) -> tuple[dict[str, JsonValue], TimerMoment | None]:
    """Return the answers sealed last, and when: a finish that was refused is corrected only.

    What was sealed before the crew came to the order this time says nothing of now.
    """
    for entry in reversed(outbox_store.entries_of(connection, order_id)):
        if is_arrival(entry):
            return {}, None
        payload = entry.operation.payload
        is_finding = payload is not None and payload.get("form") == FINDING_FORM
        if entry.operation.field == FactType.FORM_ANSWERSET and is_finding and payload is not None:
            answers = payload.get("answers")
            if payload.get("is_unfinished") is True:
                return {}, None  # another visit begins with what is found then
            fields = draft_of_sealed(answers) if isinstance(answers, Mapping) else {}
            at_ms = payload.get("measured_at")
            lay_ms = max(0, entry.made_at_ms - at_ms) if isinstance(at_ms, int) else 0
            return fields, moment_at(entry.operation.at).earlier(lay_ms)
    return {}, None
