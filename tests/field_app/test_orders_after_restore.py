"""After a restore an order is whose it was, whichever of the tablets repeats its work first."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from field_app.store.outbox_store import NewOperation, append_group
from field_app.tablet import open_tablet
from sync_server.sync.review_store import ReviewKind, list_reviews
from sync_server.sync.self_check import check_all
from tests.field_app.office_parts import Office, office_app
from tests.field_app.restore_parts import (
    SteadyClock,
    TwoCrews,
    ask_for_order,
    find,
    finish,
    give_area,
    mate_of,
    reopen,
    said,
    stands,
    sync_in_turn,
    take_steps,
    two_crews,
    whoever_is_first,
    write_diagnosis,
)
from tests.field_app.vault_parts import quick_vault
from wire_contracts.codes import Code
from wire_contracts.operations import OperationKind, Outcome
from wire_contracts.orders import ENTITY
from wire_contracts.work_order_states import WorkOrderEvent, WorkOrderState


@pytest.fixture
def crews(office: Office, tmp_path: Path) -> Iterator[TwoCrews]:
    with two_crews(office, tmp_path, office_app(office)) as found:
        yield found


@whoever_is_first
def test_who_finished_an_order_that_another_crew_had_accepted_before_has_finished_it(
    crews: TwoCrews, tmp_path: Path, *, is_one_first: bool
) -> None:
    order_id = crews.office.new_order()
    crews.all_sync()
    backup = crews.office.back_up(tmp_path / "backup.sqlite3")
    crews.one.desk.tap(order_id, WorkOrderEvent.ACCEPT)
    crews.all_sync()
    crews.office.assign(order_id, "crew-2")
    crews.all_sync()
    finish(crews.two, order_id)
    crews.all_sync()

    crews.restore(backup, is_one_first=is_one_first)

    assert stands(crews, order_id) == (WorkOrderState.FINISHED, "crew-2")
    assert list(crews.two.look_here()) == []


@whoever_is_first
def test_who_got_an_order_back_and_finished_it_has_finished_it(
    crews: TwoCrews, tmp_path: Path, *, is_one_first: bool
) -> None:
    order_id = crews.office.new_order()
    crews.all_sync()
    backup = crews.office.back_up(tmp_path / "backup.sqlite3")
    crews.office.assign(order_id, "crew-2")
    crews.all_sync()
    crews.two.desk.tap(order_id, WorkOrderEvent.ACCEPT)
    crews.all_sync()
    crews.office.assign(order_id, "crew-1")
    crews.all_sync()
    finish(crews.one, order_id)
    crews.all_sync()

    crews.restore(backup, is_one_first=is_one_first)

    assert stands(crews, order_id) == (WorkOrderState.FINISHED, "crew-1")
    assert list(crews.one.look_here()) == []


@whoever_is_first
def test_who_was_refused_a_free_order_does_not_get_it_by_being_first(
    crews: TwoCrews, tmp_path: Path, *, is_one_first: bool
) -> None:
    order_id = crews.office.new_order(crew_id=None)
    give_area(crews.office, order_id)
    crews.office.act(order_id, WorkOrderEvent.RELEASE)
    crews.all_sync()
    backup = crews.office.back_up(tmp_path / "backup.sqlite3")
    for tablet in (crews.one, crews.two):
        tablet.desk.tap(order_id, WorkOrderEvent.ACCEPT)
    crews.all_sync()
    assert [each.code for each in crews.two.look_here()] == [Code.TAKEN]
    for event in ("depart", "arrive", "begin"):
        crews.one.desk.tap(order_id, WorkOrderEvent(event))
    crews.all_sync()

    crews.restore(backup, is_one_first=is_one_first)

    assert stands(crews, order_id) == (WorkOrderState.WORKING, "crew-1")
    assert list(crews.one.look_here()) == []


@pytest.mark.parametrize("is_mate_first", [True, False], ids=["colleague first", "in order"])
def test_two_tablets_of_one_crew_finish_what_they_finished_before(
    crews: TwoCrews, tmp_path: Path, *, is_mate_first: bool
) -> None:
    office, order_id = crews.office, crews.office.new_order()
    vault = quick_vault(tmp_path / "mate-key")
    with closing(open_tablet(tmp_path / "mate", SteadyClock(office.clock), vault=vault)) as mate:
        mate.enrol(crews.url, office.code(), "van 3b")
        crews.all_sync()
        backup = office.back_up(tmp_path / "backup.sqlite3")
        office.clock.advance(minutes=1)
        for event in ("accept", "depart", "arrive"):
            crews.one.desk.tap(order_id, WorkOrderEvent(event))
        crews.all_sync()
        mate.sync_now()
        mate.desk.tap(order_id, WorkOrderEvent.BEGIN)
        mate.desk.save_answers(order_id, {"result": "leak", "cause": "joint", "note": "seal"})
        mate.desk.finish(order_id)
        mate.sync_now()
        office.clock.advance(minutes=1)
        office.restore(backup)
        office.clock.advance(minutes=1)

        for tablet in (mate, crews.one) if is_mate_first else (crews.one, mate):
            tablet.sync_now()
            office.clock.advance(minutes=1)

        assert stands(crews, order_id) == (WorkOrderState.FINISHED, "crew-1")
        assert [*mate.look_here(), *crews.one.look_here()] == []
    with office.engine.connect() as connection:
        asked = [each.kind for each in list_reviews(connection)]
    assert asked == [ReviewKind.UNKNOWN_AUTHOR] * is_mate_first


def test_who_finished_a_free_order_off_the_network_has_it_though_the_others_knew_more(
    crews: TwoCrews, tmp_path: Path
) -> None:
    order_id = crews.office.new_order(crew_id=None)
    give_area(crews.office, order_id)
    crews.office.act(order_id, WorkOrderEvent.RELEASE)
    crews.all_sync()
    backup = crews.office.back_up(tmp_path / "backup.sqlite3")
    finish(crews.one, order_id)
    crews.two.sync_now()
    crews.office.clock.advance(minutes=1)
    crews.two.desk.tap(order_id, WorkOrderEvent.ACCEPT)
    crews.all_sync()
    assert [each.code for each in crews.two.look_here()] == [Code.TAKEN]

    crews.restore(backup, is_one_first=False)

    assert stands(crews, order_id) == (WorkOrderState.FINISHED, "crew-1")
    assert list(crews.one.look_here()) == []


def test_a_repeated_step_that_is_refused_moves_the_order_nowhere(
    crews: TwoCrews, tmp_path: Path
) -> None:
    order_id = crews.office.new_order()
    crews.all_sync()
    backup = crews.office.back_up(tmp_path / "backup.sqlite3")
    crews.office.clock.advance(minutes=1)
    lone = NewOperation(
        kind=OperationKind.GO, entity=ENTITY, entity_id=order_id, order_id=order_id, field="finish"
    )
    crews.one.database.write(
        lambda connection: append_group(connection, [lone], crews.one.stamps.stamp(connection))
    )

    crews.restore(backup, is_one_first=True)

    assert [each.code for each in crews.one.look_here()] == [Code.EVIDENCE_MISSING]
    assert stands(crews, order_id) == (WorkOrderState.RELEASED, "crew-1")


def test_who_only_finished_what_a_colleague_had_begun_has_finished_it_coming_first(
    crews: TwoCrews, tmp_path: Path
) -> None:
    office, order_id = crews.office, crews.office.new_order()
    vault = quick_vault(tmp_path / "mate-key")
    with closing(open_tablet(tmp_path / "mate", SteadyClock(office.clock), vault=vault)) as mate:
        mate.enrol(crews.url, office.code("crew-2"), "van 4b")
        crews.all_sync()
        backup = office.back_up(tmp_path / "backup.sqlite3")
        office.clock.advance(minutes=1)
        office.assign(order_id, "crew-2")
        crews.all_sync()
        for event in ("accept", "depart", "arrive", "begin"):
            crews.two.desk.tap(order_id, WorkOrderEvent(event))
        crews.all_sync()
        mate.sync_now()
        mate.desk.save_answers(order_id, {"result": "leak", "cause": "joint", "note": "seal"})
        mate.desk.finish(order_id)
        mate.sync_now()
        office.clock.advance(minutes=1)
        office.restore(backup)
        office.clock.advance(minutes=1)

        for tablet in (mate, crews.two, crews.one):
            tablet.sync_now()
            office.clock.advance(minutes=1)

        assert stands(crews, order_id) == (WorkOrderState.FINISHED, "crew-2")
        assert office.order(order_id).document.result == "leak"
        assert [*mate.look_here(), *crews.two.look_here()] == []


@whoever_is_first
def test_who_finished_a_reopened_order_has_finished_it_with_its_own_finding(
    crews: TwoCrews, tmp_path: Path, *, is_one_first: bool
) -> None:
    office, order_id = crews.office, crews.office.new_order(crew_id="crew-2")
    crews.all_sync()
    backup = office.back_up(tmp_path / "backup.sqlite3")
    finish(crews.two, order_id)
    crews.all_sync()
    for event in ("verify", "close", "reopen"):
        office.act(order_id, WorkOrderEvent(event))
    office.assign(order_id, "crew-1")
    crews.all_sync()
    for event in ("accept", "depart", "arrive", "begin"):
        crews.one.desk.tap(order_id, WorkOrderEvent(event))
    crews.one.desk.save_answers(order_id, {"result": "other", "cause": "see_note", "note": "pump"})
    crews.one.desk.finish(order_id)
    crews.all_sync()
    assert stands(crews, order_id) == (WorkOrderState.FINISHED, "crew-1")

    crews.restore(backup, is_one_first=is_one_first)

    assert stands(crews, order_id) == (WorkOrderState.FINISHED, "crew-1")
    assert office.order(order_id).document.result == "other"
    assert {each.outcome for each in crews.one.look_here()} <= {Outcome.MERGED}


@pytest.mark.parametrize("end", ["no_access", "cannot_finish"])
def test_a_second_visit_after_one_that_ended_without_a_finding_is_finished(
    crews: TwoCrews, tmp_path: Path, end: str
) -> None:
    order_id = crews.office.new_order()
    crews.all_sync()
    backup = crews.office.back_up(tmp_path / "backup.sqlite3")
    take_steps(crews.one, order_id, "accept", "depart", "arrive", "begin", end)
    crews.all_sync()
    crews.office.act(order_id, WorkOrderEvent.RELEASE)
    crews.all_sync()
    finish(crews.one, order_id)
    crews.all_sync()

    crews.restore(backup, is_one_first=True)

    assert stands(crews, order_id) == (WorkOrderState.FINISHED, "crew-1")
    assert list(crews.one.look_here()) == []


@pytest.mark.parametrize("is_finisher_first", [True, False], ids=["finisher", "other"])
def test_a_free_order_that_two_tablets_of_a_crew_did_is_finished(
    crews: TwoCrews, tmp_path: Path, *, is_finisher_first: bool
) -> None:
    order_id = crews.office.new_order(crew_id=None)
    give_area(crews.office, order_id)
    crews.office.act(order_id, WorkOrderEvent.RELEASE)
    with closing(mate_of(crews, tmp_path, "crew-1")) as mate:
        sync_in_turn(crews, crews.one, mate)
        backup = crews.office.back_up(tmp_path / "backup.sqlite3")
        take_steps(crews.one, order_id, "accept", "depart", "arrive", "begin")
        sync_in_turn(crews, crews.one, mate)
        find(mate, order_id, "seal")
        sync_in_turn(crews, mate)
        crews.office.restore(backup)

        order = (mate, crews.one) if is_finisher_first else (crews.one, mate)
        sync_in_turn(crews, *order, *order)

        assert said(crews, order_id) == (WorkOrderState.FINISHED, "crew-1", "leak", "seal")
        assert [*crews.one.look_here(), *mate.look_here()] == []


def test_a_crew_on_its_way_to_its_own_reopened_order_is_not_forgotten(
    crews: TwoCrews, tmp_path: Path
) -> None:
    order_id = crews.office.new_order()
    crews.all_sync()
    finish(crews.one, order_id)
    crews.all_sync()
    backup = crews.office.back_up(tmp_path / "backup.sqlite3")
    crews.office.clock.advance(minutes=1)
    reopen(crews, order_id, "crew-1")
    take_steps(crews.one, order_id, "accept", "depart")
    crews.all_sync()

    crews.restore(backup, is_one_first=True)

    assert said(crews, order_id)[:3] == (WorkOrderState.EN_ROUTE, "crew-1", None)
    seen = crews.one.desk.order(order_id)
    assert seen is not None
    assert seen.document is not None
    assert seen.document.state is WorkOrderState.EN_ROUTE


@pytest.mark.parametrize("is_finisher_first", [True, False], ids=["finisher", "other"])
def test_a_reopened_order_of_another_crew_with_two_tablets_is_finished(
    crews: TwoCrews, tmp_path: Path, *, is_finisher_first: bool
) -> None:
    order_id = crews.office.new_order()
    with closing(mate_of(crews, tmp_path, "crew-2")) as mate:
        sync_in_turn(crews, crews.one, crews.two, mate)
        finish(crews.one, order_id)
        sync_in_turn(crews, crews.one)
        backup = crews.office.back_up(tmp_path / "backup.sqlite3")
        reopen(crews, order_id, "crew-2")
        sync_in_turn(crews, mate)
        take_steps(crews.two, order_id, "accept", "depart", "arrive", "begin")
        sync_in_turn(crews, crews.two, mate)
        find(mate, order_id, "second", result="other")
        sync_in_turn(crews, mate)
        crews.office.restore(backup)

        order = (mate, crews.two) if is_finisher_first else (crews.two, mate)
        sync_in_turn(crews, *order, *order)

        assert said(crews, order_id) == (WorkOrderState.FINISHED, "crew-2", "other", "second")
        assert [*crews.two.look_here(), *mate.look_here()] == []


@whoever_is_first
def test_of_three_visits_the_last_ones_finding_stands(
    crews: TwoCrews, tmp_path: Path, *, is_one_first: bool
) -> None:
    order_id = crews.office.new_order()
    crews.all_sync()
    finish(crews.one, order_id)
    crews.all_sync()
    backup = crews.office.back_up(tmp_path / "backup.sqlite3")
    reopen(crews, order_id, "crew-2")
    take_steps(crews.two, order_id, "accept", "depart", "arrive", "begin")
    find(crews.two, order_id, "second", result="other")
    crews.all_sync()
    reopen(crews, order_id, "crew-1")
    take_steps(crews.one, order_id, "accept", "depart", "arrive", "begin")
    find(crews.one, order_id, "third: gas")
    crews.all_sync()

    crews.restore(backup, is_one_first=is_one_first)

    assert said(crews, order_id) == (WorkOrderState.FINISHED, "crew-1", "leak", "third: gas")


@whoever_is_first
def test_who_got_a_begun_order_back_keeps_it(
    crews: TwoCrews, tmp_path: Path, *, is_one_first: bool
) -> None:
    order_id = crews.office.new_order()
    crews.all_sync()
    take_steps(crews.one, order_id, "accept", "depart", "arrive", "begin")
    crews.all_sync()
    backup = crews.office.back_up(tmp_path / "backup.sqlite3")
    crews.office.clock.advance(minutes=1)
    for tablet, crew_id in ((crews.two, "crew-2"), (crews.one, "crew-1")):
        crews.office.assign(order_id, crew_id)
        crews.all_sync()
        take_steps(tablet, order_id, "accept", "depart")
        crews.all_sync()

    crews.restore(backup, is_one_first=is_one_first)

    assert stands(crews, order_id)[1] == "crew-1"
    assert list(crews.one.look_here()) == []


@whoever_is_first
def test_steps_that_were_refused_take_no_finished_order_away(
    crews: TwoCrews, tmp_path: Path, *, is_one_first: bool
) -> None:
    office, order_id = crews.office, crews.office.new_order()
    crews.all_sync()
    backup = office.back_up(tmp_path / "backup.sqlite3")
    office.clock.advance(minutes=1)
    office.assign(order_id, "crew-2")
    sync_in_turn(crews, crews.two)
    take_steps(crews.one, order_id, "accept", "depart", "arrive", "begin")
    find(crews.one, order_id, "gas in the cellar")
    office.clock.advance(minutes=1)
    take_steps(crews.two, order_id, "accept", "depart")
    office.clock.advance(minutes=1)
    office.assign(order_id, "crew-1")
    crews.all_sync()
    before = said(crews, order_id)

    crews.restore(backup, is_one_first=is_one_first)

    assert before == (WorkOrderState.FINISHED, "crew-1", "leak", "gas in the cellar")
    assert said(crews, order_id) == before
    assert list(crews.one.look_here()) == []


@whoever_is_first
def test_a_machine_whose_clock_is_behind_goes_on_after_a_restore_as_any_other(
    crews: TwoCrews, tmp_path: Path, *, is_one_first: bool
) -> None:
    order_id = crews.office.new_order()
    crews.all_sync()
    backup = crews.office.back_up(tmp_path / "backup.sqlite3")
    crews.office.clock.advance(minutes=30)
    crews.one.desk.tap(order_id, WorkOrderEvent.ACCEPT)
    crews.all_sync()
    crews.office.assign(order_id, "crew-2")
    crews.all_sync()
    finish(crews.two, order_id)
    crews.all_sync()

    crews.office.clock.advance(minutes=-60)
    crews.restore(backup, is_one_first=is_one_first)

    assert stands(crews, order_id) == (WorkOrderState.FINISHED, "crew-2")


@whoever_is_first
def test_a_crew_that_wrote_of_a_reopened_order_before_its_first_step_has_written_it(
    crews: TwoCrews, tmp_path: Path, *, is_one_first: bool
) -> None:
    order_id = crews.office.new_order()
    crews.all_sync()
    backup = crews.office.back_up(tmp_path / "backup.sqlite3")
    crews.office.clock.advance(minutes=1)
    finish(crews.one, order_id)
    crews.all_sync()
    reopen(crews, order_id, "crew-2")
    write_diagnosis(crews.two, order_id, "smells of gas")
    crews.all_sync()
    before = said(crews, order_id)

    crews.restore(backup, is_one_first=is_one_first)

    assert before == (WorkOrderState.RELEASED, "crew-2", None, "smells of gas")
    assert said(crews, order_id)[1:] == before[1:]


def test_an_older_hand_over_that_comes_later_replaces_no_newer_one(
    crews: TwoCrews, tmp_path: Path
) -> None:
    order_id = crews.office.new_order()
    with closing(mate_of(crews, tmp_path, "crew-1")) as mate:
        sync_in_turn(crews, crews.one, mate)
        take_steps(crews.one, order_id, "accept", "depart", "arrive", "begin")
        sync_in_turn(crews, crews.one, mate)
        crews.one.site.hand_over(order_id, "V7 is open, no gas", "Wang")
        crews.office.clock.advance(minutes=30)
        mate.site.hand_over(order_id, "V7 is closed, gas 12 % LEL", "Li")

        sync_in_turn(crews, mate, crews.one)

        handover = crews.office.order(order_id).document.handover
        assert handover is not None
        assert handover.note == "V7 is closed, gas 12 % LEL"


def test_an_order_that_was_only_planned_in_the_backup_is_accepted(
    crews: TwoCrews, tmp_path: Path
) -> None:
    order_id = crews.office.new_order(crew_id=None)
    give_area(crews.office, order_id)
    crews.all_sync()
    backup = crews.office.back_up(tmp_path / "backup.sqlite3")
    crews.office.clock.advance(minutes=1)
    crews.office.act(order_id, WorkOrderEvent.RELEASE)
    crews.all_sync()
    take_steps(crews.two, order_id, "accept")
    crews.all_sync()

    crews.restore(backup, is_one_first=False)

    assert stands(crews, order_id) == (WorkOrderState.ACCEPTED, "crew-2")
    assert list(crews.two.look_here()) == []


@whoever_is_first
def test_a_restore_takes_no_finding_from_under_the_hand(
    crews: TwoCrews, tmp_path: Path, *, is_one_first: bool
) -> None:
    order_id = crews.office.new_order()
    crews.all_sync()
    backup = crews.office.back_up(tmp_path / "backup.sqlite3")
    crews.office.assign(order_id, "crew-2")
    crews.all_sync()
    take_steps(crews.two, order_id, "accept", "depart", "arrive", "begin")
    crews.all_sync()
    crews.two.desk.save_answers(order_id, {"result": "leak", "note": "cellar, joint 3"})

    crews.restore(backup, is_one_first=is_one_first)

    assert stands(crews, order_id) == (WorkOrderState.WORKING, "crew-2")
    assert crews.two.desk.finding(order_id).answers.note == "cellar, joint 3"


def open_refusals(crews: TwoCrews) -> list[str | None]:
    with crews.office.engine.connect() as connection:
        return [each.op_id for each in list_reviews(connection) if each.kind is ReviewKind.REFUSED]


@whoever_is_first
def test_an_order_that_an_inspector_asked_for_is_finished_though_its_crew_comes_first(
    crews: TwoCrews, tmp_path: Path, *, is_one_first: bool
) -> None:
    crews.all_sync()
    backup = crews.office.back_up(tmp_path / "backup.sqlite3")
    order_id = ask_for_order(crews.two)
    sync_in_turn(crews, crews.two, crews.one)
    finish(crews.one, order_id)
    crews.all_sync()

    for is_first in (is_one_first, not is_one_first):  # what was refused once counts at the next
        crews.restore(backup, is_one_first=is_first)
        sync_in_turn(crews, crews.one)

        assert stands(crews, order_id) == (WorkOrderState.FINISHED, "crew-1")
        assert crews.office.order(order_id).document.result == "leak"
        assert open_refusals(crews) == []
        with crews.office.engine.connect() as connection:
            assert check_all(connection) == []


@whoever_is_first
def test_an_order_that_an_inspector_asked_for_is_whose_it_was_and_not_whose_is_least_busy_now(
    crews: TwoCrews, tmp_path: Path, *, is_one_first: bool
) -> None:
    crews.all_sync()
    backup = crews.office.back_up(tmp_path / "backup.sqlite3")
    order_id = ask_for_order(crews.two)
    sync_in_turn(crews, crews.two)
    crews.office.assign(order_id, "crew-2")
    crews.all_sync()
    finish(crews.two, order_id)
    crews.all_sync()

    crews.restore(backup, is_one_first=is_one_first)

    assert stands(crews, order_id) == (WorkOrderState.FINISHED, "crew-2")
    assert list(crews.two.look_here()) == []


def test_a_crew_that_was_refused_an_unknown_order_is_told_when_it_counts(
    crews: TwoCrews, tmp_path: Path
) -> None:
    crews.all_sync()
    backup = crews.office.back_up(tmp_path / "backup.sqlite3")
    order_id = ask_for_order(crews.two)
    sync_in_turn(crews, crews.two, crews.one)
    finish(crews.one, order_id)
    crews.all_sync()

    crews.restore(backup, is_one_first=True)
    sync_in_turn(crews, crews.one)

    told = list(crews.one.look_here())
    assert {each.code for each in told} == {Code.GONE}
    assert all(each.decision is not None for each in told)
