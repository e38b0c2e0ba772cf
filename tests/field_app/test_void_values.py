"""Values and clocks of a step that were kept on the page before something made them void."""

from collections.abc import Callable
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from field_app.i18n import ChosenWords
from field_app.orders.site_desk import StepRefusedError
from field_app.orders.step_book import Again
from field_app.orders.step_timer import timer_key
from field_app.presenters.gate_page import GatePage
from field_app.presenters.ports import InlineWorker, PresenterContext
from field_app.presenters.sheet import Answers
from field_app.presenters.work_page import WorkPage
from field_app.tablet import Tablet
from tests.field_app.site_parts import LEAK, told, working_tablet
from tests.field_app_ui.town_office import BootClock, TownOffice
from wire_contracts.frames import ms_from_utc
from wire_contracts.site_facts import (
    GasMeasurement,
    GasPurpose,
    IsolationEvent,
    SafetyStep,
    ValveAction,
)

VALUES: dict[SafetyStep, dict[str, str]] = {
    SafetyStep.ISOLATE: {"how": "not_needed"},
    SafetyStep.VENTILATE: {"how": "fan", "minutes": "10"},
    SafetyStep.MEASURE: {"gas_lel_pct": "0"},
    SafetyStep.REPAIR: {"how": "repaired"},
    SafetyStep.REMEASURE: {"gas_lel_pct": "0", "tight": "holds"},
}


def take(tablet: Tablet, *steps: SafetyStep) -> None:
    for step in steps:
        tablet.site.keep(LEAK, str(step), VALUES[step])
        tablet.site.do_step(LEAK, step)


def watch(tablet: Tablet, town: TownOffice) -> None:
    """Start the clock of the last measurement and answer it, ten minutes before it can be kept."""
    started = str(ms_from_utc(town.clock.now_utc()))
    tablet.site.keep(LEAK, "", {timer_key(SafetyStep.REMEASURE): started})
    tablet.site.keep(LEAK, "remeasure", VALUES[SafetyStep.REMEASURE])
    town.clock.moment_utc += timedelta(minutes=11)


def repaired_anew(tablet: Tablet, town: TownOffice) -> None:
    tablet.site.undo_step(LEAK, SafetyStep.REPAIR)
    town.clock.moment_utc += timedelta(minutes=1)
    take(tablet, SafetyStep.REPAIR)


def gas_at_the_gate(tablet: Tablet, town: TownOffice) -> None:
    del town
    gas = GasMeasurement(
        purpose=GasPurpose.ENTRY,
        place="cellar",
        detector_id="GX-7",
        calibration_due_ms=None,
        lel_pct=40,
    )
    tablet.site.measure_gas(LEAK, gas)


def gas_of_a_colleague(tablet: Tablet, town: TownOffice) -> None:
    """Let a colleague type gas at the gate, and keep nothing."""
    assert tablet.choose_person("anna")
    at = str(ms_from_utc(town.clock.now_utc()))
    tablet.site.keep(LEAK, "gate", {"lel_pct": "40", "lel_pct.at": at})
    assert tablet.choose_person("li-wei")


def nothing(tablet: Tablet, town: TownOffice) -> None:
    del tablet, town


def is_taken(tablet: Tablet, step: SafetyStep) -> bool:
    try:
        tablet.site.do_step(LEAK, step)
    except StepRefusedError:
        return False
    return True


@pytest.mark.parametrize(
    ("happens", "is_still_good"),
    [
        (nothing, True),
        (repaired_anew, False),
        (gas_at_the_gate, False),
        (gas_of_a_colleague, False),
    ],
)
def test_what_was_watched_before_a_new_repair_or_gas_is_watched_again(
    tablet: Tablet,
    town: TownOffice,
    happens: Callable[[Tablet, TownOffice], None],
    *,
    is_still_good: bool,
) -> None:
    take(tablet, *list(SafetyStep)[:4])
    watch(tablet, town)
    happens(tablet, town)

    assert bool(tablet.site.sheet(LEAK).values_of("remeasure")) is is_still_good
    assert is_taken(tablet, SafetyStep.REMEASURE) is is_still_good
    if not is_still_good:
        town.clock.moment_utc += timedelta(minutes=1)
        watch(tablet, town)
        assert is_taken(tablet, SafetyStep.REMEASURE)


def drops(tablet: Tablet) -> None:
    tablet.site.keep(LEAK, "remeasure", {"tight": "drops"})


def finds_gas(tablet: Tablet) -> None:
    tablet.site.keep(LEAK, "remeasure", {"gas_lel_pct": "45"})


@pytest.mark.parametrize(("minutes", "is_slip"), [(0.5, True), (8, False)])
@pytest.mark.parametrize("shows", [drops, finds_gas])
def test_the_clock_of_the_last_measurement_begins_anew_when_it_was_not_safe(
    tablet: Tablet,
    town: TownOffice,
    shows: Callable[[Tablet], None],
    minutes: float,
    *,
    is_slip: bool,
) -> None:
    take(tablet, *list(SafetyStep)[:4])
    started = str(ms_from_utc(town.clock.now_utc()))
    tablet.site.keep(LEAK, "", {timer_key(SafetyStep.REMEASURE): started})
    shows(tablet)
    town.clock.moment_utc += timedelta(minutes=minutes)
    tablet.site.keep(LEAK, "remeasure", VALUES[SafetyStep.REMEASURE])
    town.clock.moment_utc += timedelta(minutes=11 - minutes)

    assert is_taken(tablet, SafetyStep.REMEASURE) is is_slip
    unsafe = [each for each in told(tablet, town, "safety_step") if each.get("is_unsafe")]
    assert len(unsafe) == (0 if is_slip else 1)
    if not is_slip:
        watch(tablet, town)
        assert is_taken(tablet, SafetyStep.REMEASURE)


@pytest.mark.parametrize("over", ["", "0"])
@pytest.mark.parametrize("author", ["li-wei", "anna"])
def test_gas_that_is_typed_over_leaves_no_air_of_before_standing(
    tablet: Tablet, town: TownOffice, over: str, author: str
) -> None:
    take(tablet, *list(SafetyStep)[:3])
    town.clock.moment_utc += timedelta(minutes=5)
    assert tablet.choose_person(author)
    for text in ("45", over):
        tablet.site.keep(LEAK, "gate", {"lel_pct": text})
        town.clock.moment_utc += timedelta(minutes=7)
    assert tablet.choose_person("li-wei")

    assert tablet.site.sheet(LEAK).record.done == {SafetyStep.ISOLATE}
    take(tablet, *list(SafetyStep)[1:4])
    watch(tablet, town)
    assert is_taken(tablet, SafetyStep.REMEASURE), "what is measured after it stands"


def test_what_was_not_safe_before_the_clock_is_started_is_answered_anew(
    tablet: Tablet, town: TownOffice
) -> None:
    take(tablet, *list(SafetyStep)[:4])
    drops(tablet)
    town.clock.moment_utc += timedelta(minutes=3)
    watch(tablet, town)

    assert is_taken(tablet, SafetyStep.REMEASURE), "the clock was started after it had dropped"


def test_the_air_that_was_typed_before_a_valve_was_opened_is_measured_again(
    tablet: Tablet, town: TownOffice
) -> None:
    take(tablet, *list(SafetyStep)[:2])
    closed = IsolationEvent(valve_id="vw-014", action=ValveAction.CLOSED, may_reopen="Wang")
    tablet.site.turn_valve(LEAK, closed)
    tablet.site.keep(LEAK, "measure", VALUES[SafetyStep.MEASURE])
    town.clock.moment_utc += timedelta(minutes=2)
    opened = IsolationEvent(valve_id="vw-014", action=ValveAction.REOPENED, word_from="Wang")
    tablet.site.turn_valve(LEAK, opened)

    assert not is_taken(tablet, SafetyStep.MEASURE)
    take(tablet, SafetyStep.MEASURE)


def test_a_clock_of_a_step_that_was_taken_back_is_started_anew(
    tablet: Tablet, town: TownOffice
) -> None:
    take(tablet, SafetyStep.ISOLATE)
    started = str(ms_from_utc(town.clock.now_utc()))
    tablet.site.keep(LEAK, "", {timer_key(SafetyStep.VENTILATE): started})
    town.clock.moment_utc += timedelta(minutes=9)
    tablet.site.undo_step(LEAK, SafetyStep.ISOLATE)

    assert tablet.site.sheet(LEAK).values_of("timer") == {}


def test_a_clock_that_is_put_right_keeps_nobody_from_measuring_again(
    tablet: Tablet, town: TownOffice
) -> None:
    town.clock.moment_utc += timedelta(hours=2)
    take(tablet, *list(SafetyStep)[:4])
    tablet.site.keep(LEAK, "remeasure", {"tight": "holds"})
    repaired_anew(tablet, town)
    town.clock.moment_utc -= timedelta(hours=2)
    assert tablet.site.sheet(LEAK).values_of("remeasure") == {}
    watch(tablet, town)

    assert is_taken(tablet, SafetyStep.REMEASURE)


def test_a_joint_is_watched_ten_minutes_although_the_network_sets_the_clock(
    tmp_path: Path, town: TownOffice
) -> None:
    clock = town.clock = BootClock()
    with working_tablet(tmp_path, town) as tablet:
        take(tablet, *list(SafetyStep)[:4])
        started = {timer_key(SafetyStep.REMEASURE): tablet.site.sheet(LEAK).moment.text}
        tablet.site.keep(LEAK, "", started)
        clock.boot_s += 12
        clock.moment_utc += timedelta(minutes=20)
        tablet.site.keep(LEAK, "remeasure", VALUES[SafetyStep.REMEASURE])
        assert not is_taken(tablet, SafetyStep.REMEASURE)

        clock.boot_s += 600
        clock.moment_utc += timedelta(minutes=10)
        assert is_taken(tablet, SafetyStep.REMEASURE)


def test_air_of_fifty_minutes_ago_is_old_although_the_clock_was_set_back(
    tmp_path: Path, town: TownOffice
) -> None:
    clock = town.clock = BootClock()
    with working_tablet(tmp_path, town) as tablet:
        context = PresenterContext(
            worker=InlineWorker(), words=ChosenWords("en"), clock=clock, zone=UTC
        )
        take(tablet, *list(SafetyStep)[:2])
        gate, work = GatePage(tablet, context, LEAK), WorkPage(tablet, context, LEAK)
        gate.keep({"o2_pct": "20.9", "lel_pct": "0", "detector": "GX-7", "place": "cellar"})
        work.keep({"measure.gas_lel_pct": "0"})
        clock.boot_s += 50 * 60
        clock.moment_utc += timedelta(minutes=26)  # set back by 24 of them

        gate = GatePage(tablet, context, LEAK)
        sheet = tablet.site.sheet(LEAK)
        view = gate.view(sheet, Answers(typed=dict(gate.typed_before(sheet))))

        assert view.primary is None or view.primary.key != "allow" or view.primary.refusal
        assert not is_taken(tablet, SafetyStep.MEASURE)
        work.keep({"measure.gas_lel_pct": "0"})
        assert is_taken(tablet, SafetyStep.MEASURE)


def test_the_air_before_the_flame_is_measured_anew_after_half_an_hour(
    tablet: Tablet, town: TownOffice
) -> None:
    take(tablet, *list(SafetyStep)[:4])
    watch(tablet, town)
    assert is_taken(tablet, SafetyStep.REMEASURE)
    town.clock.moment_utc += timedelta(minutes=31)
    record = tablet.site.sheet(LEAK).record

    assert record.again == {SafetyStep.REMEASURE: Again.TOO_OLD}
    tablet.site.keep(LEAK, "relight", {"how": "relit"})
    assert not is_taken(tablet, SafetyStep.RELIGHT)
    watch(tablet, town)
    assert is_taken(tablet, SafetyStep.REMEASURE)
    assert is_taken(tablet, SafetyStep.RELIGHT)
    town.clock.moment_utc += timedelta(minutes=31)
    assert SafetyStep.RELIGHT in tablet.site.sheet(LEAK).record.done, "what burns, burns"
