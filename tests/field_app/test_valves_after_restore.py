"""Valves that a crew had been shown as closed stay closed though a restored server forgot them."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from field_app.tablet import Tablet
from sync_server.sync.review_store import ReviewKind
from tests.field_app.office_parts import Office, office_app
from tests.field_app.restore_parts import TwoCrews, mate_of, sync_in_turn, take_steps, two_crews
from tests.field_app.test_given_on import closed_at, turn
from tests.field_app.test_left_orders import reviews
from tests.field_app.test_lost_orders import copies_here
from wire_contracts.quantities import Medium
from wire_contracts.site_facts import ValveAction

TO_WORK = ("accept", "depart", "arrive", "begin")
CLOSED = [("VW-1", "Li Wei")]


@pytest.fixture
def crews(office: Office, tmp_path: Path) -> Iterator[TwoCrews]:
    with two_crews(office, tmp_path, office_app(office)) as found:
        yield found


@pytest.fixture
def mate(crews: TwoCrews, tmp_path: Path) -> Iterator[Tablet]:
    with closing(mate_of(crews, tmp_path, "crew-1")) as found:
        yield found


def lose_a_valve(crews: TwoCrews, backup: Path, closer: Tablet) -> str:
    """Have a valve closed and told after the copy; the tablet that closed it never comes again."""
    order_id = crews.office.new_order(Medium.WATER)
    sync_in_turn(crews, closer)
    crews.office.back_up(backup)
    crews.office.clock.advance(minutes=1)
    take_steps(closer, order_id, *TO_WORK)
    turn(closer, order_id, ValveAction.CLOSED)
    sync_in_turn(crews, closer)
    return order_id


def restore(crews: TwoCrews, backup: Path) -> None:
    crews.office.clock.advance(minutes=1)
    crews.office.restore(backup)
    crews.office.clock.advance(minutes=1)


def closed_in_office(crews: TwoCrews, order_id: str) -> list[str]:
    handover = crews.office.order(order_id).document.handover
    return [] if handover is None else [each.valve_id for each in handover.valves]


def give_on(crews: TwoCrews, backup: Path) -> str:
    """Have the other crew at work at an order with a valve that the first one closed."""
    order_id = lose_a_valve(crews, backup, crews.one)
    crews.office.assign(order_id, "crew-2")
    sync_in_turn(crews, crews.two)
    take_steps(crews.two, order_id, *TO_WORK)
    sync_in_turn(crews, crews.two)
    return order_id


def test_what_a_hand_over_had_shown_stays_on_the_sheet(crews: TwoCrews, tmp_path: Path) -> None:
    backup, two = tmp_path / "backup", crews.two
    order_id = give_on(crews, backup)
    restore(crews, backup)
    sync_in_turn(crews, two)
    at_once = closed_at(two, order_id)
    sync_in_turn(crews, two, two)

    assert at_once == closed_at(two, order_id) == CLOSED
    assert closed_in_office(crews, order_id) == ["VW-1"]
    assert copies_here(two) == []


def test_what_a_colleagues_tablet_had_told_stays_on_the_sheet(
    crews: TwoCrews, mate: Tablet, tmp_path: Path
) -> None:
    backup, one = tmp_path / "backup", crews.one
    order_id = lose_a_valve(crews, backup, mate)
    sync_in_turn(crews, one)
    before = closed_at(one, order_id)
    restore(crews, backup)
    sync_in_turn(crews, one)
    at_once = closed_at(one, order_id)
    sync_in_turn(crews, one, one)

    assert before == at_once == closed_at(one, order_id) == CLOSED
    assert closed_in_office(crews, order_id) == ["VW-1"]
    assert copies_here(one) == []


def test_what_was_opened_since_is_open_whoever_comes_first(
    crews: TwoCrews, mate: Tablet, tmp_path: Path
) -> None:
    backup, one = tmp_path / "backup", crews.one
    order_id = lose_a_valve(crews, backup, mate)
    sync_in_turn(crews, one)
    turn(one, order_id, ValveAction.REOPENED)
    restore(crews, backup)
    sync_in_turn(crews, one, mate, one)

    assert closed_at(one, order_id) == closed_at(mate, order_id) == []
    assert closed_in_office(crews, order_id) == []


def test_the_tablet_that_closed_it_may_come_later_and_open_it(
    crews: TwoCrews, mate: Tablet, tmp_path: Path
) -> None:
    backup, one = tmp_path / "backup", crews.one
    order_id = lose_a_valve(crews, backup, mate)
    sync_in_turn(crews, one)
    turn(mate, order_id, ValveAction.REOPENED)
    restore(crews, backup)
    sync_in_turn(crews, one, one)
    kept = closed_in_office(crews, order_id)
    sync_in_turn(crews, mate, one)

    assert (kept, closed_in_office(crews, order_id)) == (["VW-1"], [])
    assert closed_at(one, order_id) == []


def test_where_nobody_goes_on_somebody_is_asked(crews: TwoCrews, tmp_path: Path) -> None:
    backup, two = tmp_path / "backup", crews.two
    order_id = give_on(crews, backup)
    found = {"result": "normal", "cause": "nothing_found", "measured.flow_m3h": "2", "note": "dry"}
    two.desk.save_answers(order_id, found)
    two.desk.finish(order_id)
    sync_in_turn(crews, two)
    restore(crews, backup)
    sync_in_turn(crews, two, two)

    assert ReviewKind.LEFT_CLOSED in reviews(crews.office)
    assert closed_in_office(crews, order_id) == ["VW-1"]
