"""What a crew has begun at an order that a restored server has lost, and who remembers the order.

The order was made after the copy that the server was restored from.
"""

from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import pytest

from field_app.i18n import CatalogueWords
from field_app.orders.order_list_store import OrderFilter, OrderQuery
from field_app.presenters.order import OrderPresenter
from field_app.presenters.ports import InlineWorker, PresenterContext
from field_app.presenters.views import OrderView
from field_app.tablet import Tablet
from sync_server.sync.order_copy_store import find_copy
from tests.field_app.office_parts import Office, office_app
from tests.field_app.restore_parts import (
    TwoCrews,
    sync_in_turn,
    take_steps,
    two_crews,
    whoever_is_first,
)
from tests.field_app.test_left_orders import told, told_answers
from tests.field_app.test_lost_orders import lost_orders, made_for, make_all_again
from wire_contracts.fields import JsonValue
from wire_contracts.orders import FactType
from wire_contracts.quantities import Medium
from wire_contracts.work_order_states import WorkOrderState

FOUND = {"result": "leak", "cause": "joint", "note": "half"}
UNFINISHED = {**FOUND, "measured": {}}


@pytest.fixture
def crews(office: Office, tmp_path: Path) -> Iterator[TwoCrews]:
    with two_crews(office, tmp_path, office_app(office)) as found:
        yield found


@pytest.fixture
def backup(crews: TwoCrews, tmp_path: Path) -> Path:
    """A copy from before every order of the test."""
    crews.all_sync()
    return crews.office.back_up(tmp_path / "backup.sqlite3")


def begun(crews: TwoCrews, **typed: str) -> str:
    """Crew 1 is at work and has typed half of its finding."""
    order_id = made_for(crews)
    take_steps(crews.one, order_id, "accept", "depart", "arrive", "begin")
    crews.all_sync()
    crews.one.desk.save_answers(order_id, FOUND | typed)
    return order_id


def told_unfinished(office: Office, order_id: str) -> list[JsonValue]:
    facts = told_answers(office, order_id)
    return [payload["answers"] for _author, payload in facts if payload.get("is_unfinished")]


def test_a_finding_half_typed_stands_in_the_form_once_the_order_is_made_again(
    crews: TwoCrews, backup: Path
) -> None:
    order_id = begun(crews)
    crews.restore(backup, is_one_first=True)
    make_all_again(crews)
    crews.all_sync()

    crews.one.desk.finish(order_id)
    crews.all_sync()

    order = crews.office.order(order_id)
    assert order.state is WorkOrderState.FINISHED
    assert (order.document.result, order.document.diagnosis) == ("leak", "half")
    assert told_unfinished(crews.office, order_id) == []


def test_what_was_begun_at_an_order_that_nobody_makes_again_is_told_after_a_day(
    crews: TwoCrews, backup: Path
) -> None:
    order_id = begun(crews)
    crews.restore(backup, is_one_first=True)
    crews.office.clock.advance(hours=23)
    sync_in_turn(crews, crews.one)
    assert told_unfinished(crews.office, order_id) == []

    crews.office.clock.advance(hours=2)
    sync_in_turn(crews, crews.one)

    assert told_unfinished(crews.office, order_id) == [UNFINISHED]


def test_gas_typed_at_a_lost_order_is_told_at_once_and_stays_in_the_form(
    crews: TwoCrews, backup: Path
) -> None:
    order_id = begun(crews, **{"measured.gas_lel_pct": "12"})
    crews.restore(backup, is_one_first=True)
    sync_in_turn(crews, crews.one, crews.one)

    handed = told(crews.office, order_id, FactType.HANDOVER)
    assert [payload["lel_pct"] for _author, payload in handed] == [12]
    make_all_again(crews)
    crews.all_sync()
    crews.one.desk.finish(order_id)
    crews.all_sync()
    assert crews.office.order(order_id).document.result == "leak"


def test_an_order_that_was_given_to_a_crew_whose_tablet_is_gone_is_asked_about(
    crews: TwoCrews, backup: Path
) -> None:
    order_id = begun(crews)
    crews.office.assign(order_id, "crew-2")
    crews.all_sync()
    crews.office.restore(backup)
    sync_in_turn(crews, crews.one)

    assert [each.entity_id for each in lost_orders(crews)] == [order_id]
    make_all_again(crews)
    assert crews.office.order(order_id).state is WorkOrderState.WORKING


@whoever_is_first
def test_the_copy_of_the_crew_that_has_the_order_is_newer_than_the_former_crews(
    crews: TwoCrews, backup: Path, *, is_one_first: bool
) -> None:
    order_id = begun(crews)
    crews.office.assign(order_id, "crew-2")
    crews.all_sync()
    crews.restore(backup, is_one_first=is_one_first)

    with crews.office.engine.connect() as connection:
        copy = find_copy(connection, order_id)
    assert copy is not None
    assert copy.document is not None
    assert copy.document.crew_id == "crew-2"


def test_what_was_begun_at_an_order_that_leaves_after_a_restore_is_told_at_once(
    crews: TwoCrews, backup: Path
) -> None:
    crews.restore(backup, is_one_first=True)
    order_id = begun(crews)
    crews.office.assign(order_id, "crew-2")
    crews.all_sync()

    assert told_unfinished(crews.office, order_id) == [UNFINISHED]


def lost_at(tablet: Tablet, search: str = "") -> list[str]:
    """Return the orders under the heading of those that a restored server does not show."""
    query = OrderQuery(chosen=OrderFilter.LOST, search=search)
    page = tablet.desk.page(query)
    assert page.counts[OrderFilter.LOST] == len(page.lines) or search
    return [each.order_id for each in page.lines]


def view_of(crews: TwoCrews, tablet: Tablet, order_id: str) -> OrderView:
    context = PresenterContext(
        worker=InlineWorker(), words=CatalogueWords("en"), clock=crews.office.clock, zone=UTC
    )
    presenter = OrderPresenter(tablet, context, order_id)
    presenter.attach(lambda _view: None)
    return presenter.view


def test_a_lost_order_stands_under_its_own_heading_until_it_is_made_again(
    crews: TwoCrews, backup: Path
) -> None:
    given_on = made_for(crews)
    take_steps(crews.one, given_on, "accept", "depart", "arrive", "begin")
    crews.one.desk.add_note(given_on, "wet")
    crews.office.assign(given_on, "crew-2")
    crews.all_sync()
    order_id = crews.office.new_order(Medium.GAS)
    crews.all_sync()
    number = crews.office.order(order_id).document.number
    assert lost_at(crews.one) == []
    crews.restore(backup, is_one_first=True)

    assert (lost_at(crews.one), lost_at(crews.two)) == ([order_id], [given_on])
    assert (lost_at(crews.one, number), lost_at(crews.one, "elsewhere")) == ([order_id], [])
    view = view_of(crews, crews.one, order_id)
    assert (view.number, view.next_action, view.is_gone) == (number, None, True)
    assert view.problem.startswith("The office's server was restored and does not show this order")
    make_all_again(crews)
    crews.all_sync()
    assert (lost_at(crews.one), lost_at(crews.two)) == ([], [])
    assert order_id in [each.order_id for each in crews.one.desk.page(OrderQuery()).lines]
    assert view_of(crews, crews.one, order_id).problem == ""


def test_a_lost_order_that_nobody_makes_again_leaves_its_heading_after_a_day(
    crews: TwoCrews, backup: Path
) -> None:
    order_id = begun(crews)
    crews.restore(backup, is_one_first=True)
    assert lost_at(crews.one) == [order_id]
    crews.office.restore(backup)  # once more, within the day
    crews.office.clock.advance(hours=23)
    crews.all_sync()
    assert lost_at(crews.one) == [order_id]
    crews.office.clock.advance(hours=25)

    assert lost_at(crews.one) == []
