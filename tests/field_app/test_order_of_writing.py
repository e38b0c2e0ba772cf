"""Dangers stand by the order in which they were written, whatever is done to the wall clock."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from field_app.checklists.form_sheet import FormSubject
from field_app.orders.own_facts import ARRIVED, OwnFact
from field_app.orders.work_record import work_record
from field_app.patrols.noted import noted_homes
from field_app.presenters.home import HomePage
from field_app.presenters.point import PointPage
from field_app.presenters.round_parts import RoundParts
from field_app.presenters.run_end import RunEndPage
from field_app.presenters.sheet import SheetPresenter
from field_app.tablet import Tablet
from tests.field_app.round_parts import opened, refusal, round_town
from tests.field_app.site_parts import LEAK, told, working_tablet
from tests.field_app_ui.inspection_parts import checkpoint
from tests.field_app_ui.town_office import BootClock, TownOffice
from wire_contracts.fields import JsonObject
from wire_contracts.forms.items import FormPage
from wire_contracts.orders import FINDING_FORM, FactType
from wire_contracts.site_facts import SafetyStep

WELL = checkpoint(0)[0]
HOME = "hh-0"
DANGER = "Dangerous: record it as a defect of severity 1."
ALL_WELL = dict.fromkeys(("meter", "pipes", "appliances", "room", "people"), "ok")
WELL_FORM = {
    "reached": "yes",
    "cover": "pass",
    "surroundings": "pass",
    "gas_lel_pct": "45",
    "well_water_cm": "2",
    "valve": "pass",
    "has_defect": "no",
}


@pytest.fixture
def clock() -> BootClock:
    return BootClock()


@pytest.fixture
def town(clock: BootClock) -> TownOffice:
    town = round_town("patrol-well", "safety-check", "gas-on")
    town.clock = clock
    return town


@pytest.fixture
def tablet(tmp_path: Path, town: TownOffice, clock: BootClock) -> Iterator[Tablet]:
    with working_tablet(tmp_path, town) as tablet:
        clock.go_on(timedelta(hours=6))  # one that falls back stays behind the forms' first day
        yield tablet


def fill_in(tablet: Tablet, about: str, about_id: str, form: str, said: dict[str, str]) -> None:
    sheet = tablet.forms.open(FormSubject(about=about, about_id=about_id), form)
    for name, text in said.items():
        places = (each.place for each in FormPage(sheet.session, "en").items())
        place = next(each for each in places if each.rpartition("/")[2] == name)
        sheet.session.answer(place, text)
    tablet.forms.save(sheet)


def finish_well_form(tablet: Tablet) -> None:
    fill_in(tablet, "checkpoint", WELL, "patrol-well", WELL_FORM)
    subject = FormSubject(about="checkpoint", about_id=WELL)
    tablet.forms.finish(tablet.forms.open(subject, "patrol-well"))


def home(parts: RoundParts, **chosen: str) -> SheetPresenter[object]:
    return opened(parts, HomePage(parts, HOME), **chosen)


@pytest.mark.parametrize("set_by_h", [-2, 3])
def test_gas_in_a_finished_checklist_stands_although_the_clock_was_put_right(
    tablet: Tablet, parts: RoundParts, clock: BootClock, set_by_h: int
) -> None:
    run_id = parts.desk.start_run("plan-1", (WELL, checkpoint(3)[0]))
    clock.go_on(timedelta(minutes=5))
    clock.set_by(timedelta(hours=set_by_h))
    finish_well_form(tablet)
    clock.go_on(timedelta(minutes=40))

    stop = opened(parts, PointPage(parts, run_id, WELL))

    assert stop.view.primary is not None
    assert stop.view.primary.key == "grave"
    assert refusal(opened(parts, RunEndPage(parts, run_id))) == DANGER


def test_a_checklist_of_the_round_before_says_nothing_of_this_one(
    tablet: Tablet, parts: RoundParts, clock: BootClock
) -> None:
    parts.desk.start_run("plan-1", (WELL,))
    finish_well_form(tablet)
    clock.go_on(timedelta(minutes=40))
    clock.set_by(timedelta(hours=-5))
    run_id = parts.desk.start_run("plan-1", (WELL,))

    stop = opened(parts, PointPage(parts, run_id, WELL))

    assert stop.view.primary is not None
    assert stop.view.primary.key == "done"


def test_a_hazard_that_a_colleague_notes_later_is_not_answered_by_a_clock_that_was_fast(
    tablet: Tablet, parts: RoundParts, clock: BootClock
) -> None:
    home(parts, **ALL_WELL).detach()
    clock.set_by(timedelta(hours=-2))
    clock.go_on(timedelta(minutes=2))
    tablet.choose_person("anna")
    home(parts, pipes="wrong", item__pipe_tightness="wrong", note__pipe_tightness="leak").detach()
    tablet.choose_person("li-wei")
    clock.go_on(timedelta(minutes=2))
    again = home(parts)

    assert again.view.primary is not None
    assert again.view.primary.key == "call"


def test_gas_of_this_visit_stands_in_a_home_although_the_clock_was_put_forward(
    tablet: Tablet, parts: RoundParts, clock: BootClock
) -> None:
    tablet.choose_person("anna")
    fill_in(tablet, "household", HOME, "gas-on", {"lel": "45"})
    tablet.choose_person("li-wei")
    clock.set_by(timedelta(hours=13))

    assert refusal(home(parts, **ALL_WELL)) == DANGER

    clock.go_on(timedelta(hours=13))

    assert refusal(home(parts, **ALL_WELL)) == ""


def test_a_checklist_that_was_begun_before_a_visit_was_told_begins_anew_after_it(
    tablet: Tablet, parts: RoundParts, clock: BootClock
) -> None:
    fill_in(tablet, "household", HOME, "safety-check", {"pipe_tightness": "fail"})
    page = home(parts, **ALL_WELL, item__pipe_tightness="ok", why__pipe_tightness="nut tightened")
    page.tap("done")
    assert page.view.is_done
    assert tablet.database.read(noted_homes) == 0
    clock.go_on(timedelta(minutes=5))

    fill_in(tablet, "household", HOME, "safety-check", {"pipe_tightness": "fail"})

    assert tablet.database.read(noted_homes) == 1


def test_a_clock_that_falls_back_behind_the_last_contact_takes_no_checklist_away(
    tablet: Tablet, clock: BootClock
) -> None:
    assert tablet.forms.offers("household")
    clock.set_by(timedelta(days=-400))

    assert tablet.forms.offers("household")
    sheet = tablet.forms.open(FormSubject(about="household", about_id=HOME), "safety-check")
    assert sheet.session.form.model.form_id == "safety-check"


def test_a_hazard_in_a_checklist_stands_in_the_bar_after_a_visit_told_by_a_fast_clock(
    tablet: Tablet, parts: RoundParts, clock: BootClock, town: TownOffice
) -> None:
    page = home(parts, **ALL_WELL)
    page.tap("done")
    assert len(told(tablet, town, "safety_check")) == 1
    clock.set_by(timedelta(hours=-2))
    clock.go_on(timedelta(minutes=5))

    fill_in(tablet, "household", HOME, "safety-check", {"pipe_tightness": "fail"})

    assert tablet.database.read(noted_homes) == 1


STEPS = {
    SafetyStep.ISOLATE: {"how": "not_needed"},
    SafetyStep.VENTILATE: {"how": "fan", "minutes": "10"},
    SafetyStep.MEASURE: {"gas_lel_pct": "0"},
}


def is_done_before_repair(tablet: Tablet) -> set[SafetyStep]:
    return set(tablet.site.sheet(LEAK).record.done)


@pytest.mark.parametrize("set_by_h", [-2, 2])
def test_gas_at_the_gate_takes_steps_back_that_were_taken_by_a_clock_that_is_put_right(
    tablet: Tablet, clock: BootClock, set_by_h: int
) -> None:
    for step, values in STEPS.items():
        tablet.site.keep(LEAK, str(step), values)
        tablet.site.do_step(LEAK, step)
    clock.go_on(timedelta(minutes=1))
    clock.set_by(timedelta(hours=set_by_h))
    tablet.site.keep(LEAK, "gate", {"lel_pct": "45"})
    assert is_done_before_repair(tablet) == {SafetyStep.ISOLATE}

    clock.go_on(timedelta(minutes=2))
    tablet.site.keep(LEAK, "gate", {"lel_pct": ""})
    assert is_done_before_repair(tablet) == {SafetyStep.ISOLATE}, "emptied, it was there"

    clock.set_by(timedelta(hours=-set_by_h))
    for step in (SafetyStep.VENTILATE, SafetyStep.MEASURE):
        tablet.site.keep(LEAK, str(step), STEPS[step])
        tablet.site.do_step(LEAK, step)
    assert is_done_before_repair(tablet) == set(STEPS)


def test_a_value_that_was_typed_before_the_gas_is_void_whatever_the_clock_says(
    tablet: Tablet, clock: BootClock
) -> None:
    for step in list(STEPS)[:2]:
        tablet.site.keep(LEAK, str(step), STEPS[step])
        tablet.site.do_step(LEAK, step)
    tablet.site.keep(LEAK, "measure", STEPS[SafetyStep.MEASURE])
    clock.set_by(timedelta(hours=-2))
    clock.go_on(timedelta(minutes=2))
    tablet.site.keep(LEAK, "gate", {"lel_pct": "9"})

    assert tablet.site.sheet(LEAK).values_of("measure") == {}
    tablet.site.keep(LEAK, "measure", STEPS[SafetyStep.MEASURE])
    assert tablet.site.sheet(LEAK).values_of("measure") == STEPS[SafetyStep.MEASURE]


def fact(n: int, kind: str, at_ms: int, payload: JsonObject | None = None) -> OwnFact:
    return OwnFact(
        fact_id=str(n), fact_type=kind, actor="li-wei", at_ms=at_ms, payload=payload or {}, n=n
    )


def test_a_case_begins_after_the_finding_before_it_in_the_order_of_writing() -> None:
    finding = fact(7, FactType.FORM_ANSWERSET, 9_000_000, {"form": FINDING_FORM})
    arrived = fact(9, ARRIVED, 1_000_000)

    assert work_record([finding, arrived]).begun_n == 8
    assert work_record([arrived]).begun_n == 0
