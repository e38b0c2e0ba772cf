"""The routes of the intake: the page, what it shows while one types, and the sending."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from sync_server.db.engine_io import reading, writing
from sync_server.service_desk.call_store import caller_of_call
from sync_server.service_desk.catalogue import RULES, commitments_for
from sync_server.service_desk.group_store import join_group
from sync_server.service_desk.intake_line import LONGEST_LINE
from sync_server.service_desk.request import (
    Caller,
    Channel,
    NewRequest,
    RequestClass,
    RequestRecord,
    Triage,
)
from sync_server.service_desk.request_guards import Attempt
from sync_server.service_desk.request_rows_store import get_request
from sync_server.service_desk.request_store import (
    Office,
    record_request,
    same_matter,
    send_crew,
    send_slip,
    take_step,
)
from sync_server.web.calls_io import call_rows
from sync_server.web.crews_io import crew_choices
from sync_server.web.desk_labels import CHANNELS
from sync_server.web.desk_names_store import load_names
from sync_server.web.guarded_io import TakeRequest
from sync_server.web.intake_look_io import Typed, look_up
from sync_server.web.intake_views import Chosen, Look, Sending, intake_view, proposed
from sync_server.web.labels import ROLES, label
from sync_server.web.pages_io import Pages, Reader, see_other
from sync_server.web.request_views import Names
from sync_server.web.words import Words, mark
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.life_cycle import RefusedTransition
from wire_contracts.quantities import Medium
from wire_contracts.request_states import RequestEvent


class TypedForm(BaseModel):
    """What the page's fields hold while a call is taken."""

    line: str = Field(default="", max_length=LONGEST_LINE)
    phone: str = Field(default="", max_length=80)
    name: str = Field(default="", max_length=200)
    address: str = Field(default="", max_length=400)
    home: str = Field(default="", max_length=64)
    home_for: str | None = Field(default=None, max_length=LONGEST_LINE * 3)
    cls: str = Field(default="", max_length=30)
    prio: str = Field(default="", max_length=1)
    call: str = Field(default="", max_length=64)


class SendForm(TypedForm):
    """What is sent: the fields, and what shall become of it."""

    send: Sending = Sending.AUTO
    triage: Triage = Triage.UNKNOWN
    channel: Channel = Channel.PHONE
    answer: str = Field(default="", max_length=4000)
    crew: str = Field(default="", max_length=64)
    promise: list[str] = Field(default_factory=list, max_length=10)
    major: str = Field(default="", max_length=3)
    media: str = Field(default="", max_length=3)
    no_danger: str = Field(default="", max_length=200)


Asked = Annotated[TypedForm, Query()]


def intake_router(pages: Pages) -> APIRouter:
    """Return the routes of the intake."""
    router = APIRouter()

    @router.get("/intake")
    def intake(request: Request, person: TakeRequest, typed: Asked, done: str = "") -> Response:
        """Show the page; `done` is the request that was just recorded."""
        if typed.call and not typed.phone:
            with reading(pages.engine) as connection:
                typed = typed.model_copy(update={"phone": caller_of_call(connection, typed.call)})
        return _page(
            pages, request, pages.reader(person), SendForm(**typed.model_dump()), done=done
        )

    @router.get("/intake/look")
    def look(person: TakeRequest, typed: Asked) -> Response:
        """Show what is known of the typed line, for the script."""
        reader = pages.reader(person)
        office = office_of(pages, reader)
        with reading(pages.engine) as connection:
            names = load_names(connection)
            found = look_up(connection, _typed(typed), office, reader.words, names)
            crews = crew_choices(connection, reader.words, "")
        return pages.part(
            reader,
            "_intake_look.html",
            look=intake_view(found, reader.words, names),
            form=SendForm(**typed.model_dump()),
            crews=crews,
        )

    @router.post("/intake")
    def send(request: Request, person: TakeRequest, form: Annotated[SendForm, Form()]) -> Response:
        """Record the matter and send it on its way, in one transaction."""
        reader = pages.reader(person)
        office = office_of(pages, reader)
        try:
            with writing(pages.engine) as connection:
                names = load_names(connection)
                found = look_up(connection, _typed(form), office, reader.words, names)
                record = _send(connection, form, found, office)
        except (ContractError, RefusedTransition) as problem:
            return _page(pages, request, reader, form, problem=str(problem))
        return see_other(f"/intake?done={record.request_id}")

    return router


def office_of(pages: Pages, reader: Reader) -> Office:
    """Return who acts, when, and in which zone."""
    return Office(
        actor=reader.person.account_id,
        now_utc=pages.clock.now_utc(),
        zone=pages.settings.zone,
    )


def _typed(form: TypedForm) -> Typed:
    known = set(RequestClass)
    return Typed(
        line=form.line,
        phone=form.phone,
        chosen=Chosen(
            request_class=RequestClass(form.cls) if form.cls in known else None,
            priority=int(form.prio) if form.prio in {"1", "2", "3", "4"} else None,
            home=form.home,
            home_for=form.home_for,
        ),
    )


def _send(connection: Connection, form: SendForm, look: Look, office: Office) -> RequestRecord:
    if look.request_class is None:
        raise ContractError(
            place="intake",
            field="class",
            problem="is not known yet",
            remedy="type its code, or choose it in the list",
            code=Code.FIELD_MISSING,
        )
    if look.homes and look.home is None and not form.address.strip():
        raise ContractError(
            place="intake",
            field="home",
            problem=f"{len(look.homes)} homes fit",
            remedy="choose one with the arrow keys, or type building, unit and door",
            code=Code.FIELD_MISSING,
        )
    if look.danger and form.no_danger != look.danger:
        raise ContractError(
            place="intake",
            field="danger",
            problem=f"may be told by {look.danger!r}",
            remedy="ask the caller: choose the class of the danger, or say that there is none",
            code=Code.FIELD_MISSING,
        )
    sending = proposed(look) if form.send is Sending.AUTO else form.send
    new = _new_request(form, look, office.now_utc)
    codes = [each for each in form.promise if each in commitments_for(look.request_class)]
    record = record_request(connection, new, codes, office)
    return _carry_out(connection, record, sending, form, look, office)


def _carry_out(  # noqa: PLR0913, PLR0917  # the request, its way, and who sends it
    connection: Connection,
    record: RequestRecord,
    sending: Sending,
    form: SendForm,
    look: Look,
    office: Office,
) -> RequestRecord:
    like = look.likeness
    if sending is Sending.SAME and like is not None and like.same is not None:
        known = get_request(connection, like.same.request_id, is_locked=True)
        return same_matter(connection, record, known, office)
    if sending is Sending.JOIN and like is not None and like.flood:
        return join_group(connection, record, like.flood, office)
    if sending is Sending.CREW:
        return send_crew(connection, record, form.crew or None, office)
    if sending in {Sending.SOLVED, Sending.HOLD}:
        event = RequestEvent.SOLVE if sending is Sending.SOLVED else RequestEvent.AWAIT_ANSWER
        attempt = Attempt(event=event, actor=office.actor, text=form.answer)
        return take_step(connection, record.request_id, attempt, office)
    return send_slip(connection, record, None, office)


def _new_request(form: SendForm, look: Look, now_utc: datetime) -> NewRequest:
    if look.request_class is None:
        raise AssertionError("asked before")
    rule = RULES[look.request_class]
    home = look.home
    customer = home.customer if home is not None else None
    premises = home.premises if home is not None else None
    is_repeat = look.likeness is not None and look.likeness.repeat_of is not None
    repeated = look.likeness.repeat_of if look.likeness is not None and is_repeat else None
    medium = rule.medium or look.line.medium or _only_medium(look)
    meter = look.line.meter_id.upper() or _meter_of(look, medium)
    return NewRequest(
        kind=rule.kind,
        request_class=look.request_class,
        medium=medium,
        safety_class=rule.safety_class,
        priority=look.priority,
        channel=form.channel,
        triage=form.triage,
        is_major=bool(form.major),
        is_media=bool(form.media),
        premises_id=premises.premises_id if premises else None,
        community_id=premises.community_id if premises else None,
        address=form.address.strip() or (premises.address if premises else look.unknown_place),
        meter_id=meter or None,
        repeat_of=repeated.request_id if repeated else None,
        call_id=form.call or None,
        received_at_utc=now_utc,
        caller=Caller(
            name=form.name.strip() or (customer.name if customer else ""),
            phone=form.phone.strip() or (customer.phone if customer else ""),
            words=look.said,
            customer_id=customer.customer_id if customer else None,
        ),
    )


def _only_medium(look: Look) -> Medium | None:
    """Return the medium of the home's meters when they all have one."""
    found = {each.medium for each in look.values}
    return Medium(next(iter(found))) if len(found) == 1 else None


def _meter_of(look: Look, medium: str | None) -> str:
    """Return the home's meter of the medium; empty when there is none, or no medium is meant."""
    return next((each.meter_id for each in look.values if each.medium == medium), "")


def _page(  # noqa: PLR0913  # the fields, and what went well or wrong
    pages: Pages,
    request: Request,
    reader: Reader,
    form: SendForm,
    *,
    done: str = "",
    problem: str = "",
) -> Response:
    words = reader.words
    office = office_of(pages, reader)
    with reading(pages.engine) as connection:
        names = load_names(connection)
        found = look_up(connection, _typed(form), office, words, names)
        recorded = _recorded(connection, done, words, names) if done else None
        crews = crew_choices(connection, words, "")
        calls = call_rows(connection, words, found.terms, office.now_utc)
    return pages.page(
        request,
        reader,
        "intake.html",
        "intake",
        form=form,
        greeting=_greeting(pages, reader),
        look=intake_view(found, words, names),
        crews=crews,
        calls=calls,
        channels=list(Channel),
        channel_words={each: label(words, CHANNELS, each) for each in Channel},
        done_text=recorded[0] if recorded else "",
        done_href=recorded[1] if recorded else "",
        problem_text=problem,
        status=400 if problem else 200,
    )


def _greeting(pages: Pages, reader: Reader) -> str:
    """Return what the caller hears first: company, name and title (rule A-13, policy K13)."""
    text = reader.words.gettext(mark("Say: {site}, {title} {name} speaking. How can I help you?"))
    return text.format(
        site=pages.settings.site_name,
        title=label(reader.words, ROLES, reader.person.role),
        name=reader.person.display_name,
    )


def _recorded(
    connection: Connection, request_id: str, words: Words, names: Names
) -> tuple[str, str] | None:
    """Return what became of the call just taken, and where it is."""
    try:
        record = get_request(connection, request_id)
    except ContractError:
        return None
    crew = names.crews.get(record.team or "", "")
    if crew:
        text = words.gettext(mark("{number} is recorded, {crew} was sent"))
    elif record.duplicate_of:
        text = words.gettext(mark("{number} is recorded with the request that is open already"))
    else:
        text = words.gettext(mark("{number} is recorded"))
    return text.format(number=record.number, crew=crew), f"/requests/{record.request_id}"
