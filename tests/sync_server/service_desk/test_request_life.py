"""The life of a request: taken, sent, done by a crew, answered, called back, closed."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from sync_server.access.audit_store import verify_audit
from sync_server.db.feed_store import Topic, read_feed
from sync_server.service_desk.clocks import Light
from sync_server.service_desk.order_follow_store import behind, follow_orders
from sync_server.service_desk.request import NoteKind, RequestClass
from sync_server.service_desk.request_rows_store import (
    get_request,
    notes_of,
    steps_of,
)
from sync_server.service_desk.request_store import (
    record_request,
    send_crew,
    send_slip,
    take_step,
)
from sync_server.work_orders.order_store import get_order
from sync_server.work_orders.person_store import person_of
from tests.sync_server.real_parts import NOON
from tests.sync_server.service_desk.desk_town import found_desk_town, wanted
from tests.sync_server.service_desk.request_parts import (
    attempt,
    crew_does,
    leak,
    light_of,
    to_done,
)
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.life_cycle import RefusedTransition
from wire_contracts.orders import SafetyClass
from wire_contracts.request_states import RequestEvent, RequestState
from wire_contracts.work_order_states import WorkOrderEvent, WorkOrderState

_E = RequestEvent
_S = RequestState
_C = RequestClass


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
