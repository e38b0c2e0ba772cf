"""Visits, callbacks, opinions, surveys, quality checks."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine

from sync_server.aftercare.callback_store import Answers, due_callbacks, keep_answers
from sync_server.aftercare.calling_times import USUAL, may_call, window_of
from sync_server.aftercare.checklist import ITEMS, SAMPLE, drawn, score_of
from sync_server.aftercare.opinion_store import (
    collect_suggestions,
    keep_opinion,
    move_opinion,
    newest_opinions,
)
from sync_server.aftercare.opinions import OpinionEvent, OpinionSource, OpinionState
from sync_server.aftercare.quality_store import keep_check, quality_of_people, to_check
from sync_server.aftercare.survey_store import (
    close_survey,
    get_survey,
    homes_to_ask,
    keep_score,
    make_survey,
)
from sync_server.aftercare.visit_store import (
    book,
    coming_visits,
    move_visit,
    slots_of,
    visits_in_vain,
)
from sync_server.aftercare.visits import SLOTS, VisitEvent, VisitState
from sync_server.customers.customer import Customer
from sync_server.customers.customer_store import put_customers
from sync_server.ledgers.books_store import Wanted, ledger_of
from sync_server.ledgers.ledger import Book, Share
from sync_server.ledgers.period import parse_period
from sync_server.service_desk.erasing_store import erase_callers
from sync_server.service_desk.request import Caller, RequestClass
from sync_server.service_desk.request_guards import Attempt
from sync_server.service_desk.request_rows_store import get_request
from sync_server.service_desk.request_store import Office, record_request, send_slip, take_step
from tests.sync_server.real_parts import NOON
from tests.sync_server.service_desk.desk_town import PHONE, DeskTown, found_desk_town, wanted
from wire_contracts.errors import ContractError
from wire_contracts.life_cycle import RefusedTransition
from wire_contracts.request_states import RequestEvent, RequestState

_C = RequestClass
SHANGHAI = ZoneInfo("Asia/Shanghai")
TOMORROW = date(2026, 11, 3)
TOLD = frozenset({"adult", "cooker"})


def taken(connection: Connection, town: DeskTown, request_class: RequestClass = _C.NO_GAS) -> str:
    return record_request(connection, wanted(request_class), (), town.office()).request_id


def test_a_visit_is_booked_in_order_and_the_adult_is_never_left_out(engine: Engine) -> None:
    """Rule E-12: slot, what to have ready, somebody at home."""
    with engine.begin() as connection:
        town = found_desk_town(connection)
        office = town.office()
        request_id = taken(connection, town)
        with pytest.raises(ContractError, match="an adult must be at home"):
            book(connection, request_id, TOMORROW, SLOTS[0], frozenset({"card"}), office)
        with pytest.raises(ContractError, match="is over"):
            book(connection, request_id, date(2026, 11, 1), SLOTS[0], TOLD, office)
        visit = book(connection, request_id, TOMORROW, SLOTS[0], TOLD, office)
        with pytest.raises(ContractError, match="is agreed already"):
            book(connection, request_id, TOMORROW, SLOTS[1], TOLD, office)
        for _ in range(3):
            book(connection, taken(connection, town), TOMORROW, SLOTS[0], TOLD, office)
        free = slots_of(connection, TOMORROW, office)
        with pytest.raises(ContractError, match="offer the first that is free"):
            book(connection, taken(connection, town), TOMORROW, SLOTS[0], TOLD, office)
        confirmed = move_visit(connection, visit.visit_id, VisitEvent.CONFIRM, "", office)
        with pytest.raises(ContractError, match="write what was found"):
            move_visit(connection, visit.visit_id, VisitEvent.DONE, "", office)
        done = move_visit(connection, visit.visit_id, VisitEvent.DONE, "connected", office)
        with pytest.raises(RefusedTransition):
            move_visit(connection, visit.visit_id, VisitEvent.CANCEL, "no", office)
        left = len(coming_visits(connection))

    assert free == list(SLOTS[1:])
    assert (visit.prepared, confirmed.state, done.state) == (
        TOLD,
        VisitState.CONFIRMED,
        VisitState.DONE,
    )
    assert left == 3


@pytest.mark.parametrize("reply", [(), (RequestEvent.REPLY,)])
def test_no_visit_is_agreed_for_a_request_whose_work_is_done(
    sqlite_engine: Engine, reply: tuple[RequestEvent, ...]
) -> None:
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        request_id = taken(connection, town)
        send_slip(connection, get_request(connection, request_id), None, town.office())
        for event in (RequestEvent.ACCEPT, RequestEvent.START, RequestEvent.FINISH, *reply):
            step = Attempt(event=event, actor=town.leader, text="the valve was shut")
            take_step(connection, request_id, step, town.office(town.leader))
        with pytest.raises(ContractError, match="take a new one"):
            book(connection, request_id, TOMORROW, SLOTS[0], TOLD, town.office())


def test_a_slot_of_today_that_is_over_is_not_free(sqlite_engine: Engine) -> None:
    today = date(2026, 11, 2)
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        office = town.office()
        ends_now = replace(office, now_utc=NOON + timedelta(hours=4))
        free, later = (slots_of(connection, today, each) for each in (office, ends_now))
        with pytest.raises(ContractError, match="full or over"):
            book(connection, taken(connection, town), today, SLOTS[1], TOLD, office)

    assert (free, later) == (list(SLOTS[2:]), list(SLOTS[3:]))


def test_the_third_visit_in_vain_leaves_a_letter_and_no_new_date(sqlite_engine: Engine) -> None:
    """Rule E-12: no access, booked again, written notice."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        office = town.office()
        request_id = taken(connection, town)
        attempts = []
        for _ in range(3):
            visit = book(connection, request_id, TOMORROW, SLOTS[0], TOLD, office)
            attempts.append(visit.attempt)
            move_visit(connection, visit.visit_id, VisitEvent.NO_ACCESS, "nobody opened", office)
        with pytest.raises(ContractError, match="a letter was left"):
            book(connection, request_id, TOMORROW, SLOTS[0], TOLD, office)
        in_vain = len(visits_in_vain(connection))

    assert (attempts, in_vain) == ([1, 2, 3], 3)


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("8–20", (time(8), time(20))),
        ("每天 9:30 至 11:00", (time(9, 30), time(11))),
        ("18-21", (time(18), time(21))),
        ("evenings", USUAL),
        ("", USUAL),
        ("20-8", USUAL),
        ("25-99", USUAL),
        ("8:70-9", USUAL),
    ],
)
def test_a_customers_hours_are_read_from_words(text: str, window: tuple[time, time]) -> None:
    """Rule C-46."""
    assert window_of(text) == window


@given(st.text(max_size=30))
def test_whatever_stands_there_a_window_has_a_beginning_and_an_end(text: str) -> None:
    from_time, to_time = window_of(text)

    assert from_time < to_time


@pytest.mark.parametrize(
    ("hour", "window", "attempts", "allowed"),
    [
        (12, "", [], True),
        (6, "", [], False),
        (21, "", [], False),
        (12, "18-20", [], False),
        (19, "18-20", [], True),
        (12, "", [-1], False),
        (12, "", [-24], True),
        (12, "", [-24, -48, -72], False),
    ],
    ids=["noon", "early", "late", "not theirs", "theirs", "today", "yesterday", "too often"],
)
def test_nobody_is_disturbed_too_early_too_late_or_too_often(
    hour: int,
    window: str,
    attempts: Sequence[int],
    allowed: bool,  # noqa: FBT001  # a row
) -> None:
    """Rule C-46, policy K7."""
    now = datetime(2026, 11, 2, hour, tzinfo=SHANGHAI)
    tried = [now + timedelta(hours=each) for each in attempts]

    assert may_call(window, tried, 3, now, SHANGHAI) is allowed


def replied(connection: Connection, town: DeskTown) -> str:
    record = record_request(connection, wanted(_C.NO_WATER), (), town.office())
    send_slip(connection, record, None, town.office())
    for event, text in (
        (RequestEvent.ACCEPT, ""),
        (RequestEvent.START, ""),
        (RequestEvent.FINISH, "opened"),
        (RequestEvent.REPLY, "told"),
    ):
        said = Attempt(event=event, actor=town.leader, text=text)
        take_step(connection, record.request_id, said, town.office(town.leader, 5))
    return record.request_id


def test_the_weeks_callbacks_ask_four_questions_and_the_request_goes_on_by_them(
    engine: Engine,
) -> None:
    """Rule D-28: completion, satisfaction, promise kept, opinions; not by the doer."""
    good = Answers(is_finished=True, is_kept=True, score=5)
    with engine.begin() as connection:
        town = found_desk_town(connection)
        fine, bad, silent = (replied(connection, town) for _ in range(3))
        office = town.office(minutes=60)
        due = {each.request_id: each.may_call for each in due_callbacks(connection, office)}
        for answers, refusal in (
            (replace(good, is_kept=None), "what was promised was kept"),
            (replace(good, score=None), "ask for 1 to 5"),
            (replace(good, score=6), "ask for 1 to 5"),
            (replace(good, is_finished=False), "write what is not in order"),
        ):
            with pytest.raises(ContractError, match=refusal):
                keep_answers(connection, fine, answers, office)
        states = [
            keep_answers(connection, fine, good, office),
            keep_answers(
                connection,
                bad,
                Answers(is_finished=False, is_kept=False, score=1, opinion="still dry"),
                office,
            ),
            keep_answers(connection, silent, Answers(is_finished=None), office),
        ]
        left = due_callbacks(connection, office)
        kept = newest_opinions(connection)
        week = Wanted(book=Book.CALLBACKS, period=parse_period("2026-W45", SHANGHAI))
        report = ledger_of(connection, week, office)
        satisfied = get_request(connection, fine).is_satisfied

    assert due == {fine: True, bad: True, silent: True}
    assert states == [RequestState.CONFIRMED, RequestState.ASSIGNED, RequestState.REPLIED]
    assert [(each.request_id, each.may_call, each.attempts) for each in left] == [
        (silent, False, 1)
    ]
    assert [(each.text, each.source) for each in kept] == [("still dry", OpinionSource.CALLBACK)]
    assert list(report[0].cells[1:]) == [3, 2, Share(value=0.5), Share(value=0.5), 3.0, 1, 1]
    assert satisfied is True


def test_whoever_did_the_work_does_not_call_back(sqlite_engine: Engine) -> None:
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        request_id = replied(connection, town)

        good = Answers(is_finished=True, is_kept=True, score=5)
        with pytest.raises(ContractError, match="may not call_back"):
            keep_answers(connection, request_id, good, town.office(town.leader))


def test_a_sample_of_the_consultations_is_called_and_the_window_is_the_customers(
    sqlite_engine: Engine,
) -> None:
    """Rule C-46, policy K4."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        night = Customer(customer_id="c-9", name="夜", phone="13801017746", contact_window="22-23")
        put_customers(connection, [night], NOON)
        for _ in range(11):
            new = replace(wanted(_C.HOW_TO), caller=Caller(name="夜", customer_id="c-9"))
            record = record_request(connection, new, (), town.office())
            solved = Attempt(event=RequestEvent.SOLVE, actor=town.agent, text="left")
            take_step(connection, record.request_id, solved, town.office())
        due = due_callbacks(connection, town.office())
        again = due_callbacks(connection, town.office(minutes=60))
        asked = keep_answers(
            connection,
            due[0].request_id,
            Answers(is_finished=True, is_kept=True, score=4),
            town.office(),
        )
        left = due_callbacks(connection, town.office())

    assert [(each.may_call, each.window) for each in due] == [(False, "22-23")] * 2
    assert again == due
    assert (asked, len(left)) == (RequestState.SOLVED_AT_FIRST_CONTACT, 1)


def test_a_suggestion_is_tracked_until_it_is_adopted_or_declined(sqlite_engine: Engine) -> None:
    """Rules A-12, D-30: collected, passed on, answered, put above when unsolvable."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        office = town.office()
        request_id = taken(connection, town, _C.SUGGESTION)
        made = collect_suggestions(connection, office)
        again = collect_suggestions(connection, office)
        keep_opinion(connection, request_id, OpinionSource.SUGGESTION, "twice", office)
        found = newest_opinions(connection)
        number = found[0].opinion_id
        with pytest.raises(ContractError, match="whose matter it is"):
            move_opinion(connection, number, OpinionEvent.HAND_ON, "", "", office)
        sent = move_opinion(connection, number, OpinionEvent.HAND_ON, "metering", "", office)
        above = move_opinion(connection, number, OpinionEvent.ESCALATE, "", "", office)
        with pytest.raises(ContractError, match="what was done, or why"):
            move_opinion(connection, number, OpinionEvent.ADOPT, "", "", office)
        done = move_opinion(connection, number, OpinionEvent.ADOPT, "", "new sign", office)
        erase_callers(
            connection, name="陈桂芳", phone=PHONE, order_ids=(), actor="system", now_utc=NOON
        )
        erased = newest_opinions(connection)[0].text

    assert (made, again, [each.text for each in found]) == (1, 0, ["厨房有味"])
    assert [each.state for each in (sent, above, done)] == [
        OpinionState.PASSED_ON,
        OpinionState.ESCALATED,
        OpinionState.ADOPTED,
    ]
    assert (done.department, done.response, erased) == ("metering", "new sign", "")


def test_a_survey_has_a_sample_answers_and_what_is_done_about_it(engine: Engine) -> None:
    """Rule A-16: campaign, sample, answers, action."""
    with engine.begin() as connection:
        town = found_desk_town(connection)
        quality = town.office(town.quality)
        with pytest.raises(ContractError, match="may not close_request"):
            make_survey(connection, "winter", TOMORROW, 5, town.office())
        survey = make_survey(connection, "winter", TOMORROW, 5, quality)
        homes = homes_to_ask(connection, survey.survey_id)
        keep_score(connection, survey.survey_id, homes[0], 4, "warm", town.office())
        keep_score(connection, survey.survey_id, homes[1], None, "", town.office())
        with pytest.raises(ContractError, match="does not exist"):
            keep_score(connection, survey.survey_id, "p-9", 1, "", town.office())
        with pytest.raises(ContractError, match="write what is done about it"):
            close_survey(connection, survey.survey_id, "", quality)
        closed = close_survey(connection, survey.survey_id, "balance house 3", quality)
        with pytest.raises(ContractError, match="is closed"):
            keep_score(connection, survey.survey_id, homes[0], 1, "", town.office())
        found = get_survey(connection, survey.survey_id)

    assert (survey.sample, homes) == (2, ["p-1", "p-2"])
    assert (found.asked, found.answered, found.mean) == (2, 1, 4.0)
    assert closed.is_closed


@given(st.lists(st.text(min_size=1), unique=True, max_size=30), st.integers(0, 40))
def test_the_same_seed_draws_the_same_and_never_too_many(ids: list[str], count: int) -> None:
    found = drawn(ids, count, "w45")

    assert found == drawn(list(reversed(ids)), count, "w45")
    assert len(found) == min(count, len(ids))
    assert set(found) <= set(ids)


def test_contacts_are_drawn_checked_and_told_in_a_bulletin(sqlite_engine: Engine) -> None:
    """Rules A-21, A-26, C-21, C-31: checklist, spot checks, coaching, by somebody else."""
    every = frozenset(ITEMS)
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        ids = [taken(connection, town) for _ in range(SAMPLE + 2)]
        quality = town.office(town.quality, 60)
        chosen = to_check(connection, quality)
        with pytest.raises(ContractError, match="may not close_request"):
            keep_check(connection, chosen[0], every, "", town.office())
        with pytest.raises(ContractError, match="what the person can do better"):
            keep_check(connection, chosen[0], every - {"told"}, "", quality)
        scores = [
            keep_check(connection, chosen[0], every - {"told"}, "say until when", quality),
            keep_check(connection, chosen[1], every, "", quality),
        ]
        with pytest.raises(ContractError, match="was checked already"):
            keep_check(connection, chosen[0], every, "", quality)
        own = record_request(connection, wanted(_C.NO_GAS), (), town.office(town.quality))
        with pytest.raises(ContractError, match="let somebody else look at it"):
            keep_check(connection, own.request_id, every, "", quality)
        left = to_check(connection, quality)
        people = quality_of_people(connection, NOON, NOON + timedelta(days=1))

    assert (len(chosen), set(chosen) <= set(ids), scores) == (SAMPLE, True, [90, 100])
    assert len([each for each in left if each in ids]) == SAMPLE - 2
    assert [(each.account_id, each.checks, each.mean) for each in people] == [(town.agent, 2, 95.0)]
    assert score_of(frozenset({"greeting", "nonsense"})) == 10


def test_an_office_of_another_day_draws_another_week(sqlite_engine: Engine) -> None:
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        taken(connection, town)
        later = Office(actor=town.quality, now_utc=NOON + timedelta(days=8), zone=SHANGHAI)

        assert to_check(connection, later) == []
