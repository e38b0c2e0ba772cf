"""After a restore the office makes an order again that only tablets remember.

It was made after the copy that the server was restored from: no database has it.
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

from field_app.store.tables import order_copy
from field_app.tablet import Tablet
from sync_server.access.tablet_store import revoke_tablet
from sync_server.sync.late_judgement import judge_late_work
from sync_server.sync.lost_orders import make_again
from sync_server.sync.review_store import ReviewItem, ReviewKind, list_reviews, resolve_review
from sync_server.sync.self_check import check_all
from sync_server.sync.upkeep import keep_current
from tests.field_app.office_parts import Office, office_app
from tests.field_app.restore_parts import (
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
)
from wire_contracts.codes import Code
from wire_contracts.quantities import Medium
from wire_contracts.review_outcomes import COUNTS_NOW
from wire_contracts.work_order_states import WorkOrderEvent, WorkOrderState

REASON = "lost with the disk"


@pytest.fixture
def crews(office: Office, tmp_path: Path) -> Iterator[TwoCrews]:
    with two_crews(office, tmp_path, office_app(office)) as found:
        yield found


@pytest.fixture
def backup(crews: TwoCrews, tmp_path: Path) -> Path:
    """A copy from before every order of the test."""
    crews.all_sync()
    return crews.office.back_up(tmp_path / "backup.sqlite3")


def made_for(crews: TwoCrews, crew_id: str | None = "crew-1") -> str:
    order_id = crews.office.new_order(crew_id=crew_id)
    crews.all_sync()
    return order_id


def lost_orders(crews: TwoCrews) -> list[ReviewItem]:
    with crews.office.engine.connect() as connection:
        found = list_reviews(connection)
    return [each for each in found if each.kind is ReviewKind.LOST_ORDER]


def make_all_again(crews: TwoCrews) -> None:
    """The dispatcher presses the one button of every question."""
    office = crews.office
    dispatcher = office.utility.dispatcher.account_id
    for item in lost_orders(crews):
        with office.engine.begin() as connection:
            make_again(connection, item.review_id, REASON, dispatcher, office.clock.now_utc())
        judge_late_work(office.engine, office.clock.now_utc())
    crews.office.clock.advance(minutes=1)


def open_questions(crews: TwoCrews) -> list[tuple[ReviewKind, Code]]:
    with crews.office.engine.connect() as connection:
        assert check_all(connection) == []
        return [(each.kind, each.code) for each in list_reviews(connection)]


@whoever_is_first
def test_what_a_crew_finished_is_finished_once_the_order_is_made_again(
    crews: TwoCrews, backup: Path, *, is_one_first: bool
) -> None:
    order_id = made_for(crews)
    before = crews.office.order(order_id)
    finish(crews.one, order_id)
    crews.all_sync()
    crews.restore(backup, is_one_first=is_one_first)
    assert [each.entity_id for each in lost_orders(crews)] == [order_id]

    make_all_again(crews)
    crews.all_sync()

    assert said(crews, order_id) == (WorkOrderState.FINISHED, "crew-1", "leak", "seal")
    again = crews.office.order(order_id)
    assert again.document.number == before.document.number
    assert again.document.evidence == before.document.evidence
    assert again.document.created_at_utc == before.document.created_at_utc
    assert {kind for kind, _ in open_questions(crews)} <= {ReviewKind.UNKNOWN_AUTHOR}
    told = [each.decision and each.decision.reason for each in crews.one.look_here()]
    assert set(told) == {COUNTS_NOW}


def test_an_order_that_nobody_had_begun_is_on_its_crews_list_again(
    crews: TwoCrews, backup: Path
) -> None:
    order_id = made_for(crews)
    crews.restore(backup, is_one_first=True)
    assert crews.one.desk.is_lost(order_id)

    make_all_again(crews)
    crews.all_sync()

    assert stands(crews, order_id) == (WorkOrderState.RELEASED, "crew-1")
    shown = crews.one.desk.order(order_id)
    assert shown is not None
    assert shown.document is not None
    assert shown.document.state is WorkOrderState.RELEASED
    assert open_questions(crews) == []


@pytest.mark.parametrize("is_made_early", [True, False], ids=["before two", "after both"])
@whoever_is_first
def test_an_order_that_was_handed_over_is_of_who_had_it_last(
    crews: TwoCrews, backup: Path, *, is_one_first: bool, is_made_early: bool
) -> None:
    order_id = made_for(crews)
    take_steps(crews.one, order_id, "accept", "depart")
    crews.all_sync()
    crews.office.assign(order_id, "crew-2")
    crews.all_sync()
    finish(crews.two, order_id)
    crews.all_sync()
    crews.office.restore(backup)
    first, last = (crews.one, crews.two) if is_one_first else (crews.two, crews.one)
    sync_in_turn(crews, first, *(() if is_made_early else (last,)))
    make_all_again(crews)
    sync_in_turn(crews, last, first)
    make_all_again(crews)
    sync_in_turn(crews, last, first)

    assert said(crews, order_id) == (WorkOrderState.FINISHED, "crew-2", "leak", "seal")
    assert lost_orders(crews) == []


@whoever_is_first
def test_the_finding_of_a_second_visit_stands(
    crews: TwoCrews, backup: Path, *, is_one_first: bool
) -> None:
    order_id = made_for(crews)
    take_steps(crews.one, order_id, "accept", "depart", "arrive", "begin")
    find(crews.one, order_id, "nothing", result="other")
    crews.all_sync()
    reopen(crews, order_id, "crew-1")
    finish(crews.one, order_id)
    crews.all_sync()
    crews.restore(backup, is_one_first=is_one_first)

    make_all_again(crews)
    crews.all_sync()

    assert said(crews, order_id) == (WorkOrderState.FINISHED, "crew-1", "leak", "seal")


@pytest.mark.parametrize("is_made_early", [True, False], ids=["before one", "after both"])
@whoever_is_first
def test_a_second_visit_of_a_colleague_is_not_ended_by_the_first_finish(
    crews: TwoCrews, tmp_path: Path, *, is_one_first: bool, is_made_early: bool
) -> None:
    with closing(mate_of(crews, tmp_path, "crew-1")) as mate:
        crews.office.clock.advance(minutes=1)
        copy = crews.office.back_up(tmp_path / "second.sqlite3")
        order_id = made_for(crews)
        begin_second_visit(crews, mate, order_id, "crew-1")
        crews.office.restore(copy)
        crews.office.clock.advance(minutes=1)
        first, last = (crews.one, mate) if is_one_first else (mate, crews.one)
        sync_in_turn(crews, first, *(() if is_made_early else (last,)))
        make_all_again(crews)
        sync_in_turn(crews, last, first)

    assert_second_visit(crews, order_id, "crew-1")


@whoever_is_first
def test_a_second_visit_of_another_crew_leaves_the_first_one_to_who_did_it(
    crews: TwoCrews, backup: Path, *, is_one_first: bool
) -> None:
    order_id = made_for(crews)
    begin_second_visit(crews, crews.two, order_id, "crew-2")
    crews.office.restore(backup)
    crews.office.clock.advance(minutes=1)
    first, last = (crews.one, crews.two) if is_one_first else (crews.two, crews.one)
    sync_in_turn(crews, first)
    make_all_again(crews)
    sync_in_turn(crews, last, first)
    make_all_again(crews)

    assert_second_visit(crews, order_id, "crew-2")
    assert ReviewKind.REFUSED not in {kind for kind, _ in open_questions(crews)}


def test_a_second_visit_on_an_order_of_the_field_stands_though_who_asked_for_it_comes_late(
    crews: TwoCrews, tmp_path: Path
) -> None:
    with closing(mate_of(crews, tmp_path, "crew-1")) as mate:
        crews.office.clock.advance(minutes=1)
        copy = crews.office.back_up(tmp_path / "second.sqlite3")
        order_id = ask_for_order(crews.two)
        sync_in_turn(crews, crews.two, crews.one)
        begin_second_visit(crews, mate, order_id, "crew-1")
        crews.office.restore(copy)
        crews.office.clock.advance(minutes=1)
        sync_in_turn(crews, mate, crews.two, crews.one, mate)

    assert_second_visit(crews, order_id, "crew-1")


def begin_second_visit(crews: TwoCrews, other: Tablet, order_id: str, crew_id: str) -> None:
    """One finishes a visit, the office opens the order again, the other one is at work there."""
    finish(crews.one, order_id)
    crews.all_sync()
    crews.office.clock.advance(minutes=5)
    reopen(crews, order_id, crew_id)
    other.sync_now()
    crews.office.clock.advance(minutes=5)
    take_steps(other, order_id, "accept", "depart", "arrive", "begin")
    other.sync_now()
    crews.office.clock.advance(minutes=1)


def assert_second_visit(crews: TwoCrews, order_id: str, crew_id: str) -> None:
    order = crews.office.order(order_id)
    assert said(crews, order_id) == (WorkOrderState.WORKING, crew_id, None, "seal")
    assert order.visit == 1


def test_remarks_of_both_sides_stand_once(crews: TwoCrews, backup: Path) -> None:
    order_id = made_for(crews)
    take_steps(crews.one, order_id, "accept")
    crews.one.desk.add_note(order_id, "dog in the yard")
    crews.all_sync()
    crews.office.add_note(order_id, "ring twice")
    crews.all_sync()
    crews.one.desk.add_note(order_id, "valve V7 is closed")
    crews.all_sync()
    crews.one.desk.add_note(order_id, "never sent before")
    crews.restore(backup, is_one_first=True)

    make_all_again(crews)
    crews.all_sync()

    note = crews.office.order(order_id).document.note.splitlines()
    said_of_it = ("dog in the yard", "ring twice", "valve V7 is closed", "never sent before")
    assert [note.count(each) for each in (*said_of_it, REASON)] == [1, 1, 1, 1, 1]
    assert stands(crews, order_id) == (WorkOrderState.ACCEPTED, "crew-1")


def test_a_half_done_order_keeps_its_hand_over_though_its_author_never_comes(
    crews: TwoCrews, backup: Path
) -> None:
    order_id = made_for(crews)
    take_steps(crews.one, order_id, "accept", "depart", "arrive", "begin")
    crews.one.site.hand_over(order_id, "V7 is closed, gas smell in cellar", "Wang")
    crews.all_sync()
    crews.office.assign(order_id, "crew-2")
    crews.all_sync()
    crews.office.restore(backup)
    sync_in_turn(crews, crews.two)

    make_all_again(crews)
    sync_in_turn(crews, crews.two)

    handover = crews.office.order(order_id).document.handover
    assert handover is not None
    assert handover.note == "V7 is closed, gas smell in cellar"
    assert stands(crews, order_id) == (WorkOrderState.RELEASED, "crew-2")


def test_a_free_order_is_free_again_in_its_area(crews: TwoCrews, backup: Path) -> None:
    order_id = crews.office.new_order(crew_id=None)
    give_area(crews.office, order_id)
    crews.office.act(order_id, WorkOrderEvent.RELEASE)
    crews.all_sync()
    crews.restore(backup, is_one_first=True)

    make_all_again(crews)
    crews.all_sync()

    order = crews.office.order(order_id)
    assert (order.state, order.document.crew_id, order.area_id) == ("released", None, "north")
    assert crews.one.desk.order(order_id) is not None


def test_the_newest_copy_is_the_one_that_is_made_again(crews: TwoCrews, backup: Path) -> None:
    order_id = made_for(crews)
    crews.office.assign(order_id, "crew-2")
    crews.office.add_note(order_id, "it is urgent")
    sync_in_turn(crews, crews.two)  # one has heard of neither
    crews.office.restore(backup)
    sync_in_turn(crews, crews.two, crews.one)

    make_all_again(crews)

    document = crews.office.order(order_id).document
    assert (document.crew_id, document.note) == ("crew-2", f"it is urgent\n{REASON}")


def test_who_said_no_is_not_asked_again_until_the_next_restore(
    crews: TwoCrews, backup: Path
) -> None:
    order_id = made_for(crews)
    crews.office.restore(backup)
    sync_in_turn(crews, crews.one)
    [item] = lost_orders(crews)
    dispatcher = crews.office.utility.dispatcher.account_id
    with crews.office.engine.begin() as connection:
        now_utc = crews.office.clock.now_utc()
        resolve_review(connection, item.review_id, dispatcher, "a test", now_utc)
    sync_in_turn(crews, crews.one, crews.two, crews.one)
    assert lost_orders(crews) == []

    crews.restore(backup, is_one_first=True)

    assert [each.entity_id for each in lost_orders(crews)] == [order_id]


def test_an_order_that_the_field_had_asked_for_is_asked_about_only_until_it_comes(
    crews: TwoCrews, backup: Path
) -> None:
    order_id = ask_for_order(crews.two)
    sync_in_turn(crews, crews.two, crews.one)
    finish(crews.one, order_id)
    crews.all_sync()
    crews.office.restore(backup)
    sync_in_turn(crews, crews.one)
    assert [each.entity_id for each in lost_orders(crews)] == [order_id]

    sync_in_turn(crews, crews.two)
    with crews.office.engine.begin() as connection:
        keep_current(connection, crews.office.clock.now_utc())

    assert lost_orders(crews) == []
    assert said(crews, order_id) == (WorkOrderState.FINISHED, "crew-1", "leak", "seal")


def test_an_order_that_was_made_again_is_there_after_the_inspector_has_come(
    crews: TwoCrews, backup: Path
) -> None:
    order_id = ask_for_order(crews.two)
    sync_in_turn(crews, crews.two, crews.one)
    finish(crews.one, order_id)
    crews.all_sync()
    crews.office.restore(backup)
    sync_in_turn(crews, crews.one)

    make_all_again(crews)
    sync_in_turn(crews, crews.two, crews.one)

    assert said(crews, order_id) == (WorkOrderState.FINISHED, "crew-1", "leak", "seal")
    assert {kind for kind, _ in open_questions(crews)} <= {ReviewKind.UNKNOWN_AUTHOR}


def test_a_second_restore_loses_nothing_of_an_order_that_was_made_again(
    crews: TwoCrews, backup: Path
) -> None:
    order_id = made_for(crews)
    finish(crews.one, order_id)
    crews.all_sync()
    for _ in range(2):
        crews.restore(backup, is_one_first=True)
        make_all_again(crews)
        crews.all_sync()

    assert said(crews, order_id) == (WorkOrderState.FINISHED, "crew-1", "leak", "seal")


def test_a_second_restore_finds_an_order_that_had_left_once_it_was_made_again(
    crews: TwoCrews, backup: Path
) -> None:
    """Made again, and given to a crew whose tablet has not heard of it yet."""
    order_id = made_for(crews)
    crews.office.restore(backup)
    sync_in_turn(crews, crews.one)
    make_all_again(crews)
    sync_in_turn(crews, crews.one)
    crews.office.assign(order_id, "crew-2")
    sync_in_turn(crews, crews.one)
    assert crews.one.desk.order(order_id) is None
    crews.office.restore(backup)

    sync_in_turn(crews, crews.one)

    assert [each.entity_id for each in lost_orders(crews)] == [order_id]


def test_an_order_is_asked_about_though_its_tablet_came_before_the_new_epoch(
    crews: TwoCrews, backup: Path
) -> None:
    """A file was put back by hand: tokens beyond its head start anew, and nobody has said it."""
    order_id = made_for(crews)
    crews.office.put_file_back(backup)
    sync_in_turn(crews, crews.one)
    assert crews.one.desk.order(order_id) is None
    assert lost_orders(crews) == []
    crews.office.draw_new_epoch()

    sync_in_turn(crews, crews.one)

    assert [each.entity_id for each in lost_orders(crews)] == [order_id]


def test_two_tablets_of_a_crew_ask_one_question(
    crews: TwoCrews, backup: Path, tmp_path: Path
) -> None:
    with closing(mate_of(crews, tmp_path, "crew-1")) as mate:
        crews.office.clock.advance(minutes=1)
        backup = crews.office.back_up(tmp_path / "second.sqlite3")
        order_id = made_for(crews)
        mate.sync_now()
        finish(mate, order_id)
        mate.sync_now()
        crews.restore(backup, is_one_first=True)
        sync_in_turn(crews, mate)

        assert [each.entity_id for each in lost_orders(crews)] == [order_id]
        make_all_again(crews)
        sync_in_turn(crews, mate, crews.one)

    assert said(crews, order_id) == (WorkOrderState.FINISHED, "crew-1", "leak", "seal")


def test_a_number_that_another_order_has_by_now_is_not_given_twice(
    crews: TwoCrews, backup: Path
) -> None:
    order_id = made_for(crews)
    crews.restore(backup, is_one_first=True)
    other = crews.office.order(crews.office.new_order())

    make_all_again(crews)
    third = crews.office.order(crews.office.new_order(Medium.HEAT))

    again = crews.office.order(order_id)
    assert len({each.document.number for each in (other, again, third)}) == 3


def test_a_withdrawn_tablet_keeps_no_copy(crews: TwoCrews, backup: Path) -> None:
    made_for(crews)
    crews.restore(backup, is_one_first=True)
    office, tablet_id = crews.office, crews.one.identity and crews.one.identity.tablet_id
    with office.engine.begin() as connection:
        dispatcher = office.utility.dispatcher.account_id
        revoke_tablet(connection, str(tablet_id), dispatcher, office.clock.now_utc())

    sync_in_turn(crews, crews.one)

    assert copies_here(crews.one) == []


def copies_here(tablet: Tablet) -> list[str]:
    query = select(order_copy.c.order_id)
    return tablet.database.read(lambda connection: list(connection.execute(query).scalars()))
