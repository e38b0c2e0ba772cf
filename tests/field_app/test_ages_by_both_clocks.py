"""What was measured grows old by the longer of both clocks, wherever it was typed or kept."""

from datetime import timedelta

import pytest

from field_app.forms.finding import Problem
from field_app.orders.moments import TimerMoment
from field_app.presenters.finding import FindingPresenter
from field_app.presenters.home import HomePage
from field_app.presenters.point import PointPage
from field_app.presenters.round_parts import RoundParts
from field_app.presenters.stop_gate import StopGatePage, gate_rows, stop_record
from field_app.tablet import Tablet
from tests.field_app.round_parts import arrive, opened, refusal, round_town
from tests.field_app.site_parts import LEAK
from tests.field_app_ui.inspection_parts import checkpoint
from tests.field_app_ui.town_office import BootClock, TownOffice

STOP, WELL = checkpoint(0)
GOOD_AIR = {
    "oxygen_pct": "20.8",
    "lel_pct": "0",
    "detector_id": "GX-7",
    "calibrated_until": "2027-05-31",
}


@pytest.fixture
def clock() -> BootClock:
    return BootClock()


@pytest.fixture
def town(clock: BootClock) -> TownOffice:
    town = round_town()
    town.clock = clock
    return town


@pytest.fixture
def run_id(parts: RoundParts) -> str:
    return parts.desk.start_run("plan-1", (STOP,))


def fifty_minutes(clock: BootClock) -> None:
    """Let fifty minutes pass, of which the wall clock shows 26."""
    clock.go_on(timedelta(minutes=50))
    clock.set_by(timedelta(minutes=-24))


def finding(parts: RoundParts, tablet: Tablet) -> FindingPresenter:
    presenter = FindingPresenter(tablet, parts.context, LEAK)
    presenter.attach(lambda _view: None)
    return presenter


def is_gas_old(presenter: FindingPresenter) -> bool:
    return any("30 minutes" in each for each in presenter.view.missing)


def test_the_gas_of_a_finding(tablet: Tablet, parts: RoundParts, clock: BootClock) -> None:
    page = finding(parts, tablet)
    page.choose_result("normal")
    page.type_measured("gas_lel_pct", "0")
    page.flush()
    assert not is_gas_old(page)

    fifty_minutes(clock)
    page.choose_result("other")
    page.choose_result("normal")
    problems = [each.problem for each in tablet.desk.finding(LEAK).missing]

    assert is_gas_old(page), "as it stands on the screen"
    assert is_gas_old(finding(parts, tablet)), "as it is opened again"
    assert Problem.GAS_TEST_OLD in problems


def test_a_value_of_a_stop(parts: RoundParts, run_id: str, clock: BootClock) -> None:
    arrive(parts, run_id)
    values = {"gas_lel_pct": "0", "well_water_cm": "2", "inside": "stayed_outside"}
    assert refusal(opened(parts, PointPage(parts, run_id, STOP), **values)) == ""

    fifty_minutes(clock)

    again = refusal(opened(parts, PointPage(parts, run_id, STOP)))
    assert again == "Measure: Combustible gas"


def test_the_air_that_was_kept_at_a_gate(parts: RoundParts, run_id: str, clock: BootClock) -> None:
    gate = opened(parts, StopGatePage(parts, run_id, STOP), **GOOD_AIR)
    gate.tap("allow")
    assert gate_row(parts, run_id) == "Entry allowed"

    fifty_minutes(clock)

    assert gate_row(parts, run_id) == "Measure first"


def gate_row(parts: RoundParts, run_id: str) -> str:
    (block,) = gate_rows(parts.context.words, WELL, parts.site.well(stop_record(run_id, STOP)))
    return block.lines[0].detail


def test_what_was_looked_at_in_a_home_and_who_was_at_a_stop_in_another_shift(
    parts: RoundParts, run_id: str, clock: BootClock
) -> None:
    arrive(parts, run_id)
    opened(parts, HomePage(parts, "hh-0"), meter="ok").detach()

    clock.go_on(timedelta(hours=13))
    clock.set_by(timedelta(hours=-3))

    data = HomePage(parts, "hh-0").read()
    assert data is not None
    assert data.answers.own == {}
    stop = opened(parts, PointPage(parts, run_id, STOP))
    assert refusal(stop) == "Show first that you are there."


def test_a_slip_of_the_finger_is_told_by_the_clock_that_nobody_sets(
    parts: RoundParts, run_id: str, clock: BootClock
) -> None:
    page = opened(parts, PointPage(parts, run_id, STOP), gas_lel_pct="45")
    clock.go_on(timedelta(minutes=20))
    clock.set_by(timedelta(minutes=-20))
    page.type("gas_lel_pct", "0")
    page.flush()

    assert opened(parts, PointPage(parts, run_id, STOP)).view.primary.key == "grave"  # type: ignore[union-attr]  # there is one


def test_a_moment_is_as_old_as_one_clock_says_and_surely_as_old_as_the_other() -> None:
    then = TimerMoment(1_000_000, 5_000, "boot-1")
    now = TimerMoment(1_060_000, 605_000, "boot-1")

    assert (now.age_ms(then), now.surely_ms(then)) == (600_000, 60_000)
    assert (now._replace(boot_id="boot-2").age_ms(then)) == 60_000
    assert now._replace(boot_id="boot-2").surely_ms(then) == 60_000
    assert now.age_ms(now.earlier(90_000)) == now.surely_ms(now.earlier(90_000)) == 90_000
