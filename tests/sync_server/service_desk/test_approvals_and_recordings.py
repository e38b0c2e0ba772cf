"""Whose word a step needs, and where recordings are kept and for how long."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine

from sync_server.access.account_store import get_person
from sync_server.access.audit_store import AuditSearch, find_audit
from sync_server.safekeeping.retention import forget_due
from sync_server.service_desk.call_store import note_call
from sync_server.service_desk.calls import CallEvent, CallNotice
from sync_server.service_desk.recording_store import has_recording, open_recording
from sync_server.service_desk.request import NoteKind, RequestClass
from sync_server.service_desk.request_guards import Attempt
from sync_server.service_desk.request_store import add_note, record_request, send_slip, take_step
from sync_server.work_orders.policy_store import PolicyRow, set_policy
from tests.sync_server.real_parts import NOON
from tests.sync_server.service_desk.desk_town import DeskTown, found_desk_town, wanted
from wire_contracts.errors import ContractError
from wire_contracts.request_states import RequestEvent, RequestState


def asks_for(connection: Connection, name: str, level: float) -> None:
    row = PolicyRow(
        name=name, valid_from_utc=NOON, value=level, source="decision 12", approved_by="boss"
    )
    set_policy(connection, row, NOON)


def test_a_step_that_needs_a_word_waits_for_somebody_elses(engine: Engine) -> None:
    """Rule A-37: an approval procedure for each step, set by the utility."""
    with engine.begin() as connection:
        town = found_desk_town(connection)
        asks_for(connection, "approval.accept.repair", 1)
        record = record_request(connection, wanted(RequestClass.NO_WATER), (), town.office())
        send_slip(connection, record, None, town.office())
        key = record.request_id
        accept = Attempt(event=RequestEvent.ACCEPT, actor=town.leader, text="")
        by_leader = town.office(town.leader)
        with pytest.raises(ContractError, match="ask one of: director, quality_officer"):
            take_step(connection, key, accept, by_leader)
        for writer in (town.leader, town.agent):
            add_note(connection, key, NoteKind.STEP_APPROVED, "yes", town.office(writer))
            with pytest.raises(ContractError, match="approval: for accept is missing"):
                take_step(connection, key, accept, by_leader)
        add_note(connection, key, NoteKind.STEP_APPROVED, "yes", town.office(town.quality))
        accepted = take_step(connection, key, accept, by_leader)

    assert accepted.state is RequestState.ACCEPTED


def test_where_nobodys_word_is_asked_for_nothing_waits(sqlite_engine: Engine) -> None:
    with sqlite_engine.begin() as connection:
        town = found_desk_town(connection)
        asks_for(connection, "approval.accept.repair", 0)
        record = record_request(connection, wanted(RequestClass.NO_WATER), (), town.office())
        send_slip(connection, record, None, town.office())
        accept = Attempt(event=RequestEvent.ACCEPT, actor=town.leader, text="")
        done = take_step(connection, record.request_id, accept, town.office(town.leader))

    assert done.state is RequestState.ACCEPTED


def recorded(connection: Connection) -> DeskTown:
    town = found_desk_town(connection)
    notice = CallNotice(
        call_id="c-1",
        event=CallEvent.RINGING,
        at_utc=NOON,
        number="400",
        caller="155",
        seat="",
        hung_up_by="",
    )
    note_call(connection, notice, NOON)
    answered = replace(notice, event=CallEvent.ANSWERED, seat="liu")
    note_call(connection, answered, NOON)
    ended = replace(notice, event=CallEvent.ENDED, recording="pbx://2026/c-1.ogg")
    note_call(connection, ended, NOON)
    return town


def test_a_recording_is_opened_for_a_reason_by_who_may_and_each_time_is_kept(
    engine: Engine,
) -> None:
    """Rule C-13: reference and safe storage; privacy rule 4."""
    with engine.begin() as connection:
        town = recorded(connection)
        later = NOON + timedelta(days=8)
        agent = get_person(connection, town.agent)
        quality = get_person(connection, town.quality)
        own = open_recording(connection, "c-1", "complaint", agent, NOON)
        for who, reason, moment, refusal in (
            (agent, "complaint", later, "may not hear this recording"),
            (quality, " ", NOON, "write why"),
            (get_person(connection, town.dispatcher), "x", NOON, "may not"),
        ):
            with pytest.raises(ContractError, match=refusal):
                open_recording(connection, "c-1", reason, who, moment)
        with pytest.raises(ContractError, match="does not exist"):
            open_recording(connection, "c-2", "x", quality, NOON)
        checked = open_recording(connection, "c-1", "check", quality, later)
        events = find_audit(connection, AuditSearch(action="recording."), 10)

    assert own == checked == "pbx://2026/c-1.ogg"
    assert [each.actor for each in events] == [town.quality, town.agent]


def test_recordings_are_forgotten_when_their_time_is_over(engine: Engine) -> None:
    """Rule C-13, privacy rule 6: 180 days."""
    with engine.begin() as connection:
        recorded(connection)
        before = forget_due(connection, NOON + timedelta(days=180))
        kept = has_recording(connection, "c-1")
        after = forget_due(connection, NOON + timedelta(days=181))
        left = (has_recording(connection, "c-1"), has_recording(connection, None))
        again = forget_due(connection, NOON + timedelta(days=182))

    assert [each["recordings"] for each in (before, after, again)] == [0, 1, 0]
    assert (kept, left) == (True, (False, False))
