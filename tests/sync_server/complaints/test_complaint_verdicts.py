"""Complaints: facts, verdict, measures, appeals, penalties, questions above, cases."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine

from sync_server.access.audit_store import verify_audit
from sync_server.access.roles import Role
from sync_server.complaints.case_store import NewCase, cases_of, find_cases, write_case
from sync_server.complaints.complaint import (
    Cause,
    ComplaintEvent,
    ComplaintState,
    Family,
    Judgement,
    Violation,
    family_of,
)
from sync_server.complaints.complaint_store import (
    add_measure,
    appeal,
    appeals_of,
    assign_by_force,
    decide_appeal,
    dispute,
    end_measure,
    get_complaint,
    judge,
    measures_of,
    newest_complaints,
    verify,
)
from sync_server.complaints.escalation import addressee
from sync_server.complaints.escalation_store import answer, escalate, open_escalations
from sync_server.complaints.penalties import Concern, PenaltyState, yuan_growing, yuan_on_ladder
from sync_server.complaints.penalty_store import (
    decide_penalty,
    list_penalties,
    propose_for_missed_calls,
)
from sync_server.service_desk.call_store import called_back, note_call
from sync_server.service_desk.calls import CallEvent, CallNotice
from sync_server.service_desk.request import NoteKind, RequestClass, RequestRecord
from sync_server.service_desk.request_guards import Attempt
from sync_server.service_desk.request_rows_store import get_request, notes_of
from sync_server.service_desk.request_store import record_request, send_slip, take_step
from tests.sync_server.people_parts import person
from tests.sync_server.real_parts import NOON
from tests.sync_server.service_desk.desk_town import DeskTown, found_desk_town, wanted
from wire_contracts.errors import ContractError
from wire_contracts.life_cycle import RefusedTransition
from wire_contracts.request_states import RequestEvent, RequestState

_C = RequestClass
_E = ComplaintEvent
_S = ComplaintState


def boss_of(connection: Connection) -> str:
    return person(connection, "boss", Role.DIRECTOR).account_id


def complain(
    connection: Connection, town: DeskTown, request_class: RequestClass = _C.CONDUCT, **more: str
) -> RequestRecord:
    new = replace(wanted(request_class), repeat_of=more.get("repeat_of"))
    record = record_request(connection, new, (), town.office())
    send_slip(connection, record, None, town.office())
    attempt = Attempt(event=RequestEvent.ACCEPT, actor=town.leader, text="")
    return take_step(connection, record.request_id, attempt, town.office(town.leader, 2))


def verdict(judge_id: str, **more: Violation | Cause | None) -> Judgement:
    return Judgement(
        is_responsible=True,
        reason="recording of the call, heard by two",
        judge=judge_id,
        violation=more.get("violation", Violation.RUDE),  # type: ignore[arg-type]  # the test's own
        cause=more.get("cause", Cause.PEOPLE),  # type: ignore[arg-type]  # the test's own
    )


def test_a_complaint_is_judged_only_after_its_facts_and_with_evidence(engine: Engine) -> None:
    """Rules A-08, C-33, C-36: facts first, then a verdict with its evidence and its code."""
    with engine.begin() as connection:
        town = found_desk_town(connection)
        record = complain(connection, town)
        quality = town.office(town.quality, 30)
        with pytest.raises(ContractError, match="does not exist"):
            judge(connection, record.request_id, verdict(town.quality), quality)
        with pytest.raises(ContractError, match="write what was found out"):
            verify(connection, record.request_id, " ", quality)
        verify(connection, record.request_id, "called at 9:10", town.office(minutes=5))
        verify(connection, record.request_id, "the recording is there", quality)
        bare = replace(verdict(town.quality), reason="")
        with pytest.raises(ContractError, match="write what proves it"):
            judge(connection, record.request_id, bare, quality)
        with pytest.raises(ContractError, match="choose which of the nine it was"):
            judge(connection, record.request_id, verdict(town.quality, violation=None), quality)
        with pytest.raises(ContractError, match="may not judge_complaint"):
            judge(connection, record.request_id, verdict(town.leader), town.office(town.leader))
        found = judge(connection, record.request_id, verdict(town.quality), quality)
        with pytest.raises(RefusedTransition, match="possible now: appeal"):
            judge(connection, record.request_id, verdict(town.quality), quality)
        listed = newest_complaints(connection, [_S.RESPONSIBLE])
        is_whole = verify_audit(connection).is_whole

    assert (found.state, found.violation) == (_S.RESPONSIBLE, Violation.RUDE)
    assert found.facts == "called at 9:10\nthe recording is there"
    assert [each.request_id for each in listed] == [record.request_id]
    assert is_whole


def test_only_complaints_are_judged(sqlite_engine: Engine) -> None:
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        record = record_request(connection, wanted(_C.NO_GAS), (), town.office())

        with pytest.raises(ContractError, match="only complaints are judged"):
            verify(connection, record.request_id, "dry", town.office())


def test_conduct_is_sanctioned_and_quality_of_operation_is_not(sqlite_engine: Engine) -> None:
    """Rule C-41: two families, two ways."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        conduct = complain(connection, town)
        quality = complain(connection, town, _C.SUPPLY_QUALITY)
        for record in (conduct, quality):
            verify(connection, record.request_id, "facts", town.office())
        office = town.office(town.quality, 10)
        judge(connection, conduct.request_id, verdict(town.quality), office)
        with pytest.raises(ContractError, match="choose what it came from"):
            judge(connection, quality.request_id, verdict(town.quality, cause=None), office)
        judge(connection, quality.request_id, verdict(town.quality), office)
        proposed = list_penalties(connection)

    assert family_of(_C.SUPPLY_QUALITY) is Family.QUALITY
    assert [(each.subject, each.account_id, each.yuan) for each in proposed] == [
        (conduct.request_id, town.leader, 100)
    ]


def test_a_repeated_complaint_doubles_what_is_proposed_and_the_next_of_the_month_grows(
    sqlite_engine: Engine,
) -> None:
    """Rules C-38, C-39: 100 yuan a slip, growing; twice for the second complaint."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        first = complain(connection, town)
        second = complain(connection, town, repeat_of=first.request_id)
        for record in (first, second):
            verify(connection, record.request_id, "facts", town.office())
            office = town.office(town.quality, 10)
            judge(connection, record.request_id, verdict(town.quality), office)
        amounts = sorted(each.yuan for each in list_penalties(connection))

    assert amounts == [100, 400]


def test_a_penalty_holds_only_when_a_director_approved_it(sqlite_engine: Engine) -> None:
    """Rule C-38, policy K8: the policy proposes, a person decides."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        boss = town.office(boss_of(connection), 60)
        record = complain(connection, town)
        verify(connection, record.request_id, "facts", town.office())
        judge(connection, record.request_id, verdict(town.quality), town.office(town.quality))
        penalty = list_penalties(connection)[0]
        number, approved = penalty.penalty_id, PenaltyState.APPROVED
        with pytest.raises(ContractError, match="may not approve_penalty"):
            decide_penalty(connection, number, approved, "yes", town.office(town.quality))
        with pytest.raises(ContractError, match="write why"):
            decide_penalty(connection, number, approved, " ", boss)
        decided = decide_penalty(connection, number, approved, "clear case", boss)
        with pytest.raises(ContractError, match="is approved already"):
            decide_penalty(connection, number, PenaltyState.WAIVED, "mercy", boss)

    assert (penalty.state, decided.state) == (PenaltyState.PROPOSED, PenaltyState.APPROVED)


def test_an_appeal_that_changes_the_verdict_waives_the_penalty(sqlite_engine: Engine) -> None:
    """Rule C-42: verdict, appeal, decision by somebody else."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        boss_id = boss_of(connection)
        record = complain(connection, town)
        request_id = record.request_id
        verify(connection, request_id, "facts", town.office())
        judge(connection, request_id, verdict(town.quality), town.office(town.quality, 10))
        leader = town.office(town.leader, 60)
        appealed = appeal(connection, request_id, "it was another crew", leader)
        with pytest.raises(ContractError, match="may not approve_penalty"):
            decide_appeal(connection, request_id, _E.CHANGE, "so", town.office(town.quality, 70))
        boss = town.office(boss_id, 80)
        changed = decide_appeal(connection, request_id, _E.CHANGE, "crew 2 was there", boss)
        heard = appeals_of(connection, request_id)
        penalty = list_penalties(connection)[0]

    assert (appealed.state, changed.state) == (_S.APPEALED, _S.CHANGED)
    assert [(each.by_actor, each.decision, each.decided_by) for each in heard] == [
        (town.leader, _E.CHANGE, boss_id)
    ]
    assert (penalty.state, penalty.reason) == (PenaltyState.WAIVED, "crew 2 was there")


def test_whoever_judged_does_not_decide_the_appeal(sqlite_engine: Engine) -> None:
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        boss_id = boss_of(connection)
        request_id = complain(connection, town).request_id
        verify(connection, request_id, "facts", town.office())
        judge(connection, request_id, verdict(boss_id), town.office(boss_id, 10))
        appeal(connection, request_id, "no", town.office(town.leader, 20))

        with pytest.raises(ContractError, match="let somebody else decide the appeal"):
            decide_appeal(connection, request_id, _E.UPHOLD, "stands", town.office(boss_id, 30))


@pytest.mark.parametrize(
    ("violation", "days", "refusal"),
    [
        (Violation.NO_COOPERATION, 1, "it allows no appeal"),
        (Violation.RUDE, 8, "more than 7 days after the verdict"),
    ],
    ids=["away without a substitute", "too late"],
)
def test_some_verdicts_cannot_be_appealed(
    sqlite_engine: Engine, violation: Violation, days: int, refusal: str
) -> None:
    """Rule C-42: `no appeal` belongs to the rule that was broken."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        request_id = complain(connection, town).request_id
        verify(connection, request_id, "facts", town.office())
        given = verdict(town.quality, violation=violation)
        judge(connection, request_id, given, town.office(town.quality))

        with pytest.raises(ContractError, match=refusal):
            appeal(connection, request_id, "no", town.office(town.leader, days * 1440))


def test_a_dispute_runs_beside_the_work_and_the_centre_can_end_it(sqlite_engine: Engine) -> None:
    """Rules C-32, C-40: the customer is served first; the centre assigns by force."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        request_id = complain(connection, town).request_id
        verify(connection, request_id, "facts", town.office())
        dispute(connection, request_id, "it is the other district's", town.office(town.leader))
        start = Attempt(event=RequestEvent.START, actor=town.leader, text="")
        going_on = take_step(connection, request_id, start, town.office(town.leader, 20))
        with pytest.raises(ContractError, match="may not judge_complaint"):
            assign_by_force(connection, request_id, town.dispatcher, town.office(town.leader))
        quality = town.office(town.quality, 30)
        given = assign_by_force(connection, request_id, town.dispatcher, quality)
        owner = get_request(connection, request_id).owner

    assert going_on.state is RequestState.IN_PROGRESS
    assert (given.dispute, given.assigned_to) == ("it is the other district's", town.dispatcher)
    assert owner == town.dispatcher


def test_measures_have_an_owner_and_a_day_and_stay_open_until_carried_out(
    sqlite_engine: Engine,
) -> None:
    """Rule A-09: solution with owner and due date; the open ones are a list."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        request_id = complain(connection, town, _C.SUPPLY_QUALITY).request_id
        verify(connection, request_id, "brown water after works", town.office())
        office = town.office(town.quality)
        later, sooner = date(2026, 11, 20), date(2026, 11, 10)
        add_measure(connection, request_id, "new filter", town.leader, later, office)
        add_measure(connection, request_id, "flush the line", town.leader, sooner, office)
        waiting = measures_of(connection, None)
        done = end_measure(connection, waiting[0].measure_id, office)
        with pytest.raises(ContractError, match="was carried out already"):
            end_measure(connection, waiting[0].measure_id, office)
        left = [each.text for each in measures_of(connection, None)]

    assert [(each.text, each.due_on) for each in waiting] == [
        ("flush the line", sooner),
        ("new filter", later),
    ]
    assert (done, left) == (request_id, ["new filter"])


def missed(call_id: str, minutes: float) -> CallNotice:
    return CallNotice(
        call_id=call_id,
        event=CallEvent.MISSED,
        at_utc=NOON + timedelta(minutes=minutes),
        number="400",
        caller="15501012890",
        seat="liu",
        hung_up_by="",
    )


def test_calls_that_a_seat_missed_and_called_back_too_late_climb_the_ladder(
    sqlite_engine: Engine,
) -> None:
    """Rule C-49: 20, 50, 100 yuan; none for a call that was called back in two hours."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        for number in range(5):
            notice = missed(f"call-{number}", number)
            note_call(connection, notice, notice.at_utc)
        called_back(connection, "call-0", town.agent, NOON + timedelta(minutes=119))
        early = propose_for_missed_calls(connection, town.office(minutes=100))
        called_back(connection, "call-1", town.agent, NOON + timedelta(minutes=200))
        made = propose_for_missed_calls(connection, town.office(minutes=300))
        again = propose_for_missed_calls(connection, town.office(minutes=301))
        found = sorted((each.subject, each.yuan) for each in list_penalties(connection))

    assert (early, made, again) == (0, 4, 0)
    assert found == [("call-1", 20), ("call-2", 50), ("call-3", 100), ("call-4", 100)]


@given(st.integers(1, 50), st.booleans())
def test_a_later_slip_never_costs_less_than_an_earlier_one(nth: int, is_repeat: bool) -> None:  # noqa: FBT001  # drawn
    assert yuan_growing(100, nth + 1, is_repeat=is_repeat) > yuan_growing(
        100, nth, is_repeat=is_repeat
    )
    assert yuan_on_ladder((20, 50, 100), nth + 1) >= yuan_on_ladder((20, 50, 100), nth)


def test_what_somebody_cannot_decide_is_asked_above_and_answered_once(
    sqlite_engine: Engine,
) -> None:
    """Rules C-07, D-04, D-22, C-53: nobody guesses; the supervisor answers."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        record = record_request(connection, wanted(_C.NO_WATER), (), town.office())
        asked = escalate(connection, record.request_id, "may we dig?", town.office())
        with pytest.raises(ContractError, match="waits for team_leader"):
            answer(connection, asked.escalation_id, "yes", town.office(town.dispatcher))
        told = answer(connection, asked.escalation_id, "yes, by hand", town.office(town.leader, 5))
        with pytest.raises(ContractError, match="was given already"):
            answer(connection, asked.escalation_id, "no", town.office(town.quality, 6))
        left = open_escalations(connection)
        notes = [(each.kind, each.text) for each in notes_of(connection, record.request_id)]

    assert (asked.to_role, told.answer, list(left)) == (Role.TEAM_LEADER, "yes, by hand", [])
    assert notes == [(NoteKind.DECIDED, "yes, by hand")]


@pytest.mark.parametrize(
    ("request_class", "is_major", "role"),
    [
        (_C.NO_GAS, False, Role.TEAM_LEADER),
        (_C.GAS_LEAK, False, Role.SAFETY_OFFICER),
        (_C.CONDUCT, False, Role.QUALITY_OFFICER),
        (_C.CONDUCT, True, Role.DIRECTOR),
        (_C.MISCONDUCT_REPORT, False, Role.DIRECTOR),
    ],
)
def test_the_matrix_of_kind_and_severity_names_who_is_asked(
    sqlite_engine: Engine,
    request_class: RequestClass,
    is_major: bool,  # noqa: FBT001  # a row
    role: Role,
) -> None:
    """Rules D-22, C-53, policy K19."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        new = replace(wanted(request_class), is_major=is_major)
        record = record_request(connection, new, (), town.office())

    assert addressee(record) is role


def test_a_slip_that_is_asked_above_because_it_is_late_proposes_a_penalty(
    sqlite_engine: Engine,
) -> None:
    """Rule C-38: late, therefore escalated."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        in_time, late = complain(connection, town), complain(connection, town)
        escalate(connection, in_time.request_id, "?", town.office(minutes=20))
        escalate(connection, late.request_id, "nobody answers", town.office(minutes=40))
        found = [
            (each.concern, each.subject, each.account_id) for each in list_penalties(connection)
        ]

    assert found == [(Concern.LATE_SLIP, late.request_id, town.leader)]


def test_an_ended_request_becomes_a_case_that_is_found_by_its_words(
    sqlite_engine: Engine,
) -> None:
    """Rule A-11: the library of cases."""
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        record = record_request(connection, wanted(_C.HOW_TO), (), town.office())
        new = NewCase(
            problem="表不走字 no display", cause="battery", solution="new one", tags="battery ic"
        )
        with pytest.raises(ContractError, match="end it first"):
            write_case(connection, record.request_id, new, town.office())
        solved = Attempt(event=RequestEvent.SOLVE, actor=town.agent, text="change the battery")
        take_step(connection, record.request_id, solved, town.office())
        with pytest.raises(ContractError, match="cause: is empty"):
            write_case(connection, record.request_id, replace(new, cause=""), town.office())
        write_case(connection, record.request_id, new, town.office())
        found = [find_cases(connection, each) for each in ("BATTERY 不走字", "valve", "100%", "")]
        own = cases_of(connection, record.request_id)

    assert [len(each) for each in found] == [1, 0, 0, 1]
    assert own[0].tags == ("battery", "ic")


def test_a_complaint_without_facts_is_not_there(sqlite_engine: Engine) -> None:
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        request_id = complain(connection, town).request_id

        with pytest.raises(ContractError, match="does not exist"):
            get_complaint(connection, request_id)
