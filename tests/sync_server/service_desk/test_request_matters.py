"""Calls about one matter, and what is known of a caller: linked, grouped, paged, erased."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from sync_server.access.audit_store import verify_audit
from sync_server.db.engine_io import reading
from sync_server.service_desk.erasing_store import erase_callers
from sync_server.service_desk.group_store import get_group, join_group, open_groups, share_order
from sync_server.service_desk.likeness import Intake, LikenessTerms, likeness
from sync_server.service_desk.request import RequestClass
from sync_server.service_desk.request_finds_store import known_near
from sync_server.service_desk.request_rows_store import (
    OPEN,
    caller_of,
    commitments_of,
    get_request,
    insert_request,
    key_of,
    newest_page,
    notes_of,
    open_page,
)
from sync_server.service_desk.request_store import (
    record_request,
    same_matter,
    send_crew,
    send_slip,
    take_step,
)
from tests.sync_server.real_parts import NOON
from tests.sync_server.service_desk.desk_town import PHONE, found_desk_town, wanted
from tests.sync_server.service_desk.request_parts import (
    attempt,
    leak,
)
from wire_contracts.errors import ContractError
from wire_contracts.orders import SafetyClass
from wire_contracts.request_states import RequestEvent, RequestState

_E = RequestEvent
_S = RequestState
_C = RequestClass


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


def test_a_leak_that_no_crew_is_at_any_more_gets_a_crew_anew(sqlite_engine: Engine) -> None:
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        first = leak(connection, town)
        left = replace(first, state=_S.DONE)
        again = record_request(
            connection, wanted(_C.GAS_LEAK, minutes=20), (), town.office(minutes=20)
        )
        with pytest.raises(ContractError, match="send a crew to it by itself"):
            same_matter(connection, again, left, town.office(minutes=20))
        with pytest.raises(ContractError, match="send a crew to it by itself"):
            same_matter(connection, again, first, town.office(minutes=121))
    told = Intake(
        request_class=_C.GAS_LEAK,
        safety_class=SafetyClass.A,
        premises_id=first.premises_id,
        community_id=first.community_id,
        at_utc=NOON + timedelta(minutes=20),
    )
    terms = LikenessTerms(repeat=timedelta(days=30), flood=timedelta(hours=1), flood_count=3)

    assert likeness([first], told, terms).same == first
    assert likeness([left], told, terms).same is None
    assert likeness([left], told, terms).repeat_of == left


@pytest.mark.parametrize("event", [_E.SOLVE, _E.AWAIT_ANSWER])
def test_a_danger_is_neither_solved_nor_held_by_telephone(
    sqlite_engine: Engine, event: RequestEvent
) -> None:
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        record = record_request(connection, wanted(_C.GAS_LEAK), (), town.office())
        with pytest.raises(ContractError, match="no telephone call ends a danger"):
            take_step(
                connection, record.request_id, attempt(event, town.agent, "aired"), town.office()
            )


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
