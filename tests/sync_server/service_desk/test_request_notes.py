"""What is told, held, declined or given up before a request is done, and its clocks."""

import json
from dataclasses import replace
from datetime import UTC, timedelta

import pytest
from sqlalchemy import Engine

from sync_server.access.audit_store import list_audit
from sync_server.access.roles import Role
from sync_server.service_desk.clocks import Light
from sync_server.service_desk.request import NoteKind, RequestClass
from sync_server.service_desk.request_guards import follow_up_weeks
from sync_server.service_desk.request_rows_store import (
    get_request,
    matter_of,
    notes_of,
)
from sync_server.service_desk.request_store import (
    add_note,
    record_request,
    send_slip,
    take_step,
)
from tests.sync_server.people_parts import person
from tests.sync_server.real_parts import NOON
from tests.sync_server.service_desk.desk_town import SHANGHAI, found_desk_town, wanted
from tests.sync_server.service_desk.request_parts import (
    attempt,
    clock_of,
    light_of,
)
from wire_contracts.errors import ContractError
from wire_contracts.request_states import RequestEvent, RequestState

_E = RequestEvent
_S = RequestState
_C = RequestClass


def test_progress_told_to_the_customer_stops_the_half_hour(sqlite_engine: Engine) -> None:
    """Rule A-07. Rule C-37: within 30 minutes progress, result or solution."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        record = record_request(connection, wanted(_C.NO_GAS), (), town.office())
        sent = send_slip(connection, record, None, town.office())
        running = light_of(connection, sent, "CL5", town.office(minutes=20))
        late = light_of(connection, sent, "CL5", town.office(minutes=31))
        told = add_note(
            connection,
            record.request_id,
            NoteKind.PROGRESS,
            "crew is on the way",
            town.office(minutes=25),
        )
        stopped = light_of(connection, told, "CL5", town.office(minutes=40))

    assert (running, late, stopped) == (Light.SOON, Light.LATE, Light.STOPPED)


def test_a_major_matter_runs_until_a_leader_is_told(sqlite_engine: Engine) -> None:
    """Rules A-35, C-44."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        new = replace(wanted(_C.CONDUCT), is_major=True)
        record = record_request(connection, new, (), town.office())
        before = light_of(connection, record, "CL12", town.office(minutes=31))
        told = add_note(
            connection,
            record.request_id,
            NoteKind.LEADER_TOLD,
            "director informed",
            town.office(minutes=20),
        )
        after = light_of(connection, told, "CL12", town.office(minutes=31))

    assert (before, after) == (Light.LATE, Light.STOPPED)


def test_what_cannot_be_answered_at_once_is_held_and_answered_later(sqlite_engine: Engine) -> None:
    """Rules A-33, C-51, D-05, E-17."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        record = record_request(connection, wanted(_C.PRICE_QUESTION), (), town.office())
        with pytest.raises(ContractError, match="where the caller is reached"):
            take_step(
                connection, record.request_id, attempt(_E.AWAIT_ANSWER, town.agent), town.office()
            )
        held = take_step(
            connection,
            record.request_id,
            attempt(_E.AWAIT_ANSWER, town.agent, "metering knows; call 155 0101 2890"),
            town.office(),
        )
        later = town.office(minutes=90)
        take_step(connection, record.request_id, attempt(_E.RESUME, town.agent), later)
        answer = attempt(_E.SOLVE, town.agent, "2.95 yuan for each m³")
        solved = take_step(connection, record.request_id, answer, later)

    assert (held.state, held.due_clock) == (_S.PENDING_ANSWER, "CL11")
    assert (solved.state, solved.due_at_utc) == (_S.SOLVED_AT_FIRST_CONTACT, None)


def test_a_demand_is_declined_by_who_may_and_with_its_reason(sqlite_engine: Engine) -> None:
    """Rules B-04, D-06, E-18."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        record = record_request(connection, wanted(_C.BILLING), (), town.office())
        office = town.office(town.quality)
        declined = attempt(_E.DECLINE, town.agent, "no")
        with pytest.raises(ContractError, match="may not close_request"):
            take_step(connection, record.request_id, declined, town.office())
        with pytest.raises(ContractError, match="what the customer can do instead"):
            take_step(connection, record.request_id, attempt(_E.DECLINE, town.quality), office)
        bare = attempt(_E.DECLINE, town.quality, "the bill is right")
        with pytest.raises(ContractError, match="alternative: is empty"):
            take_step(connection, record.request_id, bare, office)
        said = replace(bare, alternative="a test bench checks the meter")
        done = take_step(connection, record.request_id, said, office)
        told = [each.text for each in notes_of(connection, record.request_id)]

    assert (done.state, told) == (
        _S.DECLINED,
        ["the bill is right\n→ a test bench checks the meter"],
    )


def test_an_unfinished_matter_is_given_up_after_three_weekly_follow_ups(
    sqlite_engine: Engine,
) -> None:
    """Rule C-26: reason, interim result, weekly follow-ups, at least three."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        record = record_request(connection, wanted(_C.NO_WATER), (), town.office())
        send_slip(connection, record, None, town.office())
        for event, text in ((_E.ACCEPT, ""), (_E.START, ""), (_E.SUBMIT_UNFINISHED, "no part")):
            said = attempt(event, town.leader, text)
            take_step(connection, record.request_id, said, town.office(town.leader, 5))
        give_up = replace(
            attempt(_E.DECLINE, town.quality, "no such part"), alternative="a new meter"
        )
        for week in (1, 1, 2, 3):
            office = town.office(town.quality, week * 10080 + 30)
            with pytest.raises(ContractError, match="follow it up in 3 weeks"):
                take_step(connection, record.request_id, give_up, office)
            again = attempt(_E.SUBMIT_UNFINISHED, town.leader, "still none")
            office = town.office(town.leader, week * 10080 + 40)
            take_step(connection, record.request_id, again, office)
        late = town.office(town.quality, 3 * 10080 + 60)
        done = take_step(connection, record.request_id, give_up, late)

    assert done.state is _S.DECLINED


def test_a_media_case_is_closed_when_quality_approved_the_written_reply(
    sqlite_engine: Engine,
) -> None:
    """Rules C-23, C-27, C-28: written reply in 24 h, its audit, the hotline told in an hour."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        new = replace(wanted(_C.SUPPLY_QUALITY), is_media=True)
        request_id = record_request(connection, new, (), town.office()).request_id
        record = get_request(connection, request_id)
        send_slip(connection, record, None, town.office())
        for event, text in (
            (_E.ACCEPT, ""),
            (_E.START, ""),
            (_E.FINISH, "flushed"),
            (_E.REPLY, "x"),
        ):
            said = attempt(event, town.leader, text)
            take_step(connection, request_id, said, town.office(town.leader, 5))
        leader = town.office(town.leader, 6)
        with pytest.raises(ContractError, match="may not close_request"):
            add_note(connection, request_id, NoteKind.REPLY_APPROVED, "good", leader)
        add_note(
            connection, request_id, NoteKind.REPLY_RETURNED, "why?", town.office(town.quality, 7)
        )
        called = attempt(_E.CONFIRM, town.agent, "fine", is_satisfied=True)
        take_step(connection, request_id, called, town.office(minutes=8))
        close = attempt(_E.CLOSE, town.quality)
        with pytest.raises(ContractError, match="quality reads a written reply first"):
            take_step(connection, request_id, close, town.office(town.quality, 9))
        office = town.office(town.quality, 20)
        record = add_note(connection, request_id, NoteKind.REPLY_APPROVED, "good", office)
        due = clock_of(connection, record, "CL10", office)
        add_note(connection, request_id, NoteKind.DESK_INFORMED, "told liu", office)
        closed = take_step(connection, request_id, close, office)
        told = clock_of(connection, closed, "CL10", town.office(minutes=600))
        written = clock_of(connection, closed, "CL9", office)

    assert due.due_at_utc == NOON + timedelta(minutes=80)
    assert (due.light(office.now_utc), told.light(office.now_utc)) == (Light.OK, Light.STOPPED)
    assert (written.stopped_at_utc, closed.state) == (NOON + timedelta(minutes=5), _S.CLOSED)


def test_work_that_the_customer_pays_begins_with_consent(sqlite_engine: Engine) -> None:
    """Rules A-36, C-05: warranty scope is decided, what is out of it needs consent."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        leader = town.office(town.leader, 5)
        record = record_request(connection, wanted(_C.METER_FAULT), (), town.office())
        send_slip(connection, record, None, town.office())
        start = attempt(_E.START, town.leader)
        take_step(connection, record.request_id, attempt(_E.ACCEPT, town.leader), leader)
        add_note(connection, record.request_id, NoteKind.OUT_OF_WARRANTY, "of 2014", leader)
        with pytest.raises(ContractError, match="note the customer's consent"):
            take_step(connection, record.request_id, start, leader)
        add_note(connection, record.request_id, NoteKind.CONSENT, "60 yuan, yes", leader)
        begun = take_step(connection, record.request_id, start, leader)

    assert begun.state is _S.IN_PROGRESS


def test_a_department_is_reminded_and_the_clock_goes_on(sqlite_engine: Engine) -> None:
    """Rule D-27: urged inside the promised time; the user is asked at the callback."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        record = record_request(connection, wanted(_C.NO_WATER), (), town.office())
        send_slip(connection, record, None, town.office())
        office = town.office(minutes=6)
        reminded = add_note(connection, record.request_id, NoteKind.REMINDER, "accept it", office)
        kinds = [each.kind for each in notes_of(connection, record.request_id)]

    assert (reminded.due_clock, kinds) == ("CL6", [NoteKind.REMINDER])


@pytest.mark.parametrize(
    "event", [_E.DECLINE, _E.MARK_DUPLICATE, _E.SUSPECT_MALICIOUS, _E.SUSPEND, _E.AWAIT_CUSTOMER]
)
def test_a_danger_is_left_without_a_crew_by_no_agent_and_no_quality_officer(
    sqlite_engine: Engine, event: RequestEvent
) -> None:
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        record = record_request(connection, wanted(_C.GAS_LEAK), (), town.office())
        for actor in (town.agent, town.leader, town.quality):
            said = replace(attempt(event, actor, "no danger"), alternative="call again")
            with pytest.raises(ContractError, match="may not leave_danger"):
                take_step(connection, record.request_id, said, town.office(actor))


def test_a_danger_is_declined_by_a_safety_officer_who_did_not_take_it_with_a_reason(
    sqlite_engine: Engine,
) -> None:
    """Rules D-06, E-18 for safety class A."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        taker, other = (
            person(connection, name, Role.SAFETY_OFFICER).account_id for name in ("an", "bo")
        )
        record = record_request(connection, wanted(_C.GAS_LEAK), (), town.office(taker))
        said = replace(attempt(_E.DECLINE, taker, "the alarm was tested"), alternative="call again")
        with pytest.raises(ContractError, match="took the call of a danger"):
            take_step(connection, record.request_id, said, town.office(taker))
        bare = replace(said, actor=other, text=" ")
        with pytest.raises(ContractError, match="the reason"):
            take_step(connection, record.request_id, bare, town.office(other))
        done = take_step(connection, record.request_id, replace(said, actor=other), town.office())
        noted = [each for each in list_audit(connection) if each.action == "request.no_crew"]

    assert done.state is _S.DECLINED
    assert [(each.actor, each.subject, json.loads(each.detail_text)) for each in noted] == [
        (other, record.request_id, {"step": "decline", "reason": "the alarm was tested"})
    ]


def test_weeks_of_follow_ups_are_the_towns_weeks(sqlite_engine: Engine) -> None:
    """Monday, 02:00 in Shanghai is Sunday in UTC: it belongs to the week that has begun."""
    monday = timedelta(days=7, hours=-10)
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        record = record_request(connection, wanted(_C.NO_WATER), (), town.office())
        send_slip(connection, record, None, town.office())
        for event, text in ((_E.ACCEPT, ""), (_E.START, ""), (_E.SUBMIT_UNFINISHED, "no part")):
            said = attempt(event, town.leader, text)
            take_step(connection, record.request_id, said, town.office(town.leader, 5))
        for after in (monday - timedelta(days=1), monday):
            office = town.office(town.leader, after / timedelta(minutes=1))
            said = attempt(_E.SUBMIT_UNFINISHED, town.leader, "no part")
            take_step(connection, record.request_id, said, office)
        matter = matter_of(connection, get_request(connection, record.request_id))

    assert (follow_up_weeks(matter, SHANGHAI), follow_up_weeks(matter, UTC)) == (2, 1)
