"""The life of a request: taken, sent, done by a crew, answered, called back, closed."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine

from sync_server.access.audit_store import verify_audit
from sync_server.db.engine_io import reading
from sync_server.db.feed_store import Topic, read_feed
from sync_server.service_desk.clocks import ClockState, Light, clocks_of
from sync_server.service_desk.erasing_store import erase_callers
from sync_server.service_desk.group_store import get_group, join_group, open_groups, share_order
from sync_server.service_desk.order_follow_store import behind, follow_orders
from sync_server.service_desk.request import NoteKind, RequestClass, RequestRecord
from sync_server.service_desk.request_finds_store import known_near
from sync_server.service_desk.request_guards import Attempt
from sync_server.service_desk.request_rows_store import (
    OPEN,
    caller_of,
    commitments_of,
    get_request,
    insert_request,
    key_of,
    matter_of,
    newest_page,
    notes_of,
    open_page,
    steps_of,
)
from sync_server.service_desk.request_store import (
    Office,
    add_note,
    load_terms,
    record_request,
    same_matter,
    send_crew,
    send_slip,
    take_step,
)
from sync_server.work_orders.order import Mover
from sync_server.work_orders.order_rows_store import move_order, record_of
from sync_server.work_orders.order_store import get_order
from sync_server.work_orders.person_store import person_of
from tests.sync_server.real_parts import NOON
from tests.sync_server.service_desk.desk_town import PHONE, DeskTown, found_desk_town, wanted
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.life_cycle import RefusedTransition
from wire_contracts.orders import SafetyClass
from wire_contracts.request_states import RequestEvent, RequestState
from wire_contracts.work_order_states import WorkOrderEvent, WorkOrderState

_E = RequestEvent
_S = RequestState
_C = RequestClass


def crew_does(connection: Connection, order_id: str, event: WorkOrderEvent, minutes: float) -> None:
    at_utc = NOON + timedelta(minutes=minutes)
    mover = Mover(actor="wang", happened_at_utc=at_utc, crew_id="crew-1")
    move_order(connection, record_of(connection, order_id), event, mover, at_utc)


def leak(connection: Connection, town: DeskTown) -> RequestRecord:
    record = record_request(connection, wanted(_C.GAS_LEAK), ("on_site_60",), town.office())
    return send_crew(connection, record, None, town.office())


def attempt(event: RequestEvent, actor: str, text: str = "", **said: bool) -> Attempt:
    return Attempt(event=event, actor=actor, text=text, is_satisfied=said.get("is_satisfied"))


def light_of(connection: Connection, record: RequestRecord, code: str, office: Office) -> Light:
    clocks = clocks_of(matter_of(connection, record), load_terms(connection, office))
    return next(each for each in clocks if each.code == code).light(office.now_utc)


def test_a_gas_leak_sends_a_crew_in_the_same_transaction_as_the_call(engine: Engine) -> None:
    with engine.begin() as connection:
        town = found_desk_town(connection)
        record = leak(connection, town)
        order = get_order(connection, record.order_id or "")
        met = person_of(connection, order.order_id)
        feed = read_feed(connection, 0, 100)

    assert record.state is _S.DISPATCHED
    assert (order.state, order.document.crew_id) == (WorkOrderState.RELEASED, "crew-1")
    assert order.document.safety_class is SafetyClass.A
    assert met is not None
    assert (met.name, met.note) == ("陈桂芳", "厨房有味")
    assert (record.due_clock, record.due_at_utc) == ("CL6", NOON + timedelta(minutes=2))
    assert {Topic.REQUEST, Topic.ORDER} <= {each.topic for each in feed}


def test_the_agent_who_heard_of_it_owns_it_until_somebody_accepts(sqlite_engine: Engine) -> None:
    """Rules A-04, A-24, C-06, D-14: classified, sent, owned at every instant."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        record = record_request(connection, wanted(_C.NO_GAS), (), town.office())
        sent = send_slip(connection, record, None, town.office())
        taken = take_step(
            connection,
            record.request_id,
            attempt(_E.ACCEPT, town.dispatcher),
            town.office(town.dispatcher, 3),
        )

    assert (record.owner, sent.owner, taken.owner) == (town.agent, town.agent, town.dispatcher)
    assert taken.first_contact == town.agent


def test_a_request_follows_its_order_at_the_times_of_the_crew(sqlite_engine: Engine) -> None:
    """Rules A-05, A-38, C-25, D-26: clocks on what happened."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        record = leak(connection, town)
        order_id = record.order_id or ""
        for event, minutes in (
            (WorkOrderEvent.ACCEPT, 1),
            (WorkOrderEvent.DEPART, 2),
            (WorkOrderEvent.ARRIVE, 25),
            (WorkOrderEvent.BEGIN, 26),
            (WorkOrderEvent.FINISH, 80),
        ):
            crew_does(connection, order_id, event, minutes)
        late = town.office(town.dispatcher, 200)
        waiting = behind(connection)
        moved = follow_orders(connection, late)
        again = follow_orders(connection, late)
        record = get_request(connection, record.request_id)
        steps = [
            (each.event, each.happened_at_utc) for each in steps_of(connection, record.request_id)
        ]
        lights = {code: light_of(connection, record, code, late) for code in ("CL6", "CL13", "CL7")}

    assert (len(waiting), moved, again) == (1, 1, 0)
    assert record.state is _S.DONE
    assert record.on_site_at_utc == NOON + timedelta(minutes=25)
    assert steps[2:] == [
        (_E.ACCEPT, NOON + timedelta(minutes=1)),
        (_E.START, NOON + timedelta(minutes=2)),
        (_E.FINISH, NOON + timedelta(minutes=80)),
    ]
    assert lights == {"CL6": Light.STOPPED, "CL13": Light.STOPPED, "CL7": Light.LATE}
    assert record.due_clock == "CL7"


def to_done(connection: Connection, town: DeskTown, request_class: RequestClass) -> str:
    record = record_request(connection, wanted(request_class), (), town.office())
    send_slip(connection, record, None, town.office())
    for event, text in ((_E.ACCEPT, ""), (_E.START, ""), (_E.FINISH, "valve opened")):
        take_step(
            connection,
            record.request_id,
            attempt(event, town.leader, text),
            town.office(town.leader, 5),
        )
    return record.request_id


def test_no_request_ends_without_result_reply_and_another_persons_callback(
    sqlite_engine: Engine,
) -> None:
    """Rules A-15, A-34, A-42, B-06, C-04, C-17. Rules A-14, D-32, C-18: invariants I1 and I5."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        request_id = to_done(connection, town, _C.NO_WATER)
        leader = town.office(town.leader, 10)
        with pytest.raises(ContractError, match="write what the customer was told"):
            take_step(connection, request_id, attempt(_E.REPLY, town.leader), leader)
        take_step(connection, request_id, attempt(_E.REPLY, town.leader, "open again"), leader)
        said = attempt(_E.CONFIRM, town.leader, "fine", is_satisfied=True)
        with pytest.raises(ContractError, match="may not call_back"):
            take_step(connection, request_id, said, leader)
        with pytest.raises(ContractError, match="say whether the customer is satisfied"):
            take_step(connection, request_id, attempt(_E.CONFIRM, town.agent, "fine"), leader)
        said = attempt(_E.CONFIRM, town.agent, "fine", is_satisfied=True)
        take_step(connection, request_id, said, town.office(minutes=60))
        with pytest.raises(ContractError, match="may not close_request"):
            take_step(connection, request_id, attempt(_E.CLOSE, town.agent), town.office())
        closed = take_step(
            connection, request_id, attempt(_E.CLOSE, town.quality), town.office(town.quality, 61)
        )
        kinds = [each.kind for each in notes_of(connection, request_id)]
        verdict = verify_audit(connection)

    assert (closed.state, closed.is_satisfied, closed.due_at_utc) == (_S.CLOSED, True, None)
    assert kinds == [NoteKind.RESULT, NoteKind.REPLY, NoteKind.CALLBACK]
    assert verdict.is_whole


def test_whoever_wrote_the_reply_does_not_call_back(sqlite_engine: Engine) -> None:
    """Rule K5: not the doer."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        request_id = to_done(connection, town, _C.NO_WATER)
        take_step(
            connection, request_id, attempt(_E.REPLY, town.agent, "open again"), town.office()
        )
        said = attempt(_E.CONFIRM, town.agent, "fine", is_satisfied=True)

        with pytest.raises(ContractError, match="let somebody else call the customer back"):
            take_step(connection, request_id, said, town.office())


def test_a_callback_that_finds_it_undone_opens_it_again(sqlite_engine: Engine) -> None:
    """Rule C-20. Rule D-29."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        request_id = to_done(connection, town, _C.NO_WATER)
        take_step(
            connection, request_id, attempt(_E.REPLY, town.leader, "open"), town.office(town.leader)
        )
        opened = take_step(
            connection, request_id, attempt(_E.REOPEN, town.agent, "still dry"), town.office()
        )
        sent = send_crew(connection, opened, "crew-1", town.office(town.dispatcher))

    assert (opened.state, opened.reopen_count) == (_S.ASSIGNED, 1)
    assert sent.order_id is not None


def test_a_bounced_slip_is_the_first_contacts_again_with_a_reason(sqlite_engine: Engine) -> None:
    """Rules D-14, D-24: no request without an owner, no slip held back."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        record = record_request(connection, wanted(_C.NO_GAS), (), town.office())
        send_slip(connection, record, "crew-1", town.office())
        office = town.office(town.leader, 4)
        with pytest.raises(ContractError, match="why it is not yours"):
            take_step(connection, record.request_id, attempt(_E.BOUNCE, town.leader), office)
        bounced = take_step(
            connection,
            record.request_id,
            attempt(_E.BOUNCE, town.leader, "not our district"),
            office,
        )

    assert (bounced.state, bounced.owner, bounced.team) == (_S.CLASSIFIED, town.agent, None)


def test_an_agent_sends_crews_to_dangers_and_to_nothing_else(sqlite_engine: Engine) -> None:
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        record = record_request(connection, wanted(_C.NO_GAS), (), town.office())

        with pytest.raises(ContractError) as refused:
            send_crew(connection, record, "crew-1", town.office())
        with pytest.raises(ContractError, match="may not take_request"):
            record_request(connection, wanted(_C.NO_GAS), (), town.office(town.auditor))

    assert refused.value.code is Code.ROLE_REFUSED


def test_a_second_call_about_the_same_leak_makes_no_second_order(sqlite_engine: Engine) -> None:
    """Rule C-39, invariant I7: a second call is linked."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        first = leak(connection, town)
        second = record_request(
            connection, wanted(_C.GAS_LEAK, minutes=5), (), town.office(minutes=5)
        )
        joined = same_matter(connection, second, first, town.office(minutes=5))
        other = record_request(connection, wanted(_C.NO_GAS), (), town.office())
        with pytest.raises(ContractError, match="send it alone"):
            same_matter(connection, other, first, town.office())
        told = notes_of(connection, first.request_id)

    assert (joined.state, joined.duplicate_of) == (_S.DUPLICATE, first.request_id)
    assert joined.order_id is None
    assert [each.text for each in told] == [second.number]


def test_many_cold_rooms_are_one_matter_with_one_order(sqlite_engine: Engine) -> None:
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        calls = [
            record_request(connection, wanted(_C.COLD_ROOM, home, at), (), town.office(minutes=at))
            for at, home in enumerate(("p-1", "p-2", "p-3"))
        ]
        sent = [send_slip(connection, each, None, town.office()) for each in calls[:2]]
        grouped = join_group(connection, calls[2], sent, town.office(minutes=3))
        taken = take_step(
            connection,
            calls[0].request_id,
            attempt(_E.ACCEPT, town.dispatcher),
            town.office(town.dispatcher, 4),
        )
        crewed = send_crew(connection, taken, "crew-1", town.office(town.dispatcher, 5))
        shared = share_order(connection, crewed, town.office(town.dispatcher, 5))
        group = get_group(connection, grouped.group_id or "")
        members = [get_request(connection, each.request_id) for each in calls]
        listed = open_groups(connection)

    assert group.members == 3
    assert [each.group_id for each in listed] == [group.group_id]
    assert shared == 2
    assert {each.order_id for each in members} == {crewed.order_id}


def test_a_danger_is_never_grouped_away(sqlite_engine: Engine) -> None:
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        first = leak(connection, town)
        second = record_request(connection, wanted(_C.GAS_LEAK, "p-2"), (), town.office())

        with pytest.raises(ContractError, match="send a crew to it by itself"):
            join_group(connection, second, [first], town.office())


def test_what_is_not_possible_says_what_is(sqlite_engine: Engine) -> None:
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        record = record_request(connection, wanted(_C.NO_GAS), (), town.office())

        with pytest.raises(RefusedTransition, match="possible now: solve, dispatch"):
            take_step(
                connection,
                record.request_id,
                attempt(_E.FINISH, town.leader, "done"),
                town.office(town.leader),
            )


def test_a_crew_is_not_sent_to_nowhere(sqlite_engine: Engine) -> None:
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)

        with pytest.raises(ContractError, match="a crew must find it"):
            record_request(connection, replace(wanted(_C.GAS_LEAK), address=" "), (), town.office())


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


def test_lists_page_by_the_next_clock_without_losing_a_row(sqlite_engine: Engine) -> None:
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        for at in range(5):
            record = record_request(
                connection, wanted(_C.NO_GAS, minutes=at), (), town.office(minutes=at)
            )
            send_slip(connection, record, None, town.office(minutes=at))
        leak(connection, town)

    with reading(sqlite_engine) as connection:
        first = open_page(connection, OPEN, None, 4)
        rest = open_page(connection, OPEN, key_of(first[-1]), 4)
        newest = newest_page(connection, OPEN, None, 2)
        older = newest_page(connection, OPEN, newest[-1].request_id, 10)
        near = known_near(connection, "p-1", "c-north", NOON - timedelta(hours=1))

    assert first[0].request_class is _C.GAS_LEAK
    assert len({each.request_id for each in [*first, *rest]}) == 6
    assert len({each.request_id for each in [*newest, *older]}) == 6
    assert len(near) == 6


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


def clock_of(
    connection: Connection, record: RequestRecord, code: str, office: Office
) -> ClockState:
    clocks = clocks_of(matter_of(connection, record), load_terms(connection, office))
    return next(each for each in clocks if each.code == code)


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


def test_a_leader_decides_whether_a_caller_is_malicious(sqlite_engine: Engine) -> None:
    """Rule C-03."""
    recorded = replace(wanted(_C.CONDUCT), premises_id="p-2")
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        record = insert_request(connection, recorded, town.agent, NOON)
        suspect = attempt(_E.SUSPECT_MALICIOUS, town.agent, "the tenth call today")
        take_step(connection, record.request_id, suspect, town.office())
        with pytest.raises(ContractError, match="may not close_request"):
            take_step(
                connection,
                record.request_id,
                attempt(_E.CLEAR_SUSPICION, town.agent),
                town.office(),
            )
        cleared = take_step(
            connection,
            record.request_id,
            attempt(_E.CLEAR_SUSPICION, town.quality),
            town.office(town.quality),
        )

    assert cleared.state is _S.RECORDED


def test_only_approved_promises_are_kept_with_their_time(sqlite_engine: Engine) -> None:
    """Rules C-01, C-47, policy K17."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        promised = ("on_site_60", "free_heating", "on_site_60")
        record = record_request(connection, wanted(_C.GAS_LEAK), promised, town.office())
        kept = commitments_of(connection, record.request_id)

    assert kept == [("on_site_60", NOON + timedelta(minutes=60))]


def test_the_caller_in_his_own_words_is_kept_and_can_be_erased(sqlite_engine: Engine) -> None:
    """Rule A-02 and RULINGS R7."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        record = record_request(connection, wanted(_C.NO_GAS), (), town.office())
        said = caller_of(connection, record.request_id)
        erased = erase_callers(
            connection, name="陈桂芳", phone=PHONE, order_ids=(), actor="system", now_utc=NOON
        )
        left = caller_of(connection, record.request_id)
        verdict = verify_audit(connection)

    assert said is not None
    assert (said.words, erased, left) == ("厨房有味", 1, None)
    assert verdict.is_whole
