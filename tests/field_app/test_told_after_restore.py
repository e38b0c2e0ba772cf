"""After a restore what the former server had said of a tablet's work decides whose an order was."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from field_app.tablet import Tablet
from sync_server.sync.review_store import list_reviews
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
from tests.field_app.withdrawal_parts import app_with_keys, revoke
from wire_contracts.work_order_states import WorkOrderEvent, WorkOrderState


@pytest.fixture
def crews(office: Office, tmp_path: Path) -> Iterator[TwoCrews]:
    with two_crews(office, tmp_path, office_app(office)) as found:
        yield found


@whoever_is_first
def test_work_counts_again_that_came_after_the_order_had_been_given_away_and_back(
    crews: TwoCrews, tmp_path: Path, *, is_one_first: bool
) -> None:
    order_id = crews.office.new_order()
    crews.all_sync()
    finish(crews.one, order_id)  # in a cellar
    crews.office.clock.advance(minutes=1)
    crews.office.assign(order_id, "crew-2")
    sync_in_turn(crews, crews.two)
    backup = crews.office.back_up(tmp_path / "backup.sqlite3")
    crews.office.assign(order_id, "crew-1")
    crews.all_sync()
    assert stands(crews, order_id) == (WorkOrderState.FINISHED, "crew-1")

    for is_first in (is_one_first, not is_one_first):
        crews.restore(backup, is_one_first=is_first)

        assert stands(crews, order_id) == (WorkOrderState.FINISHED, "crew-1")
        assert crews.office.order(order_id).document.result == "leak"
        assert list(crews.one.look_here()) == []


@whoever_is_first
def test_who_had_only_accepted_a_reopened_order_has_it_and_loses_it_to_no_earlier_finish(
    crews: TwoCrews, tmp_path: Path, *, is_one_first: bool
) -> None:
    order_id = crews.office.new_order()
    crews.all_sync()
    backup = crews.office.back_up(tmp_path / "backup.sqlite3")
    finish(crews.one, order_id)
    crews.all_sync()
    reopen(crews, order_id, "crew-2")
    take_steps(crews.two, order_id, "accept")
    crews.all_sync()

    crews.restore(backup, is_one_first=is_one_first)

    assert stands(crews, order_id) == (WorkOrderState.ACCEPTED, "crew-2")
    assert list(crews.two.look_here()) == []


def find_nothing(tablet: Tablet, order_id: str) -> None:
    take_steps(tablet, order_id, "accept", "depart", "arrive", "begin")
    find(tablet, order_id, "nothing found", result="other")


@pytest.mark.parametrize("is_mate_first", [True, False], ids=["colleague", "who finished"])
def test_a_colleagues_later_first_steps_reopen_nothing_that_was_finished_in_a_cellar(
    crews: TwoCrews, tmp_path: Path, *, is_mate_first: bool
) -> None:
    order_id = crews.office.new_order()
    with closing(mate_of(crews, tmp_path, "crew-1")) as mate:
        sync_in_turn(crews, crews.one, mate)
        backup = crews.office.back_up(tmp_path / "backup.sqlite3")
        finish(crews.one, order_id)  # in a cellar
        crews.office.clock.advance(minutes=5)
        sync_in_turn(crews, mate)
        take_steps(mate, order_id, "accept", "depart", "arrive")
        sync_in_turn(crews, mate, crews.one)
        assert stands(crews, order_id) == (WorkOrderState.FINISHED, "crew-1")

        crews.office.restore(backup)
        sync_in_turn(crews, *((mate, crews.one) if is_mate_first else (crews.one, mate)))

        assert said(crews, order_id) == (WorkOrderState.FINISHED, "crew-1", "leak", "seal")


@pytest.mark.parametrize("is_mate_first", [True, False], ids=["who came late", "who came first"])
def test_of_two_colleagues_who_both_did_the_visit_either_leaves_it_finished(
    crews: TwoCrews, tmp_path: Path, *, is_mate_first: bool
) -> None:
    order_id = crews.office.new_order()
    with closing(mate_of(crews, tmp_path, "crew-1")) as mate:
        sync_in_turn(crews, crews.one, mate)
        backup = crews.office.back_up(tmp_path / "backup.sqlite3")
        for tablet in (crews.one, mate):  # both in a cellar
            finish(tablet, order_id)
            crews.office.clock.advance(minutes=1)
        sync_in_turn(crews, crews.one, mate)
        codes = [each.code for each in mate.look_here()]
        assert codes
        assert stands(crews, order_id) == (WorkOrderState.FINISHED, "crew-1")

        crews.office.restore(backup)
        sync_in_turn(crews, *((mate, crews.one) if is_mate_first else (crews.one, mate)))

        assert said(crews, order_id) == (WorkOrderState.FINISHED, "crew-1", "leak", "seal")
        assert [each.code for each in mate.look_here()] == codes


@whoever_is_first
def test_a_crew_that_did_everything_and_was_refused_takes_nothing_by_it(
    crews: TwoCrews, tmp_path: Path, *, is_one_first: bool
) -> None:
    order_id = crews.office.new_order()
    crews.all_sync()
    backup = crews.office.back_up(tmp_path / "backup.sqlite3")
    crews.office.clock.advance(minutes=1)
    crews.office.assign(order_id, "crew-2")
    sync_in_turn(crews, crews.two)
    finish(crews.one, order_id)  # in a cellar
    crews.office.clock.advance(minutes=1)
    find_nothing(crews.two, order_id)  # off the network
    crews.office.assign(order_id, "crew-1")
    sync_in_turn(crews, crews.one, crews.two)
    assert stands(crews, order_id) == (WorkOrderState.FINISHED, "crew-1")

    crews.restore(backup, is_one_first=is_one_first)

    assert said(crews, order_id) == (WorkOrderState.FINISHED, "crew-1", "leak", "seal")


@whoever_is_first
def test_words_that_were_refused_beat_none_of_the_crew_that_had_the_order(
    crews: TwoCrews, tmp_path: Path, *, is_one_first: bool
) -> None:
    order_id = crews.office.new_order()
    crews.all_sync()
    backup = crews.office.back_up(tmp_path / "backup.sqlite3")
    crews.office.clock.advance(minutes=1)
    crews.office.assign(order_id, "crew-2")
    sync_in_turn(crews, crews.two)
    finish(crews.two, order_id)
    sync_in_turn(crews, crews.two)
    find_nothing(crews.one, order_id)  # has heard of nothing
    sync_in_turn(crews, crews.one)
    assert stands(crews, order_id) == (WorkOrderState.FINISHED, "crew-2")

    crews.restore(backup, is_one_first=is_one_first)

    assert said(crews, order_id) == (WorkOrderState.FINISHED, "crew-2", "leak", "seal")


def test_a_word_that_said_the_same_as_the_holders_proves_nothing(
    crews: TwoCrews, tmp_path: Path
) -> None:
    order_id = crews.office.new_order(crew_id=None)
    give_area(crews.office, order_id)
    crews.office.act(order_id, WorkOrderEvent.RELEASE)
    crews.all_sync()
    backup = crews.office.back_up(tmp_path / "backup.sqlite3")
    for tablet in (crews.two, crews.one):  # off the network, both find the same
        finish(tablet, order_id)
        crews.office.clock.advance(minutes=1)
    sync_in_turn(crews, crews.two, crews.one)
    assert stands(crews, order_id) == (WorkOrderState.FINISHED, "crew-2")

    for is_one_first in (True, True, False):
        crews.restore(backup, is_one_first=is_one_first)

        assert said(crews, order_id) == (WorkOrderState.FINISHED, "crew-2", "leak", "seal")


@pytest.mark.parametrize("is_mate_first", [True, False], ids=["who finished", "who went again"])
def test_the_result_of_a_visit_stands_on_no_later_one_that_ended_without(
    crews: TwoCrews, tmp_path: Path, *, is_mate_first: bool
) -> None:
    order_id = crews.office.new_order()
    with closing(mate_of(crews, tmp_path, "crew-1")) as mate:
        sync_in_turn(crews, crews.one, mate)
        backup = crews.office.back_up(tmp_path / "backup.sqlite3")
        take_steps(crews.one, order_id, "accept", "depart", "arrive", "begin")
        sync_in_turn(crews, crews.one, mate)
        find(mate, order_id, "nothing found", result="other")
        sync_in_turn(crews, mate)
        reopen(crews, order_id, "crew-1")
        take_steps(crews.one, order_id, "accept", "depart", "arrive", "no_access")
        sync_in_turn(crews, crews.one, mate)
        before = said(crews, order_id)[:3]
        assert before == (WorkOrderState.NO_ACCESS, "crew-1", None)

        crews.office.clock.advance(minutes=1)
        crews.office.restore(backup)
        sync_in_turn(crews, *((mate, crews.one) if is_mate_first else (crews.one, mate)))

        assert said(crews, order_id)[:3] == before


def test_a_crew_on_its_way_to_a_visit_that_the_copy_does_not_know_is_on_its_way(
    crews: TwoCrews, tmp_path: Path
) -> None:
    order_id = crews.office.new_order()
    with closing(mate_of(crews, tmp_path, "crew-1")) as mate:
        sync_in_turn(crews, crews.one, mate)
        take_steps(crews.one, order_id, "accept", "depart", "arrive")
        sync_in_turn(crews, crews.one, mate)
        backup = crews.office.back_up(tmp_path / "backup.sqlite3")
        crews.office.clock.advance(minutes=1)
        take_steps(crews.one, order_id, "begin")
        find(crews.one, order_id, "seal")
        sync_in_turn(crews, crews.one, mate)
        reopen(crews, order_id, "crew-1")
        sync_in_turn(crews, mate)
        take_steps(mate, order_id, "accept", "depart")
        sync_in_turn(crews, mate)

        crews.office.restore(backup)
        sync_in_turn(crews, mate, crews.one)

    with crews.office.engine.connect() as connection:
        asked = [each.entity_id for each in list_reviews(connection)]
    assert stands(crews, order_id) == (WorkOrderState.EN_ROUTE, "crew-1")
    assert asked == [order_id]


@pytest.mark.parametrize("is_withdrawn_first", [True, False], ids=["withdrawn", "other"])
@pytest.mark.parametrize("is_sent_before", [True, False], ids=["sent", "sealed"])
def test_a_withdrawn_tablet_takes_nothing_by_what_it_had_been_refused(
    office: Office, tmp_path: Path, *, is_withdrawn_first: bool, is_sent_before: bool
) -> None:
    app = app_with_keys(office, tmp_path / "keys")
    with two_crews(office, tmp_path, app) as crews:
        one, two = crews.one, crews.two
        order_id = office.new_order()
        crews.all_sync()
        backup = office.back_up(tmp_path / "backup.sqlite3")
        office.assign(order_id, "crew-2")
        sync_in_turn(crews, two)
        finish(one, order_id)
        office.clock.advance(minutes=1)
        take_steps(two, order_id, "accept", "depart")
        office.assign(order_id, "crew-1")
        sync_in_turn(crews, one, *[two] * is_sent_before)
        assert stands(crews, order_id) == (WorkOrderState.FINISHED, "crew-1")
        revoke(office, two)
        sync_in_turn(crews, two)

        office.restore(backup)
        revoke(office, two)
        order = (two, one) if is_withdrawn_first else (one, two)
        sync_in_turn(crews, *order, *order)

        assert stands(crews, order_id) == (WorkOrderState.FINISHED, "crew-1")
        assert office.order(order_id).document.result == "leak"


def test_of_several_restores_the_first_servers_order_of_the_visits_stands(
    crews: TwoCrews, tmp_path: Path
) -> None:
    order_id = crews.office.new_order()
    crews.all_sync()
    backup = crews.office.back_up(tmp_path / "backup.sqlite3")
    finish(crews.one, order_id)
    crews.all_sync()
    reopen(crews, order_id, "crew-2")
    finish(crews.two, order_id)
    crews.all_sync()

    for is_one_first in (False, True, False):
        crews.restore(backup, is_one_first=is_one_first)

        assert stands(crews, order_id) == (WorkOrderState.FINISHED, "crew-2")


@pytest.mark.parametrize("end", ["no_access", "cannot_finish"])
def test_the_end_of_an_earlier_visit_does_not_end_the_one_that_the_crew_is_on(
    crews: TwoCrews, tmp_path: Path, end: str
) -> None:
    order_id = crews.office.new_order()
    with closing(mate_of(crews, tmp_path, "crew-1")) as mate:
        sync_in_turn(crews, crews.one, mate)
        backup = crews.office.back_up(tmp_path / "backup.sqlite3")
        crews.office.clock.advance(minutes=1)
        take_steps(mate, order_id, "accept", "depart", "arrive", "begin", end)
        sync_in_turn(crews, mate)
        crews.office.act(order_id, WorkOrderEvent.RELEASE)
        sync_in_turn(crews, crews.one)
        take_steps(crews.one, order_id, "accept", "depart", "arrive", "begin")
        sync_in_turn(crews, crews.one)

        crews.office.restore(backup)
        sync_in_turn(crews, crews.one, mate, crews.one)
        find(crews.one, order_id, "seal")
        sync_in_turn(crews, crews.one)

    assert said(crews, order_id) == (WorkOrderState.FINISHED, "crew-1", "leak", "seal")
    with crews.office.engine.connect() as connection:
        assert [each.kind for each in list_reviews(connection)] == ["unknown_author"]
