"""After a restore an order that the field had asked for stands as it did, whoever comes first.

A crew whose tablet comes before the inspector's tells of an order that the server does not know.
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from field_app.tablet import Tablet
from sync_server.sync.review_store import ReviewKind, list_reviews, resolve_review
from tests.field_app.office_parts import Office, office_app
from tests.field_app.restore_parts import (
    TwoCrews,
    ask_for_order,
    find,
    finish,
    mate_of,
    reopen,
    said,
    stands,
    sync_in_turn,
    take_steps,
    two_crews,
    whoever_is_first,
)
from tests.field_app.test_lost_orders import made_for, make_all_again
from wire_contracts.work_order_states import WorkOrderState


@pytest.fixture
def crews(office: Office, tmp_path: Path) -> Iterator[TwoCrews]:
    with two_crews(office, tmp_path, office_app(office)) as found:
        yield found


def asked_for(crews: TwoCrews, inspector: Tablet) -> str:
    order_id = ask_for_order(inspector)
    sync_in_turn(crews, inspector, crews.one)
    return order_id


@whoever_is_first
def test_the_finding_of_a_second_visit_is_of_the_second_visit(
    crews: TwoCrews, tmp_path: Path, *, is_one_first: bool
) -> None:
    crews.all_sync()
    backup = crews.office.back_up(tmp_path / "backup.sqlite3")
    order_id = asked_for(crews, crews.two)
    take_steps(crews.one, order_id, "accept", "depart", "arrive", "begin")
    find(crews.one, order_id, "nothing", result="other")
    crews.all_sync()
    reopen(crews, order_id, "crew-1")
    finish(crews.one, order_id)
    crews.all_sync()

    crews.restore(backup, is_one_first=is_one_first)
    sync_in_turn(crews, crews.one)

    assert said(crews, order_id) == (WorkOrderState.FINISHED, "crew-1", "leak", "seal")
    assert crews.office.order(order_id).visit == 1


@whoever_is_first
def test_a_hand_over_goes_with_the_order_and_is_heard_of(
    crews: TwoCrews, tmp_path: Path, *, is_one_first: bool
) -> None:
    crews.all_sync()
    backup = crews.office.back_up(tmp_path / "backup.sqlite3")
    order_id = asked_for(crews, crews.two)
    take_steps(crews.one, order_id, "accept", "depart", "arrive", "begin")
    crews.one.site.hand_over(order_id, "V7 is closed, gas smell in cellar", "Wang")
    crews.all_sync()

    crews.restore(backup, is_one_first=is_one_first)

    handover = crews.office.order(order_id).document.handover
    assert handover is not None
    assert handover.note == "V7 is closed, gas smell in cellar"
    with crews.office.engine.connect() as connection:
        kinds = [each.kind for each in list_reviews(connection)]
    assert ReviewKind.HANDED_OVER in kinds
    assert ReviewKind.ORPHAN_FACT not in kinds


def test_work_counts_though_somebody_has_settled_the_questions_meanwhile(
    crews: TwoCrews, tmp_path: Path
) -> None:
    crews.all_sync()
    backup = crews.office.back_up(tmp_path / "backup.sqlite3")
    order_id = asked_for(crews, crews.two)
    finish(crews.one, order_id)
    crews.all_sync()
    crews.office.clock.advance(minutes=1)
    crews.office.restore(backup)
    sync_in_turn(crews, crews.one)
    dispatcher = crews.office.utility.dispatcher.account_id
    with crews.office.engine.begin() as connection:
        asked = [each.review_id for each in list_reviews(connection)]
        for review_id in asked:
            now_utc = crews.office.clock.now_utc()
            resolve_review(connection, review_id, dispatcher, "seen", now_utc)

    sync_in_turn(crews, crews.two)

    assert said(crews, order_id) == (WorkOrderState.FINISHED, "crew-1", "leak", "seal")
    with crews.office.engine.connect() as connection:
        settled = {
            each.review_id: each.resolution for each in list_reviews(connection, is_open=False)
        }
    assert {settled[each] for each in asked} == {"seen"}


@pytest.mark.parametrize("order", ["one two mate", "two one mate", "mate one two"])
def test_what_was_refused_before_takes_no_such_order_either(
    crews: TwoCrews, tmp_path: Path, order: str
) -> None:
    with closing(mate_of(crews, tmp_path, "crew-2")) as mate:
        crews.all_sync()
        backup = crews.office.back_up(tmp_path / "backup.sqlite3")
        order_id = asked_for(crews, mate)
        crews.office.assign(order_id, "crew-2")
        sync_in_turn(crews, crews.two)
        finish(crews.one, order_id)  # in a cellar
        crews.office.clock.advance(minutes=1)
        take_steps(crews.two, order_id, "accept", "depart")  # off the network
        crews.office.assign(order_id, "crew-1")
        sync_in_turn(crews, crews.one, crews.two)
        assert stands(crews, order_id) == (WorkOrderState.FINISHED, "crew-1")

        tablets = {"one": crews.one, "two": crews.two, "mate": mate}
        for names in (order, "mate two one"):
            crews.office.clock.advance(minutes=1)
            crews.office.restore(backup)
            sync_in_turn(crews, *(tablets[name] for name in names.split()))

            assert said(crews, order_id) == (WorkOrderState.FINISHED, "crew-1", "leak", "seal")


def test_a_finish_that_was_refused_before_a_second_restore_counts_once_its_order_is_made_again(
    crews: TwoCrews, tmp_path: Path
) -> None:
    with closing(mate_of(crews, tmp_path, "crew-1")) as mate:
        crews.all_sync()
        backup = crews.office.back_up(tmp_path / "backup.sqlite3")
        order_id = made_for(crews, "crew-2")
        take_steps(crews.two, order_id, "accept")
        crews.all_sync()
        crews.office.assign(order_id, "crew-1")
        crews.all_sync()
        take_steps(crews.one, order_id, "accept", "depart", "arrive")
        sync_in_turn(crews, crews.one, mate)
        take_steps(mate, order_id, "begin")
        find(mate, order_id, "seal")
        sync_in_turn(crews, mate)
        crews.office.restore(backup)
        sync_in_turn(crews, mate)
        crews.office.restore(crews.office.back_up(tmp_path / "second.sqlite3"))
        sync_in_turn(crews, crews.one)

        make_all_again(crews)
        sync_in_turn(crews, crews.two)

    assert said(crews, order_id) == (WorkOrderState.FINISHED, "crew-1", "leak", "seal")
