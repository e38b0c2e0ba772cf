"""The rows of requests: read, made, moved along the life cycle; nothing here asks who may."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    func,
    insert,
    or_,
    select,
    update,
)

from sync_server.access.refusals import not_found
from sync_server.access.secrets_io import new_id
from sync_server.customers.customer import digits_of
from sync_server.db.desk_tables import (
    REQUEST_COMMITMENT,
    REQUEST_NOTE,
    REQUEST_PERSON,
    REQUEST_STEP,
    SERVICE_REQUEST,
)
from sync_server.db.feed_store import Topic, append_feed
from sync_server.db.order_tables import ORDER_NUMBER
from sync_server.service_desk.catalogue import COMMITMENTS
from sync_server.service_desk.clocks import ENDED, ClockState, Matter
from sync_server.service_desk.request import (
    Caller,
    Channel,
    NewRequest,
    NoteKind,
    RequestClass,
    RequestKind,
    RequestNote,
    RequestRecord,
    RequestStep,
    Triage,
)
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.orders import SafetyClass
from wire_contracts.quantities import Medium
from wire_contracts.request_states import RequestEvent, RequestState

SERIES = "R"
_WITHOUT_DUE_MS = 2**61
_DANGER_MS = 2**62
"""Class A sorts before everything else, what has no clock behind what has one."""

OPEN = frozenset(RequestState) - ENDED - {RequestState.CONFIRMED}
"""States in which somebody still has to do something, the closing itself aside."""

Values = Mapping[str, str | int | bool | None]


def next_number(connection: Connection, series: str) -> str:
    """Return the next number of a series, such as `R-000123`."""
    number = connection.execute(
        update(ORDER_NUMBER)
        .where(ORDER_NUMBER.c.series == series)
        .values(last_number=ORDER_NUMBER.c.last_number + 1)
        .returning(ORDER_NUMBER.c.last_number)
    ).scalar_one()
    return f"{series}-{number:06d}"


def insert_request(
    connection: Connection, new: NewRequest, actor: str, now_utc: datetime
) -> RequestRecord:
    """Return the recorded request; whoever took it owns it (rule D-14)."""
    request_id = new_id(now_utc)
    now_ms = ms_from_utc(now_utc)
    connection.execute(
        insert(SERVICE_REQUEST).values(
            request_id=request_id,
            number=next_number(connection, SERIES),
            kind=str(new.kind),
            request_class=str(new.request_class),
            medium=None if new.medium is None else str(new.medium),
            channel=str(new.channel),
            state=str(RequestState.RECORDED),
            priority=new.priority,
            safety_class=str(new.safety_class),
            triage=str(new.triage),
            is_major=new.is_major,
            is_media=new.is_media,
            premises_id=new.premises_id,
            community_id=new.community_id,
            address=new.address,
            meter_id=new.meter_id,
            first_contact=actor,
            owner=actor,
            repeat_of=new.repeat_of,
            call_id=new.call_id,
            received_at_ms=ms_from_utc(new.received_at_utc),
            recorded_at_ms=now_ms,
            sort_ms=_sort_ms(None, is_danger=new.safety_class is SafetyClass.A),
            order_steps_seen=0,
            reopen_count=0,
            changed_at_ms=now_ms,
        )
    )
    _insert_person(connection, request_id, new.caller)
    return get_request(connection, request_id)


def _insert_person(connection: Connection, request_id: str, caller: Caller) -> None:
    connection.execute(
        insert(REQUEST_PERSON).values(
            request_id=request_id,
            customer_id=caller.customer_id,
            name=caller.name,
            phone=caller.phone,
            phone_digits=digits_of(caller.phone),
            words=caller.words,
        )
    )


def get_request(
    connection: Connection, request_id: str, *, is_locked: bool = False
) -> RequestRecord:
    """Return one request; raise ContractError when there is none of that id."""
    query = select(SERVICE_REQUEST).where(SERVICE_REQUEST.c.request_id == request_id)
    row = connection.execute(query.with_for_update() if is_locked else query).one_or_none()
    if row is None:
        raise not_found(f"request {request_id!r}", "request")
    return record_of_row(row)


def caller_of(connection: Connection, request_id: str) -> Caller | None:
    """Return who called and in which words, None when the person was erased."""
    query = select(REQUEST_PERSON).where(REQUEST_PERSON.c.request_id == request_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return Caller(name=row.name, phone=row.phone, words=row.words, customer_id=row.customer_id)


def matter_of(connection: Connection, record: RequestRecord) -> Matter:
    """Return the request with its path and its notes, the oldest first."""
    return Matter(
        record=record,
        steps=steps_of(connection, record.request_id),
        notes=notes_of(connection, record.request_id),
    )


def steps_of(connection: Connection, request_id: str) -> Sequence[RequestStep]:
    """Return every step of the path, by event time, then as they came."""
    rows = connection.execute(
        select(REQUEST_STEP)
        .where(REQUEST_STEP.c.request_id == request_id)
        .order_by(REQUEST_STEP.c.step_id)
    )
    return [step_of_row(row) for row in rows]


def step_of_row(row: Row[str]) -> RequestStep:
    """Return a step as it stands in a row."""
    return RequestStep(
        event=RequestEvent(row.event),
        from_state=RequestState(row.from_state),
        to_state=RequestState(row.to_state),
        actor=row.actor,
        reason=row.reason,
        happened_at_utc=utc_from_ms(row.happened_at_ms),
        recorded_at_utc=utc_from_ms(row.recorded_at_ms),
    )


def notes_of(connection: Connection, request_id: str) -> Sequence[RequestNote]:
    """Return what people wrote, the oldest first."""
    rows = connection.execute(
        select(REQUEST_NOTE)
        .where(REQUEST_NOTE.c.request_id == request_id)
        .order_by(REQUEST_NOTE.c.note_id)
    )
    return [note_of_row(row) for row in rows]


def note_of_row(row: Row[str]) -> RequestNote:
    """Return a note as it stands in a row."""
    return RequestNote(
        kind=NoteKind(row.kind), actor=row.actor, text=row.text, at_utc=utc_from_ms(row.at_ms)
    )


def insert_note(connection: Connection, request_id: str, note: RequestNote) -> None:
    """Keep what somebody wrote."""
    connection.execute(
        insert(REQUEST_NOTE).values(
            request_id=request_id,
            kind=str(note.kind),
            actor=note.actor,
            text=note.text,
            at_ms=ms_from_utc(note.at_utc),
        )
    )


def insert_commitments(
    connection: Connection, request_id: str, codes: Sequence[str], now_utc: datetime
) -> None:
    """Keep what was promised, each with its time; a code that is not on the list is no promise."""
    now_ms = ms_from_utc(now_utc)
    rows = [
        {
            "request_id": request_id,
            "code": code,
            "due_at_ms": now_ms + COMMITMENTS[code][0] * 60_000,
        }
        for code in dict.fromkeys(codes)
        if code in COMMITMENTS
    ]
    if rows:
        connection.execute(insert(REQUEST_COMMITMENT), rows)


def commitments_of(connection: Connection, request_id: str) -> Sequence[tuple[str, datetime]]:
    """Return code and due time of what was promised, the soonest first."""
    rows = connection.execute(
        select(REQUEST_COMMITMENT)
        .where(REQUEST_COMMITMENT.c.request_id == request_id)
        .order_by(REQUEST_COMMITMENT.c.due_at_ms)
    )
    return [(row.code, utc_from_ms(row.due_at_ms)) for row in rows]


def move_request(
    connection: Connection, record: RequestRecord, step: RequestStep, changed: Values
) -> RequestRecord:
    """Return the request after a step that `next_state` allowed, with further columns changed."""
    connection.execute(
        insert(REQUEST_STEP).values(
            request_id=record.request_id,
            event=str(step.event),
            from_state=str(step.from_state),
            to_state=str(step.to_state),
            actor=step.actor,
            reason=step.reason,
            happened_at_ms=ms_from_utc(step.happened_at_utc),
            recorded_at_ms=ms_from_utc(step.recorded_at_utc),
        )
    )
    return change_request(
        connection, record, {**changed, "state": str(step.to_state)}, step.recorded_at_utc
    )


def change_request(
    connection: Connection, record: RequestRecord, values: Values, now_utc: datetime
) -> RequestRecord:
    """Return the request with columns changed; open pages hear of it."""
    connection.execute(
        update(SERVICE_REQUEST)
        .where(SERVICE_REQUEST.c.request_id == record.request_id)
        .values(**values, changed_at_ms=ms_from_utc(now_utc))
    )
    append_feed(connection, Topic.REQUEST, record.request_id, now_utc)
    return get_request(connection, record.request_id)


def keep_due(connection: Connection, record: RequestRecord, due: ClockState | None) -> None:
    """Keep which clock is over next and where the request stands in the list of what is open."""
    due_utc = None if due is None else due.due_at_utc
    is_open = record.state in OPEN
    connection.execute(
        update(SERVICE_REQUEST)
        .where(SERVICE_REQUEST.c.request_id == record.request_id)
        .values(
            due_from_ms=None if due is None else ms_from_utc(due.started_at_utc),
            due_at_ms=None if due_utc is None else ms_from_utc(due_utc),
            due_clock=None if due is None else due.code,
            sort_ms=_sort_ms(due_utc, is_danger=record.is_safety) if is_open else None,
        )
    )


def open_page(
    connection: Connection,
    states: frozenset[RequestState],
    after: tuple[int, str] | None,
    limit: int,
) -> Sequence[RequestRecord]:
    """Return requests of these open states, class A, then the next clock first, behind a `key_of`.

    Every query runs along one index from the key on: what is open as a whole by one, a few states
    each by its own, merged.
    """
    if states == OPEN:
        return _after(connection, after, limit, SERVICE_REQUEST.c.sort_ms.is_not(None))
    found = [
        each
        for state in sorted(states)
        for each in _after(connection, after, limit, SERVICE_REQUEST.c.state == str(state))
    ]
    return sorted(found, key=key_of)[:limit]


def _after(
    connection: Connection, after: tuple[int, str] | None, limit: int, which: ColumnElement[bool]
) -> list[RequestRecord]:
    sort_ms, request_id = SERVICE_REQUEST.c.sort_ms, SERVICE_REQUEST.c.request_id
    query = select(SERVICE_REQUEST).where(which)
    if after is not None:
        at_ms, last_id = after
        query = query.where(sort_ms >= at_ms, or_(sort_ms > at_ms, request_id > last_id))
    query = query.order_by(sort_ms, request_id).limit(limit)
    return [record_of_row(row) for row in connection.execute(query)]


def newest_page(
    connection: Connection, states: frozenset[RequestState], before: str | None, limit: int
) -> Sequence[RequestRecord]:
    """Return requests of these states, the newest first, older than the request `before`.

    Read along the primary key: the states are wrapped, so that no database gathers and sorts all
    that are closed (100,000 requests: 190 ms so, 15 ms along the key).
    """
    query = select(SERVICE_REQUEST)
    if states != frozenset(RequestState):
        wrapped = func.coalesce(SERVICE_REQUEST.c.state, "")
        query = query.where(wrapped.in_([str(each) for each in states]))
    if before is not None:
        query = query.where(SERVICE_REQUEST.c.request_id < before)
    query = query.order_by(SERVICE_REQUEST.c.request_id.desc()).limit(limit)
    return [record_of_row(row) for row in connection.execute(query)]


def key_of(record: RequestRecord) -> tuple[int, str]:
    """Return the place of a request in the order of `open_page`."""
    return _sort_ms(record.due_at_utc, is_danger=record.is_safety), record.request_id


def _sort_ms(due_utc: datetime | None, *, is_danger: bool) -> int:
    due_ms = _WITHOUT_DUE_MS if due_utc is None else ms_from_utc(due_utc)
    return due_ms - (_DANGER_MS if is_danger else 0)


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else utc_from_ms(milliseconds)


def record_of_row(row: Row[str]) -> RequestRecord:
    """Return a request as it stands in a row."""
    return RequestRecord(
        request_id=row.request_id,
        number=row.number,
        kind=RequestKind(row.kind),
        request_class=RequestClass(row.request_class),
        medium=None if row.medium is None else Medium(row.medium),
        channel=Channel(row.channel),
        state=RequestState(row.state),
        priority=row.priority,
        safety_class=SafetyClass(row.safety_class),
        triage=Triage(row.triage),
        is_major=row.is_major,
        is_media=row.is_media,
        premises_id=row.premises_id,
        community_id=row.community_id,
        address=row.address,
        meter_id=row.meter_id,
        first_contact=row.first_contact,
        owner=row.owner,
        team=row.team,
        order_id=row.order_id,
        group_id=row.group_id,
        repeat_of=row.repeat_of,
        duplicate_of=row.duplicate_of,
        call_id=row.call_id,
        received_at_utc=utc_from_ms(row.received_at_ms),
        recorded_at_utc=utc_from_ms(row.recorded_at_ms),
        on_site_at_utc=_moment(row.on_site_at_ms),
        due_from_utc=_moment(row.due_from_ms),
        due_at_utc=_moment(row.due_at_ms),
        due_clock=row.due_clock,
        order_steps_seen=row.order_steps_seen,
        is_satisfied=row.is_satisfied,
        reopen_count=row.reopen_count,
        changed_at_utc=utc_from_ms(row.changed_at_ms),
    )
