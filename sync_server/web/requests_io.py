"""The routes of one request: its page with the clocks, the steps of the office."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.roles import Action, Role, may
from sync_server.complaints.escalation_store import escalations_of
from sync_server.customers.customer import masked
from sync_server.db.engine_io import reading, writing
from sync_server.messages.message_store import queue_message
from sync_server.messages.templates import Template
from sync_server.service_desk.catalogue import COMMITMENTS, RULES
from sync_server.service_desk.clocks import ENDED, clocks_of
from sync_server.service_desk.group_store import get_group, share_order
from sync_server.service_desk.recording_store import has_recording
from sync_server.service_desk.request import NoteKind, RequestKind, RequestRecord
from sync_server.service_desk.request_finds_store import by_numbers, of_group
from sync_server.service_desk.request_guards import Attempt
from sync_server.service_desk.request_rows_store import (
    caller_of,
    commitments_of,
    get_request,
    matter_of,
)
from sync_server.service_desk.request_store import (
    ACTION_OF_EVENT,
    ACTION_OF_NOTE,
    Office,
    action_of,
    add_note,
    load_terms,
    send_crew,
    take_step,
)
from sync_server.web.complaint_views import asked_rows
from sync_server.web.crews_io import crew_choices
from sync_server.web.delegations_io import stand_in_words
from sync_server.web.desk_labels import NOTE_KINDS
from sync_server.web.desk_names_store import load_names
from sync_server.web.guarded_io import SeeRequests, WorkRequest
from sync_server.web.intake_io import office_of
from sync_server.web.labels import label
from sync_server.web.page_queries_store import order_lines
from sync_server.web.pages_io import Pages, Reader, see_other
from sync_server.web.request_list_io import catch_up
from sync_server.web.request_views import (
    clock_rows,
    line_of,
    record_rows,
    request_row,
    step_buttons,
)
from sync_server.web.words import Words, mark
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.life_cycle import RefusedTransition
from wire_contracts.request_states import REQUEST, RequestEvent, RequestState

_S = RequestState
NOTED: Final = (
    NoteKind.PROGRESS,
    NoteKind.LEADER_TOLD,
    NoteKind.REMINDER,
    NoteKind.IN_WARRANTY,
    NoteKind.OUT_OF_WARRANTY,
    NoteKind.CONSENT,
    NoteKind.REPLY_APPROVED,
    NoteKind.REPLY_RETURNED,
    NoteKind.DESK_INFORMED,
    NoteKind.STEP_APPROVED,
)
_OF_MEDIA: Final = frozenset(
    {NoteKind.REPLY_APPROVED, NoteKind.REPLY_RETURNED, NoteKind.DESK_INFORMED}
)
_OF_REPAIRS: Final = frozenset({NoteKind.IN_WARRANTY, NoteKind.OUT_OF_WARRANTY, NoteKind.CONSENT})


class StepForm(BaseModel):
    """Which step is taken, with what is written for it."""

    event: str = Field(max_length=30)
    text: str = Field(default="", max_length=4000)
    satisfied: str = Field(default="", max_length=3)
    alternative: str = Field(default="", max_length=4000)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerView:
    """Who called: whole for those who may, masked for the others."""

    name: str
    phone: str
    words: str
    address: str
    is_masked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    """A request, a group or an order beside this one."""

    words: str
    href: str


def request_router(pages: Pages) -> APIRouter:
    """Return the route that shows one request."""
    router = APIRouter()

    @router.get("/requests/{request_id}")
    def one(request: Request, person: SeeRequests, request_id: str) -> Response:
        """Show one request."""
        reader = pages.reader(person)
        catch_up(pages, reader)
        return _request_page(pages, request, reader, request_id)

    return router


def request_steps_router(pages: Pages) -> APIRouter:
    """Return the routes that move requests on."""
    router = APIRouter()

    @router.post("/requests/{request_id}/step")
    def take(
        request: Request,
        person: SeeRequests,
        request_id: str,
        form: Annotated[StepForm, Form()],
    ) -> Response:
        """Take one step of the life cycle, when the role holds its action."""
        reader = pages.reader(person)
        attempt = Attempt(
            event=_event(form.event),
            actor=person.account_id,
            text=form.text,
            is_satisfied={"yes": True, "no": False}.get(form.satisfied),
            alternative=form.alternative,
        )
        try:
            with writing(pages.engine) as connection:
                office = office_of(pages, reader)
                record = take_step(connection, request_id, attempt, office)
                if attempt.event is RequestEvent.REPLY:
                    _write_reply(connection, record, office)
        except (ContractError, RefusedTransition) as problem:
            return _refused(pages, request, reader, request_id, problem)
        return see_other(f"/requests/{request_id}")

    @router.post("/requests/{request_id}/crew")
    def crew(
        request: Request,
        person: WorkRequest,
        request_id: str,
        crew: Annotated[str, Form(max_length=64)] = "",
    ) -> Response:
        """Send a crew; the calls of its group have the order too."""
        reader = pages.reader(person)
        office = office_of(pages, reader)
        try:
            with writing(pages.engine) as connection:
                record = get_request(connection, request_id, is_locked=True)
                sent = send_crew(connection, record, crew or None, office)
                share_order(connection, sent, office)
        except (ContractError, RefusedTransition) as problem:
            return _refused(pages, request, reader, request_id, problem)
        return see_other(f"/requests/{request_id}")

    return router


def request_notes_router(pages: Pages) -> APIRouter:
    """Return the route of what people note beside the steps."""
    router = APIRouter()

    @router.post("/requests/{request_id}/note")
    def note(
        person: WorkRequest,
        request_id: str,
        text: Annotated[str, Form(min_length=1, max_length=4000)],
        kind: Annotated[NoteKind, Form()] = NoteKind.PROGRESS,
    ) -> Response:
        """Keep what somebody notes; what belongs to a step of the path is progress here."""
        told = kind if kind in NOTED else NoteKind.PROGRESS
        with writing(pages.engine) as connection:
            add_note(connection, request_id, told, text, office_of(pages, pages.reader(person)))
        return see_other(f"/requests/{request_id}")

    return router


def _write_reply(connection: Connection, record: RequestRecord, office: Office) -> None:
    """Write to a customer who wants it that there is an answer; the call itself stays a call."""
    caller = caller_of(connection, record.request_id)
    if caller is not None and caller.customer_id is not None:
        queue_message(
            connection,
            Template.REPLY,
            record.request_id,
            caller.customer_id,
            {"number": record.number},
            office.now_utc,
        )


def _event(text: str) -> RequestEvent:
    if text not in set(ACTION_OF_EVENT):
        raise ContractError(
            place="request",
            field="event",
            problem=f"{text!r} is not a step of a request",
            remedy=f"send one of: {', '.join(ACTION_OF_EVENT)}",
            code=Code.FIELD_RANGE,
        )
    return RequestEvent(text)


def _refused(
    pages: Pages,
    request: Request,
    reader: Reader,
    request_id: str,
    problem: ContractError | RefusedTransition,
) -> Response:
    """Show the page with what is missing; a role's or an id's refusal is answered as such."""
    if isinstance(problem, ContractError) and problem.code not in {Code.STATE, Code.FIELD_MISSING}:
        raise problem
    return _request_page(pages, request, reader, request_id, problem=str(problem))


def _request_page(
    pages: Pages, request: Request, reader: Reader, request_id: str, problem: str = ""
) -> Response:
    words, now_utc = reader.words, pages.clock.now_utc()
    role = reader.person.role
    with reading(pages.engine) as connection:
        record = get_request(connection, request_id)
        matter = matter_of(connection, record)
        names = load_names(connection)
        clocks = clocks_of(matter, load_terms(connection, office_of(pages, reader)))
        caller = _caller(connection, record, reader)
        links = _links(connection, record, words)
        promised = commitments_of(connection, request_id)
        can_send = may(role, Action.DISPATCH_ORDER) and _may_be_sent(record)
        crews = crew_choices(connection, words, "") if can_send else []
        asked = escalations_of(connection, request_id)
        stand_in = stand_in_words(connection, record.owner, names, now_utc)
        is_recorded = has_recording(connection, record.call_id)
    if caller is not None and not caller.is_masked:
        _audit_reading(pages, reader, request_id)
    can_confirm = RequestEvent.CONFIRM in REQUEST.possible_events(record.state)
    return pages.page(
        request,
        reader,
        "request.html",
        "requests",
        r=request_row(record, words, now_utc, names),
        steps=line_of(matter, words, now_utc),
        clocks=clock_rows(clocks, words, now_utc),
        history=record_rows(matter, words, now_utc, names),
        buttons=step_buttons(record, role, words),
        caller=caller,
        links=links,
        promises=[
            (COMMITMENTS[code][1].in_language(words.language), words.near_clock(due, now_utc))
            for code, due in promised
        ],
        crews=crews,
        can_confirm=can_confirm and may(role, Action.CALL_BACK),
        can_note=may(role, Action.WORK_REQUEST) and record.state not in ENDED,
        note_kinds=_note_kinds(record, role, words),
        can_decline=RequestEvent.DECLINE in REQUEST.possible_events(record.state)
        and may(role, action_of(record, RequestEvent.DECLINE)),
        is_application=record.kind is RequestKind.APPLICATION,
        is_complaint=record.kind in {RequestKind.COMPLAINT, RequestKind.WHISTLE_BLOW},
        asked=asked_rows(asked, words, now_utc, names),
        can_ask=may(role, Action.WORK_REQUEST) and record.state not in ENDED,
        stand_in=stand_in,
        recorded_call=record.call_id if is_recorded and may(role, Action.SEE_RECORDING) else "",
        first_contact=names.accounts.get(record.first_contact, record.first_contact),
        satisfied=_satisfied(record, words),
        problem_text=problem,
        status=409 if problem else 200,
    )


def _note_kinds(record: RequestRecord, role: Role, words: Words) -> list[tuple[str, str]]:
    """Return what a reader may note about the request: code and words."""
    found = []
    for kind in NOTED:
        is_apt = (kind not in _OF_MEDIA or record.is_media) and (
            kind not in _OF_REPAIRS or record.kind is RequestKind.REPAIR
        )
        if is_apt and may(role, ACTION_OF_NOTE.get(kind, Action.WORK_REQUEST)):
            found.append((str(kind), label(words, NOTE_KINDS, kind)))
    return found


def _satisfied(record: RequestRecord, words: Words) -> str:
    if record.is_satisfied is None:
        return ""
    return words.gettext(mark("satisfied") if record.is_satisfied else mark("not satisfied"))


def _may_be_sent(record: RequestRecord) -> bool:
    waits = record.state in {_S.CLASSIFIED, _S.ACCEPTED, _S.ASSIGNED}
    return waits and RULES[record.request_class].order_type is not None


def _caller(connection: Connection, record: RequestRecord, reader: Reader) -> CallerView | None:
    """Return who called; a whole contact only while the request is open (privacy rule 1)."""
    caller = caller_of(connection, record.request_id)
    if caller is None:
        return None
    is_whole = may(reader.person.role, Action.SEE_CONTACT) and record.state not in ENDED
    return CallerView(
        name=caller.name if is_whole else f"{caller.name[:1]}**" if caller.name else "",
        phone=caller.phone if is_whole else masked(caller.phone),
        words=caller.words,
        address=record.address if is_whole else "",
        is_masked=not is_whole,
    )


def _audit_reading(pages: Pages, reader: Reader, request_id: str) -> None:
    """Note that a whole contact was shown (privacy rule 4); its reason is the open request."""
    with writing(pages.engine) as connection:
        event = AuditEvent(
            actor=reader.person.account_id, action="contact.read", subject=request_id, detail={}
        )
        append_audit(connection, event, pages.clock.now_utc())


def _links(connection: Connection, record: RequestRecord, words: Words) -> list[LinkView]:
    ids = [each for each in (record.repeat_of, record.duplicate_of) if each]
    numbers = by_numbers(connection, ids)
    found = []
    if record.order_id is not None:
        line = order_lines(connection, [record.order_id]).get(record.order_id)
        if line is not None:
            found.append(LinkView(words=line.number, href=f"/orders/{record.order_id}"))
    if record.repeat_of is not None and record.repeat_of in numbers:
        text = words.gettext(mark("repeats {number}")).format(number=numbers[record.repeat_of])
        found.append(LinkView(words=text, href=f"/requests/{record.repeat_of}"))
    if record.duplicate_of is not None and record.duplicate_of in numbers:
        text = words.gettext(mark("same as {number}")).format(number=numbers[record.duplicate_of])
        found.append(LinkView(words=text, href=f"/requests/{record.duplicate_of}"))
    if record.group_id is not None:
        group = get_group(connection, record.group_id)
        for each in of_group(connection, record.group_id):
            if each.request_id != record.request_id:
                text = f"{group.number} · {each.number}"
                found.append(LinkView(words=text, href=f"/requests/{each.request_id}"))
    return found
