"""After a restore a crew that had lost its order without knowing it takes nothing with unsent work.

Nor over a second restore, a wrong copy in between, or clocks that were ahead.
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from field_app.tablet import Tablet
from tests.field_app.office_parts import Office, office_app
from tests.field_app.restore_parts import (
    TwoCrews,
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
)
from wire_contracts.work_order_states import WorkOrderEvent, WorkOrderState

DONE = (WorkOrderState.FINISHED, "crew-2", "leak", "seal")


@pytest.fixture
def crews(office: Office, tmp_path: Path) -> Iterator[TwoCrews]:
    with two_crews(office, tmp_path, office_app(office)) as found:
        yield found


def given_to_two(crews: TwoCrews, order_id: str) -> None:
    """The office gives the order to crew 2, which finishes it; crew 1 does not hear of it."""
    crews.office.assign(order_id, "crew-2")
    sync_in_turn(crews, crews.two)
    finish(crews.two, order_id)
    sync_in_turn(crews, crews.two)


def work_in_the_cellar(
    crews: TwoCrews, order_id: str, tablet: Tablet | None = None, *, is_all: bool = True
) -> None:
    crew = tablet or crews.one
    take_steps(crew, order_id, "accept")
    if is_all:
        take_steps(crew, order_id, "depart", "arrive", "begin")
        find(crew, order_id, "nothing found", result="other")


@whoever_is_first
def test_later_work_of_who_had_lost_the_order_leaves_the_finding(
    crews: TwoCrews, tmp_path: Path, *, is_one_first: bool
) -> None:
    order_id = crews.office.new_order()
    crews.all_sync()
    backup = crews.office.back_up(tmp_path / "backup.sqlite3")
    crews.office.clock.advance(minutes=1)
    given_to_two(crews, order_id)
    crews.office.clock.advance(minutes=5)
    work_in_the_cellar(crews, order_id)

    crews.restore(backup, is_one_first=is_one_first)

    assert said(crews, order_id) == DONE


@pytest.mark.parametrize("is_all", [True, False], ids=["all", "accept"])
@whoever_is_first
def test_what_a_restored_server_took_first_proves_nothing_to_the_next(
    crews: TwoCrews, tmp_path: Path, *, is_one_first: bool, is_all: bool
) -> None:
    order_id = crews.office.new_order()
    crews.all_sync()
    backup = crews.office.back_up(tmp_path / "backup.sqlite3")
    crews.office.clock.advance(minutes=1)
    work_in_the_cellar(crews, order_id, is_all=is_all)
    crews.office.clock.advance(minutes=1)
    given_to_two(crews, order_id)

    crews.restore(backup, is_one_first=True)
    assert said(crews, order_id) == DONE
    crews.restore(backup, is_one_first=is_one_first)

    assert said(crews, order_id) == DONE


def test_what_was_refused_is_refused_after_a_copy_that_did_not_know_the_order(
    crews: TwoCrews, tmp_path: Path
) -> None:
    crews.all_sync()
    older = crews.office.back_up(tmp_path / "older.sqlite3")
    crews.office.clock.advance(minutes=1)
    order_id = crews.office.new_order()
    crews.all_sync()
    backup = crews.office.back_up(tmp_path / "backup.sqlite3")
    crews.office.clock.advance(minutes=1)
    given_to_two(crews, order_id)
    work_in_the_cellar(crews, order_id)
    sync_in_turn(crews, crews.one)
    assert {each.code for each in crews.one.look_here()} != set()

    crews.restore(older, is_one_first=True)
    crews.restore(backup, is_one_first=True)

    assert said(crews, order_id) == DONE


def test_a_visit_reopened_by_a_clock_that_was_ahead_keeps_its_finding(
    crews: TwoCrews, tmp_path: Path
) -> None:
    order_id = crews.office.new_order()
    crews.all_sync()
    backup = crews.office.back_up(tmp_path / "backup.sqlite3")
    work_in_the_cellar(crews, order_id)
    crews.all_sync()
    reopen(crews, order_id, "crew-2")
    finish(crews.two, order_id)
    crews.all_sync()
    crews.office.clock.advance(hours=-1)

    crews.restore(backup, is_one_first=True)

    assert said(crews, order_id) == DONE


def test_a_finish_that_no_server_had_heard_of_is_reopened_by_no_earlier_step(
    crews: TwoCrews, tmp_path: Path
) -> None:
    order_id = crews.office.new_order()
    with closing(mate_of(crews, tmp_path, "crew-1")) as mate:
        sync_in_turn(crews, crews.one, mate)
        backup = crews.office.back_up(tmp_path / "backup.sqlite3")
        crews.office.clock.advance(minutes=1)
        finish(crews.one, order_id)
        sync_in_turn(crews, mate)
        take_steps(mate, order_id, "accept", "depart", "arrive")
        sync_in_turn(crews, mate)

        crews.office.restore(backup)
        sync_in_turn(crews, crews.one, mate)

    assert said(crews, order_id) == (WorkOrderState.FINISHED, "crew-1", "leak", "seal")


@whoever_is_first
def test_who_was_told_that_it_has_a_free_order_loses_it_to_no_unsent_visit(
    crews: TwoCrews, tmp_path: Path, *, is_one_first: bool
) -> None:
    order_id = crews.office.new_order(crew_id=None)
    give_area(crews.office, order_id)
    crews.office.act(order_id, WorkOrderEvent.RELEASE)
    crews.all_sync()
    backup = crews.office.back_up(tmp_path / "backup.sqlite3")
    crews.office.clock.advance(minutes=1)
    take_steps(crews.two, order_id, "accept")
    work_in_the_cellar(crews, order_id)
    sync_in_turn(crews, crews.two)

    crews.restore(backup, is_one_first=is_one_first)

    assert stands(crews, order_id) == (WorkOrderState.ACCEPTED, "crew-2")


def test_a_step_that_changed_nothing_proves_nothing_to_a_second_restored_server(
    crews: TwoCrews, tmp_path: Path
) -> None:
    order_id = crews.office.new_order()
    with closing(mate_of(crews, tmp_path, "crew-1")) as mate:
        sync_in_turn(crews, crews.one, mate, crews.two)
        backup = crews.office.back_up(tmp_path / "backup.sqlite3")
        crews.office.clock.advance(minutes=1)
        take_steps(crews.one, order_id, "accept")
        take_steps(mate, order_id, "accept")
        sync_in_turn(crews, crews.one, mate)
        given_to_two(crews, order_id)
        sync_in_turn(crews, crews.one, mate)
        for _ in range(2):
            crews.office.clock.advance(minutes=5)
            crews.office.restore(backup)
            sync_in_turn(crews, mate, crews.two, crews.one)

    assert said(crews, order_id) == DONE


def test_a_second_visit_follows_a_first_one_that_was_unsent_at_the_restore_before(
    crews: TwoCrews, tmp_path: Path
) -> None:
    order_id = crews.office.new_order()
    crews.all_sync()
    backup = crews.office.back_up(tmp_path / "backup.sqlite3")
    crews.office.clock.advance(minutes=1)
    finish(crews.one, order_id)
    crews.restore(backup, is_one_first=True)
    reopen(crews, order_id, "crew-1")
    work_in_the_cellar(crews, order_id)
    crews.all_sync()
    second = (WorkOrderState.FINISHED, "crew-1", "other", "nothing found")
    assert said(crews, order_id) == second

    crews.restore(backup, is_one_first=True)

    assert said(crews, order_id) == second


@pytest.mark.parametrize("is_one_answered", [False, True], ids=["unsent", "answered"])
def test_who_comes_first_takes_no_finish_from_the_colleague_of_who_had_the_order(
    crews: TwoCrews, tmp_path: Path, *, is_one_answered: bool
) -> None:
    order_id = crews.office.new_order(crew_id=None)
    give_area(crews.office, order_id)
    crews.office.act(order_id, WorkOrderEvent.RELEASE)
    with closing(mate_of(crews, tmp_path, "crew-1")) as mate:
        sync_in_turn(crews, crews.one, crews.two, mate)
        backup = crews.office.back_up(tmp_path / "backup.sqlite3")
        crews.office.clock.advance(minutes=1)
        finish(crews.one, order_id)
        work_in_the_cellar(crews, order_id, crews.two)
        sync_in_turn(crews, mate)
        take_steps(mate, order_id, "accept", "depart")
        sync_in_turn(crews, *((crews.one, mate) if is_one_answered else (mate,)))

        crews.office.restore(backup)
        sync_in_turn(crews, crews.two, crews.one, mate)

    assert said(crews, order_id) == (WorkOrderState.FINISHED, "crew-1", "leak", "seal")
    assert crews.office.order(order_id).visit == 0


def test_no_word_of_who_had_lost_the_order_stands_on_it(crews: TwoCrews, tmp_path: Path) -> None:
    order_id = crews.office.new_order()
    crews.all_sync()
    backup = crews.office.back_up(tmp_path / "backup.sqlite3")
    crews.office.clock.advance(minutes=1)
    crews.office.assign(order_id, "crew-2")
    sync_in_turn(crews, crews.two)
    take_steps(crews.two, order_id, "accept", "depart")
    sync_in_turn(crews, crews.two)
    work_in_the_cellar(crews, order_id)
    crews.one.desk.add_note(order_id, "nothing here")

    crews.restore(backup, is_one_first=True)

    assert said(crews, order_id) == (WorkOrderState.EN_ROUTE, "crew-2", None, "")
    assert crews.office.order(order_id).document.note == ""


@whoever_is_first
def test_the_finish_of_an_earlier_visit_does_not_end_the_one_a_colleague_is_at_work_on(
    crews: TwoCrews, tmp_path: Path, *, is_one_first: bool
) -> None:
    order_id = crews.office.new_order()
    with closing(mate_of(crews, tmp_path, "crew-1")) as mate:
        sync_in_turn(crews, crews.one, mate)
        backup = crews.office.back_up(tmp_path / "backup.sqlite3")
        crews.office.clock.advance(minutes=1)
        finish(crews.one, order_id)
        sync_in_turn(crews, crews.one)
        reopen(crews, order_id, "crew-1")
        sync_in_turn(crews, mate)
        take_steps(mate, order_id, "accept", "depart", "arrive", "begin")
        sync_in_turn(crews, mate)

        crews.office.restore(backup)
        sync_in_turn(crews, *((crews.one, mate) if is_one_first else (mate, crews.one)))
        at_work = stands(crews, order_id), crews.office.order(order_id).visit
        find(mate, order_id, "gas again")
        sync_in_turn(crews, mate)

    assert at_work == ((WorkOrderState.WORKING, "crew-1"), 1)
    assert said(crews, order_id) == (WorkOrderState.FINISHED, "crew-1", "leak", "gas again")
