"""The finding form as a crew fills it in: kept answers, gas that grows old, what is missing."""

from dataclasses import replace
from datetime import UTC

import pytest
from sqlalchemy import update

from field_app.crew import HeadlessCrew
from field_app.i18n import CatalogueWords
from field_app.orders.order_desk import FindingIncompleteError
from field_app.presenters.ports import InlineWorker, PresenterContext
from field_app.tablet import Tablet
from sync_server.db.asset_tables import METER
from tests.field_app.office_parts import Office
from tests.field_app.presenter_parts import SlowScreen, finding_of, take_gas_steps
from tests.sync_server.real_parts import HandClock
from wire_contracts.frames import ms_from_utc
from wire_contracts.quantities import Medium
from wire_contracts.work_order_states import WorkOrderEvent

ENGLISH = CatalogueWords("en")


@pytest.fixture
def tablet(crew: HeadlessCrew) -> Tablet:
    return crew.tablet


@pytest.fixture
def context(office: Office) -> PresenterContext:
    return PresenterContext(worker=InlineWorker(), words=ENGLISH, clock=office.clock, zone=UTC)


def test_the_gas_test_of_a_gas_order_is_never_called_optional(
    tablet: Tablet, office: Office, context: PresenterContext
) -> None:
    order_id = office.new_order(Medium.GAS)
    tablet.sync_now()
    measured = finding_of(tablet, context, order_id).view.measured

    assert [each.key for each in measured if each.is_required] == ["gas_lel_pct"]


UNLIKELY = "210 kPa is 2.1 bar, 0.21 MPa: a home has less. Is the unit right?"

SAID_OF = {
    (Medium.GAS, "210"): (UNLIKELY, True),
    (Medium.GAS, "2,1"): ("2.1 kPa is 0.021 bar, 0.0021 MPa", False),
    (Medium.GAS, "0.21 MPa"): (UNLIKELY, True),
    (Medium.WATER, "0.4"): ("0.4 MPa is 400 kPa, 4 bar", False),
    (Medium.WATER, "4"): ("Gauge pressure: this value is not possible; check the unit.", True),
}


@pytest.mark.parametrize(("medium", "typed"), list(SAID_OF))
def test_a_pressure_is_said_in_every_unit_and_asked_about_where_a_home_has_less(
    crew: HeadlessCrew, office: Office, context: PresenterContext, medium: Medium, typed: str
) -> None:
    with office.engine.begin() as connection:
        connection.execute(update(METER).values(meter_class="household"))
    order_id = office.new_order(medium)
    crew.sync_now()
    crew.go_to_work(order_id)
    presenter = finding_of(crew.tablet, context, order_id)
    presenter.type_measured("pressure_barg", typed)

    (row,) = (each for each in presenter.view.measured if each.key == "pressure_barg")
    assert row.text == typed
    said, is_asked = SAID_OF[medium, typed]
    assert (row.error_text or row.range_text, bool(row.error_text)) == (said, is_asked)


def test_a_finding_is_filled_in_step_by_step_and_finishes_the_order(
    tablet: Tablet, office: Office, context: PresenterContext
) -> None:
    order_id = office.new_order(Medium.GAS)
    tablet.sync_now()
    for event in ("accept", "depart", "arrive", "begin"):
        tablet.desk.tap(order_id, WorkOrderEvent(event))
    take_gas_steps(tablet, order_id)
    presenter = finding_of(tablet, context, order_id)
    missing = [presenter.view.missing]
    presenter.choose_result("leak")
    missing.append(presenter.view.missing)
    presenter.choose_cause("joint")
    missing.append(presenter.view.missing)
    presenter.type_measured("gas_lel_pct", "250")
    wrong = presenter.view.measured[0].error_text
    presenter.type_measured("gas_lel_pct", "2,5")
    presenter.type_note("hissing at the joint")
    done: list[bool] = []

    presenter.finish(lambda: done.append(True))

    assert missing == [
        ("Choose what you found.",),
        ("Choose the cause.", "Gas in the air: test the air and type the value."),
        ("Gas in the air: test the air and type the value.",),
    ]
    assert wrong == "Gas in the air: this value is not possible; check the unit."
    assert (done, presenter.view.is_finished) == ([True], True)
    tablet.sync_now()
    assert office.order(order_id).document.diagnosis == "hissing at the joint"


def test_every_answer_is_there_after_the_form_was_left(
    tablet: Tablet, office: Office, context: PresenterContext
) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    first = finding_of(tablet, context, order_id)
    first.choose_result("normal")
    first.choose_cause("changed_use")
    first.type_measured("flow_m3h", "0,1")
    first.detach()

    again = finding_of(tablet, context, order_id).view

    assert [each.key for each in again.results if each.is_selected] == ["normal"]
    assert [each.key for each in again.causes if each.is_selected] == ["changed_use"]
    assert again.measured[0].text == "0,1"
    assert again.saved_text == "Kept on this tablet at 04:00"


def test_a_slow_look_at_the_draft_never_takes_an_answer_back(
    tablet: Tablet, office: Office, context: PresenterContext
) -> None:
    order_id = office.new_order(Medium.GAS)
    tablet.sync_now()
    screen = SlowScreen()
    presenter = finding_of(tablet, replace(context, worker=screen), order_id)
    screen.take(1)
    presenter.refresh()  # read before the crew answers, seen by the screen after it
    presenter.choose_result("leak")
    presenter.choose_cause("joint")
    presenter.type_note("hissing")
    screen.pass_time()
    shown = []
    while screen.answers:
        screen.take(1)
        view = presenter.view
        shown.append(([each.key for each in view.causes if each.is_selected], view.note))

    assert shown == [(["joint"], "hissing")] * 4


def test_another_result_takes_a_cause_back_that_does_not_fit(
    tablet: Tablet, office: Office, context: PresenterContext
) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    presenter = finding_of(tablet, context, order_id)
    presenter.choose_result("leak")
    presenter.choose_cause("joint")

    presenter.choose_result("inaccurate")

    assert [each.key for each in presenter.view.causes if each.is_selected] == []


def test_an_order_that_has_not_begun_cannot_be_finished(
    tablet: Tablet, office: Office, context: PresenterContext
) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    presenter = finding_of(tablet, context, order_id)
    presenter.choose_result("leak")
    presenter.choose_cause("joint")

    presenter.finish(lambda: pytest.fail("it was not finished"))

    assert presenter.view.message == "The order cannot be finished now; look at its state."
    assert not presenter.view.is_finished


def test_gas_that_was_measured_too_long_ago_closes_nothing_until_it_is_measured_again(
    crew: HeadlessCrew, office: Office, context: PresenterContext, hand_clock: HandClock
) -> None:
    order_id = office.new_order(Medium.GAS)
    crew.sync_now()
    crew.go_to_work(order_id)
    answers = {"result": "normal", "cause": "nothing_found", "measured.gas_lel_pct": "0"}
    crew.tablet.desk.save_answers(order_id, answers)
    fresh = crew.tablet.desk.finding(order_id)
    hand_clock.advance(minutes=31)
    presenter = finding_of(crew.tablet, context, order_id)
    old = presenter.view
    with pytest.raises(FindingIncompleteError, match="gas_test_old"):
        crew.tablet.desk.finish(order_id)
    presenter.type_measured("gas_lel_pct", "0.0")
    presenter.flush()

    assert (fresh.missing, presenter.view.missing) == ((), ())
    assert old.missing == ("Measured more than 30 minutes ago: measure again.",)
    assert [each.error_text for each in old.measured if each.key == "gas_lel_pct"] == [
        "Measured more than 30 minutes ago: measure again."
    ]
    crew.tablet.desk.finish(order_id)
    (told,) = [
        entry.operation.payload
        for entry in crew.tablet.waiting()
        if entry.operation.field == "form_answerset"
    ]
    assert told is not None
    assert told["measured_at"] == ms_from_utc(hand_clock.now_utc())
    assert crew.tablet.desk.finding(order_id).missing == ()
    hand_clock.advance(minutes=31)
    refused_later = crew.tablet.desk.finding(order_id)
    assert [each.problem for each in refused_later.missing] == ["gas_test_old"]


def test_gas_that_was_there_stands_however_long_ago_it_was_measured(
    crew: HeadlessCrew, office: Office, hand_clock: HandClock
) -> None:
    order_id = office.new_order(Medium.GAS)
    crew.sync_now()
    crew.go_to_work(order_id)
    answers = {"result": "leak", "cause": "joint", "measured.gas_lel_pct": "12"}
    crew.tablet.desk.save_answers(order_id, answers)
    hand_clock.advance(hours=3)

    assert crew.tablet.desk.finding(order_id).missing == ()
