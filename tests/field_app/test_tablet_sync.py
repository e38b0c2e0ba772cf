"""A real tablet and the real server, in-process: the loop, and everything that goes wrong in it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection

from field_app.crew import HeadlessCrew
from field_app.store import settings_store
from field_app.store.identity_io import REPLICA_FILE
from field_app.store.record_states import RecordState
from field_app.store.settings_store import Key
from field_app.sync.reasons import Reason
from field_app.sync.sync_store import seconds_until_due, try_at_once
from tests.field_app.office_parts import BadNetwork, Fate, Office
from wire_contracts.findings import Cause
from wire_contracts.frames import ms_from_utc
from wire_contracts.kinds import FindingResult, Label
from wire_contracts.life_cycle import RefusedTransition
from wire_contracts.quantities import Medium, Quantity
from wire_contracts.work_order_states import WorkOrderEvent, WorkOrderState


def finish_water(crew: HeadlessCrew, order_id: str) -> None:
    crew.go_to_work(order_id)
    crew.finish(
        order_id,
        FindingResult.LEAK,
        Cause.JOINT,
        note="dripping joint",
        measured={Quantity.FLOW_M3H: 0.12},
    )


def mark_of(crew: HeadlessCrew, order_id: str) -> RecordState:
    seen = crew.order(order_id)
    assert seen is not None
    return seen.mark


def state_of(crew: HeadlessCrew, order_id: str) -> WorkOrderState:
    seen = crew.order(order_id)
    assert seen is not None
    assert seen.document is not None
    return seen.document.state


def test_a_finding_recorded_offline_closes_the_loop(crew: HeadlessCrew, office: Office) -> None:
    order_id = office.new_order()
    crew.sync_now()
    crew.go_offline()
    finish_water(crew, order_id)
    before = (crew.sync_now().reason, mark_of(crew, order_id), office.order(order_id).state)
    crew.go_online()

    verdict = crew.sync_now()

    assert before == (Reason.SWITCHED_OFF, RecordState.QUEUED, WorkOrderState.RELEASED)
    assert (verdict.reason, verdict.settled) == (Reason.NONE, 9)
    document = office.order(order_id).document
    assert (document.state, document.result, document.cause, document.diagnosis) == (
        WorkOrderState.FINISHED,
        FindingResult.LEAK,
        "joint",
        "dripping joint",
    )
    assert office.alert_of(order_id).label is Label.CONFIRMED
    assert mark_of(crew, order_id) is RecordState.SHOWN_TO_OFFICE
    assert [line.order_id for line in crew.done_orders()] == [order_id]
    assert crew.open_orders() == ()


def test_the_crew_sees_its_own_taps_before_anybody_else(crew: HeadlessCrew, office: Office) -> None:
    order_id = office.new_order()
    crew.sync_now()

    crew.accept(order_id)

    assert state_of(crew, order_id) is WorkOrderState.ACCEPTED
    assert office.order(order_id).state is WorkOrderState.RELEASED
    with pytest.raises(RefusedTransition, match="cannot accept a work order that is accepted"):
        crew.accept(order_id)


@pytest.mark.parametrize("fate", [Fate.ANSWER_LOST, Fate.TWICE, Fate.REQUEST_LOST])
def test_a_lost_or_doubled_push_applies_once(
    crew: HeadlessCrew, office: Office, network: BadNetwork, fate: Fate
) -> None:
    order_id = office.new_order()
    crew.sync_now()
    finish_water(crew, order_id)
    network.fates = iter((Fate.WELL, fate))

    crew.sync_now()
    verdict = crew.sync_now()

    assert verdict.reason is Reason.NONE
    assert crew.status().outbox.waiting == 0
    assert office.order(order_id).state is WorkOrderState.FINISHED
    assert crew.status().outbox.needs_look == 0
    assert mark_of(crew, order_id) is RecordState.SHOWN_TO_OFFICE


def test_received_is_not_yet_shown_to_the_office(
    crew: HeadlessCrew, office: Office, network: BadNetwork
) -> None:
    order_id = office.new_order()
    crew.sync_now()
    crew.accept(order_id)
    network.fates = iter((Fate.WELL, Fate.WELL, Fate.REQUEST_LOST))

    crew.sync_now()
    after_push = (mark_of(crew, order_id), state_of(crew, order_id))
    crew.sync_now()

    assert after_push == (RecordState.RECEIVED, WorkOrderState.ACCEPTED)
    assert mark_of(crew, order_id) is RecordState.SHOWN_TO_OFFICE


def test_a_step_on_a_cancelled_order_is_refused_and_shown_not_dropped(
    crew: HeadlessCrew, office: Office
) -> None:
    order_id = office.new_order()
    other_id = office.new_order(Medium.GAS)
    crew.sync_now()
    office.act(order_id, WorkOrderEvent.CANCEL)
    crew.accept(order_id)
    crew.accept(other_id)

    crew.sync_now()

    (entry,) = crew.tablet.look_here()
    assert (entry.order_id, entry.status) == (order_id, "refused")
    assert mark_of(crew, order_id) is RecordState.LOOK_HERE
    assert state_of(crew, order_id) is WorkOrderState.CANCELLED
    assert mark_of(crew, other_id) is RecordState.SHOWN_TO_OFFICE
    crew.tablet.desk.mark_seen(order_id)
    assert crew.tablet.look_here() == ()
    assert mark_of(crew, order_id) is RecordState.UNTOUCHED


def test_an_order_that_leaves_keeps_its_row_until_its_words_are_through(
    crew: HeadlessCrew, office: Office, network: BadNetwork
) -> None:
    order_id = office.new_order()
    crew.sync_now()
    crew.tablet.desk.save_answers(order_id, {"note": "half a sentence"})
    office.assign(order_id, "crew-2")
    network.fates = iter((Fate.WELL, Fate.REQUEST_LOST))

    crew.sync_now()

    seen = crew.order(order_id)
    assert seen is not None
    assert seen.document is not None
    assert (seen.is_gone, seen.mark, seen.document.number) == (
        True,
        RecordState.QUEUED,
        office.order(order_id).document.number,
    )
    assert crew.status().outbox.waiting == 1
    assert crew.open_orders() == ()
    crew.sync_now()
    assert crew.status().outbox.waiting == 0
    assert crew.done_orders() == ()


def test_an_order_that_leaves_untouched_is_forgotten(crew: HeadlessCrew, office: Office) -> None:
    order_id = office.new_order()
    crew.sync_now()
    office.assign(order_id, "crew-2")

    crew.sync_now()

    assert crew.order(order_id) is None


def test_a_restored_server_gets_what_its_backup_had_lost(
    crew: HeadlessCrew, office: Office, tmp_path: Path
) -> None:
    order_id = office.new_order()
    crew.sync_now()
    crew.accept(order_id)
    crew.sync_now()
    backup = office.back_up(tmp_path / "backup.sqlite3")
    crew.go_to_work(order_id)
    finish_water(crew, order_id)
    crew.sync_now()
    finished = office.order(order_id).state

    office.restore(backup)
    before = office.order(order_id).state
    verdict = crew.sync_now()

    assert (finished, before) == (WorkOrderState.FINISHED, WorkOrderState.ACCEPTED)
    assert (verdict.reason, verdict.settled) == (Reason.NONE, 9)
    assert office.order(order_id).state is WorkOrderState.FINISHED
    assert office.alert_of(order_id).label is Label.CONFIRMED
    assert crew.status().outbox.needs_look == 0
    assert mark_of(crew, order_id) is RecordState.SHOWN_TO_OFFICE


def test_a_cloned_store_gets_a_new_name_and_loses_nothing(
    crew: HeadlessCrew, office: Office, tmp_path: Path
) -> None:
    order_id = office.new_order()
    other_id = office.new_order(Medium.GAS)
    crew.sync_now()
    crew.close()
    folder = tmp_path / "tablet"
    clone_folder = tmp_path / "clone"
    shutil.copytree(folder, clone_folder)
    first = HeadlessCrew(folder, office.clock, connect=lambda _identity: office.api())
    clone = HeadlessCrew(clone_folder, office.clock, connect=lambda _identity: office.api())
    first.accept(order_id)
    clone.accept(other_id)
    first.sync_now()

    clone.sync_now()

    names = [
        each.tablet.database.read(lambda c: settings_store.load_text(c, Key.REPLICA_ID))
        for each in (first, clone)
    ]
    assert names[0] != names[1]
    assert office.order(order_id).state is WorkOrderState.ACCEPTED
    assert office.order(other_id).state is WorkOrderState.ACCEPTED
    first.close()
    clone.close()


def test_a_store_restored_from_a_backup_draws_a_new_name(
    crew: HeadlessCrew, office: Office, tmp_path: Path
) -> None:
    crew.close()
    (tmp_path / "tablet" / REPLICA_FILE).write_text("the name of another copy")
    again = HeadlessCrew(tmp_path / "tablet", office.clock, connect=lambda _identity: office.api())

    inside = again.tablet.database.read(lambda c: settings_store.load_text(c, Key.REPLICA_ID))
    again.close()

    assert inside == (tmp_path / "tablet" / REPLICA_FILE).read_text()
    assert inside != "the name of another copy"


def test_notes_of_both_sides_stand_without_an_alarm(crew: HeadlessCrew, office: Office) -> None:
    order_id = office.new_order()
    crew.sync_now()
    crew.tablet.desk.add_note(order_id, "gate locked, ring at 12")
    office.add_note(order_id, "customer called again")

    crew.sync_now()

    note = office.order(order_id).document.note
    assert "gate locked, ring at 12" in note
    assert "customer called again" in note
    seen = crew.order(order_id)
    assert seen is not None
    assert seen.document is not None
    assert seen.document.note == note
    assert crew.tablet.look_here() == ()


def test_a_tablet_set_back_in_time_still_tries(
    crew: HeadlessCrew, office: Office, network: BadNetwork
) -> None:
    network.fates = iter((Fate.REQUEST_LOST,))
    crew.sync_now()
    waits = seconds_until_due(crew.status(), office.clock)

    office.clock.advance(days=-300)

    assert waits > 0
    assert seconds_until_due(crew.status(), office.clock) == 0


def test_a_tap_during_a_contact_is_due_at_once(
    crew: HeadlessCrew, office: Office, network: BadNetwork
) -> None:
    order_id = office.new_order()
    crew.sync_now()
    crew.accept(order_id)
    network.meanwhile = iter((bool, bool, lambda: crew.depart(order_id)))

    crew.sync_now()

    assert crew.status().outbox.waiting == 1
    assert seconds_until_due(crew.status(), office.clock) == 0


@pytest.mark.parametrize("ask", [settings_store.ask_contact, try_at_once])
def test_who_asks_during_a_contact_is_answered_by_one_more(
    crew: HeadlessCrew, office: Office, network: BadNetwork, ask: Callable[[Connection], None]
) -> None:
    """A poke, or a person who presses the button."""
    order_ids: list[str] = []

    def poked() -> None:
        order_ids.append(office.new_order())
        crew.tablet.database.write(ask)

    crew.sync_now()
    network.meanwhile = iter((poked,))
    crew.sync_now()
    due_s = [seconds_until_due(crew.status(), office.clock)]
    seen = [line.order_id for line in crew.open_orders()]

    crew.sync_now()

    due_s.append(seconds_until_due(crew.status(), office.clock))
    assert seen == []
    assert [line.order_id for line in crew.open_orders()] == order_ids
    assert due_s[0] == 0 < due_s[1]


def test_every_failure_waits_longer_and_says_why(
    crew: HeadlessCrew, office: Office, network: BadNetwork
) -> None:
    network.fates = iter([Fate.REQUEST_LOST] * 4)
    waits = []
    for _ in range(4):
        crew.sync_now()
        waits.append(round(seconds_until_due(crew.status(), office.clock), 1))

    assert waits == [2.0, 4.0, 8.0, 16.0]
    status = crew.status()
    assert (status.reason, status.failed_tries) == (Reason.NO_NETWORK, 4)
    assert crew.sync_now().reason is Reason.NONE
    assert crew.status().failed_tries == 0


def test_a_tap_says_when_the_server_was_heard_last_before_it(
    crew: HeadlessCrew, office: Office
) -> None:
    order_id = office.new_order()
    crew.sync_now()
    contact_ms = ms_from_utc(office.clock.now_utc())
    office.clock.advance(hours=5)

    crew.accept(order_id)

    assert [entry.operation.at.contact_ms for entry in crew.tablet.waiting()] == [contact_ms]


def test_before_any_contact_a_tap_says_nothing_of_one(crew: HeadlessCrew) -> None:
    at = crew.tablet.database.read(crew.tablet.stamps.now)

    assert at.contact_ms is None
