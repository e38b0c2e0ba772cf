"""What the sheets of the work on site tell: how old the air is, whose valve it is, why one left."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from field_app.i18n import CatalogueWords
from field_app.orders.site_desk import StepRefusedError
from field_app.orders.step_book import Again
from field_app.platform.desktop import NoLocator
from field_app.presenters.details import order_view
from field_app.presenters.gate_page import GatePage
from field_app.presenters.help_page import HelpPage
from field_app.presenters.leave_page import LeavePage
from field_app.presenters.ports import InlineWorker, PresenterContext
from field_app.presenters.sheet import SheetPresenter
from field_app.presenters.sheet_views import ChoiceBlock, FactsBlock, RowsBlock, SheetView
from field_app.presenters.shift_page import ShiftPage
from field_app.presenters.valves_page import ValvesPage
from field_app.presenters.work_page import WorkPage
from field_app.tablet import Tablet
from tests.field_app.site_parts import LEAK, WATER, told, working_tablet
from tests.field_app_ui.town_office import HandClock, TownOffice, make_order, make_site
from tests.field_app_ui.town_van import van
from wire_contracts.fields import FieldReader
from wire_contracts.frames import ms_from_utc
from wire_contracts.site_facts import IsolationEvent, SafetyStep, ValveAction, parse_help

GOOD_AIR = {
    "oxygen_pct": "20.8",
    "lel_pct": "0",
    "detector_id": "GX-7",
    "calibrated_until": "2027-05-31",
    "place": "VW-031",
}


@pytest.fixture
def context(town: TownOffice) -> PresenterContext:
    zone = town.clock.now_utc().tzinfo
    assert zone is not None
    return PresenterContext(
        worker=InlineWorker(), words=CatalogueWords("en"), clock=town.clock, zone=zone
    )


def opened(page: Any) -> SheetPresenter[Any]:  # noqa: ANN401 - pages of any kind
    presenter: SheetPresenter[Any] = SheetPresenter(page, page._context)
    presenter.attach(lambda _view: None)
    return presenter


def typed(presenter: SheetPresenter[Any], texts: Mapping[str, str]) -> SheetView:
    for key, text in texts.items():
        presenter.type(key, text)
    presenter.flush()
    return presenter.view


def texts_of(view: SheetView) -> str:
    return repr(view.blocks)


def gate(tablet: Tablet, context: PresenterContext, **texts: str) -> SheetPresenter[Any]:
    presenter = opened(GatePage(tablet, context, LEAK))
    typed(presenter, {**GOOD_AIR, **texts})
    return presenter


def chosen_detector(tablet: Tablet, context: PresenterContext, order_id: str) -> list[str]:
    blocks = opened(GatePage(tablet, context, order_id)).view.blocks
    (lines,) = (each.lines for each in blocks if isinstance(each, ChoiceBlock))
    return [each.value for each in lines if each.is_selected]


@pytest.fixture
def equipped(tmp_path: Path, town: TownOffice) -> Iterator[Tablet]:
    """A tablet whose van has GX-7, whose calibration is over, and GX-9."""
    town.extra = [van()]
    with working_tablet(tmp_path / "van", town) as tablet:
        yield tablet


@pytest.mark.parametrize(
    ("person", "later", "expected"),
    [
        ("li-wei", timedelta(hours=11), ["GX-9"]),
        ("li-wei", timedelta(hours=12), []),
        ("anna", timedelta(0), []),
    ],
)
def test_a_detector_stands_chosen_for_the_same_person_in_the_same_shift_alone(
    equipped: Tablet, context: PresenterContext, person: str, later: timedelta, expected: list[str]
) -> None:
    assert equipped.identity is not None
    (first,) = equipped.identity.people
    anna = replace(first, account_id="anna", name="Anna")
    equipped.identity = replace(equipped.identity, people=(first, anna))
    before = chosen_detector(equipped, context, LEAK)
    presenter = opened(GatePage(equipped, context, LEAK))
    presenter.choose("detector", "GX-9")
    typed(presenter, {"oxygen_pct": "20.8", "lel_pct": "0", "place": "VW-031"})
    presenter.tap("allow")
    assert isinstance(context.clock, HandClock)
    context.clock.moment_utc += later
    equipped.choose_person(person)

    assert before == []
    assert chosen_detector(equipped, context, WATER) == expected


def test_a_detector_that_has_run_out_stands_chosen_for_nobody(
    equipped: Tablet, context: PresenterContext
) -> None:
    presenter = opened(GatePage(equipped, context, LEAK))
    presenter.choose("detector", "GX-7")
    typed(presenter, {"oxygen_pct": "15", "lel_pct": "0"})
    blocked = chosen_detector(equipped, context, LEAK)
    presenter.tap("deny")

    assert blocked == ["GX-7"], "who chose it sees why the gate is shut"
    assert [gas.detector_id for _, gas in equipped.site.sheet(LEAK).record.gas] == ["GX-7"]
    assert chosen_detector(equipped, context, LEAK) == []
    assert chosen_detector(equipped, context, WATER) == []


def test_air_counts_from_when_it_was_measured(
    tablet: Tablet, context: PresenterContext, town: TownOffice
) -> None:
    presenter = gate(tablet, context)
    measured_ms = ms_from_utc(town.clock.now_utc())
    town.clock.moment_utc += timedelta(minutes=29)
    presenter.tap("allow")
    town.clock.moment_utc += timedelta(minutes=2)

    assert tablet.site.sheet(LEAK).is_air_old
    (fact,) = told(tablet, town, "gas_measurement")
    assert fact["measured_at"] == measured_ms


def test_good_air_is_that_of_a_well_with_a_name(tablet: Tablet, context: PresenterContext) -> None:
    presenter = gate(tablet, context, place="")
    assert "Which well" in presenter.view.primary.refusal  # type: ignore[union-attr] # it has one
    typed(presenter, {"place": "VW-031"})
    presenter.tap("allow")

    assert "Entry allowed  ·  VW-031" in texts_of(opened(GatePage(tablet, context, LEAK)).view)


@pytest.mark.parametrize(
    ("until", "is_allowed"),
    [
        ("9999-12-31", False),
        ("2126-12-31", False),
        ("2028-01-01", False),
        ("26-12-31", False),
        ("2027年5月31日", True),
        ("31.05.2027", True),
        ("2027/05/31", True),
        ("2026-11-20", False),
    ],
)
def test_a_calibration_is_believed_for_a_year(
    tablet: Tablet, context: PresenterContext, until: str, *, is_allowed: bool
) -> None:
    primary = gate(tablet, context, calibrated_until=until).view.primary

    assert primary is not None
    assert (primary.refusal == "") is is_allowed


def test_no_calibration_is_brought_back_by_a_clock_that_fell_back(
    tablet: Tablet, context: PresenterContext, town: TownOffice
) -> None:
    town.clock.moment_utc -= timedelta(days=400)

    primary = gate(tablet, context, calibrated_until="2026-06-30").view.primary
    assert primary is not None
    assert "calibration has run out" in primary.refusal


def test_who_keeps_that_nobody_goes_in_is_told_that_it_is_kept(
    tablet: Tablet, context: PresenterContext
) -> None:
    presenter = gate(tablet, context, lel_pct="45")
    presenter.tap("deny")

    assert presenter.view.message == "Kept: nobody goes in."


@pytest.mark.parametrize("shown", ["OL", ">100", "120", "100+", "14 %"])
def test_a_detector_over_its_range_says_danger(
    tablet: Tablet, context: PresenterContext, town: TownOffice, shown: str
) -> None:
    presenter = gate(tablet, context, lel_pct=shown)
    primary = presenter.view.primary
    assert primary is not None
    assert (primary.key, primary.kind) == ("deny", "danger")
    presenter.tap("deny")

    (fact,) = told(tablet, town, "gas_measurement")
    assert fact["is_entry_allowed"] is False
    assert tablet.site.sheet(LEAK).record.lel_pct is not None


@pytest.mark.parametrize("shown", [">5", "5+", "<5", "3-8", "0~9", "5.5.5"])
def test_entry_is_allowed_on_one_plain_number_alone(
    tablet: Tablet, context: PresenterContext, shown: str
) -> None:
    primary = gate(tablet, context, lel_pct=shown).view.primary

    assert primary is not None
    assert (primary.key, bool(primary.refusal)) == ("allow", True)


@pytest.mark.parametrize(("shown", "kept"), [(">10", 10), ("5-30", 30), ("9至50", 50), ("10+", 10)])
def test_gas_that_may_be_more_than_allowed_lets_nobody_in(
    tablet: Tablet, context: PresenterContext, town: TownOffice, shown: str, kept: float
) -> None:
    presenter = gate(tablet, context, lel_pct=shown)
    presenter.tap("allow")
    presenter.tap("deny")

    (fact,) = told(tablet, town, "gas_measurement")
    assert (fact["lel_pct"], fact["is_entry_allowed"]) == (kept, False)


def test_a_visit_ends_with_the_reason_that_is_shown(
    tablet: Tablet, context: PresenterContext, town: TownOffice
) -> None:
    closed_door = opened(LeavePage(tablet, context, LEAK, "no_access"))
    closed_door.choose("reason", "nobody_home")
    closed_door.type("notice", "T-7")
    closed_door.choose("appointment", _first_offer(closed_door.view))
    closed_door.detach()
    town.clock.moment_utc += timedelta(days=3)
    page = opened(LeavePage(tablet, context, LEAK, "cannot_finish"))
    assert page.view.primary is not None
    assert page.view.primary.refusal == "Say why first."
    page.tap("leave")
    assert told(tablet, town, "visit_end") == []
    page.choose("reason", "parts_missing")
    page.tap("leave")

    (end,) = told(tablet, town, "visit_end")
    assert (end["reason"], end["notice"], end["appointment"]) == ("parts_missing", "", None)


def test_a_customer_names_any_hour_of_the_next_two_weeks(
    tablet: Tablet, context: PresenterContext, town: TownOffice
) -> None:
    town.clock.moment_utc += timedelta(hours=3)
    page = opened(LeavePage(tablet, context, LEAK, "cannot_finish"))
    page.choose("reason", "parts_missing")
    page.choose("appointment", "other")
    assert page.view.primary is not None
    assert page.view.primary.refusal == "Choose the day and the time of the appointment."
    today = town.clock.now_utc().astimezone(context.zone)
    page.choose("appointment_day", today.date().isoformat())
    page.choose("appointment_hour", "07:00")
    assert page.view.primary.refusal == "This time of the appointment is over."
    page.tap("leave")
    assert told(tablet, town, "visit_end") == []
    thursday = today + timedelta(days=13)
    page.choose("appointment_day", thursday.date().isoformat())
    page.choose("appointment_hour", "17:00")
    page.tap("leave")

    (end,) = told(tablet, town, "visit_end")
    wanted = thursday.replace(hour=17, minute=0, second=0, microsecond=0)
    assert end["appointment"] == ms_from_utc(wanted)


def _first_offer(view: SheetView) -> str:
    block = next(each for each in view.blocks if each.key == "appointment")
    return str(block.lines[0].value)  # type: ignore[union-attr] # appointments are choices


def closed(tablet: Tablet, context: PresenterContext, order: str, valve: str, keeper: str) -> str:
    presenter = opened(ValvesPage(tablet, context, order))
    presenter.type("may_reopen", keeper)
    presenter.tap(f"close:{valve}")
    return presenter.view.message


def test_a_valve_that_stays_closed_is_handed_to_the_next_crew(
    tablet: Tablet, context: PresenterContext, town: TownOffice
) -> None:
    closed(tablet, context, LEAK, "vw-014", "control room")
    page = opened(LeavePage(tablet, context, LEAK, "cannot_finish"))
    page.choose("reason", "parts_missing")
    page.tap("leave")

    (handover,) = told(tablet, town, "handover")
    assert [each["valve_id"] for each in handover["valves"]] == ["vw-014"]  # type: ignore[union-attr,index,call-overload] # as sent
    assert handover["by"] == "李伟"


def test_a_closed_valve_is_not_closed_again_under_another_name(
    tablet: Tablet, context: PresenterContext, town: TownOffice
) -> None:
    closed(tablet, context, LEAK, "vw-014", "control room")
    message = closed(tablet, context, LEAK, "VW-014", "me")

    assert "vw-014 is on the list already" in message
    assert [each["may_reopen"] for each in told(tablet, town, "isolation")] == ["control room"]


def test_whoever_opens_a_valve_hears_for_which_other_order_it_is_closed(
    tablet: Tablet, context: PresenterContext
) -> None:
    closed(tablet, context, WATER, "vw-014", "control room")
    closed(tablet, context, LEAK, "vw-014", "Anna")
    presenter = opened(ValvesPage(tablet, context, LEAK))
    presenter.tap("open:vw-014")

    asked = texts_of(presenter.view)
    assert "May open: Anna" in asked
    assert "Closed for WO-000102 as well; may open: control room." in asked


def test_a_closed_valve_that_the_server_refused_stays_on_the_list(
    tablet: Tablet, context: PresenterContext, town: TownOffice
) -> None:
    town.refuses = frozenset({"isolation"})
    closed(tablet, context, LEAK, "vw-014", "control room")
    tablet.sync_now()

    rows = next(
        each
        for each in opened(ValvesPage(tablet, context, LEAK)).view.blocks
        if isinstance(each, RowsBlock) and each.key == "list"
    )
    assert [line.key for line in rows.lines] == ["vw-014"]


def test_a_measured_step_grows_old_before_it_is_sealed(
    tablet: Tablet, context: PresenterContext, town: TownOffice
) -> None:
    presenter = opened(WorkPage(tablet, context, LEAK))
    presenter.choose("isolate.how", "not_needed")
    presenter.tap("isolate")
    presenter.choose("ventilate.how", "fan")
    typed(presenter, {"ventilate.minutes": "10"})
    presenter.tap("ventilate")
    typed(presenter, {"measure.gas_lel_pct": "8"})
    town.clock.moment_utc += timedelta(minutes=31)
    later = opened(WorkPage(tablet, context, LEAK))
    assert later.view.primary is not None
    assert "30 minutes ago" in later.view.primary.refusal
    later.tap("measure")
    assert SafetyStep.MEASURE not in tablet.site.sheet(LEAK).record.done
    typed(later, {"measure.gas_lel_pct": "7"})
    later.tap("measure")

    assert SafetyStep.MEASURE in tablet.site.sheet(LEAK).record.done
    assert told(tablet, town, "safety_step")[-1]["values"] == {"gas_lel_pct": "7"}


def test_a_value_that_is_not_safe_has_its_own_button(
    tablet: Tablet, context: PresenterContext, town: TownOffice
) -> None:
    presenter = opened(WorkPage(tablet, context, LEAK))
    for step, values in (
        ("isolate", {"how": "not_needed"}),
        ("ventilate", {"how": "fan", "minutes": "10"}),
    ):
        tablet.site.keep(LEAK, step, values)
        tablet.site.do_step(LEAK, SafetyStep(step))
    presenter.refresh()
    typed(presenter, {"measure.gas_lel_pct": "OL"})
    assert presenter.view.primary is not None
    assert (presenter.view.primary.key, presenter.view.primary.kind) == ("unsafe:measure", "danger")
    presenter.tap("unsafe:measure")

    assert told(tablet, town, "safety_step")[-1]["values"] == {"gas_lel_pct": "OL"}
    assert tablet.site.sheet(LEAK).record.lel_pct == 100


def test_a_step_that_is_asked_again_says_why(
    tablet: Tablet, context: PresenterContext, town: TownOffice
) -> None:
    for step, values in (
        ("isolate", {"how": "not_needed"}),
        ("ventilate", {"how": "fan", "minutes": "10"}),
        ("measure", {"gas_lel_pct": "8"}),
    ):
        tablet.site.keep(LEAK, step, values)
        tablet.site.do_step(LEAK, SafetyStep(step))
    town.clock.moment_utc += timedelta(minutes=31)
    page = opened(WorkPage(tablet, context, LEAK))
    assert "measure the air again" in texts_of(page.view)
    with pytest.raises(StepRefusedError):
        tablet.site.do_step(LEAK, SafetyStep.REPAIR)
    gate(tablet, context, lel_pct="45").tap("deny")
    page.refresh()

    assert "Gas was measured after this step" in texts_of(page.view)
    assert SafetyStep.VENTILATE not in tablet.site.sheet(LEAK).record.done


def test_danger_is_kept_however_late_somebody_comes_out_of_it(
    tablet: Tablet, context: PresenterContext, town: TownOffice
) -> None:
    presenter = gate(tablet, context, lel_pct="45")
    measured_ms = ms_from_utc(town.clock.now_utc())
    town.clock.moment_utc += timedelta(minutes=35)
    presenter.tap("deny")

    (fact,) = told(tablet, town, "gas_measurement")
    assert (fact["lel_pct"], fact["is_entry_allowed"]) == (45.0, False)
    assert fact["measured_at"] == measured_ms


def test_a_call_for_help_is_never_refused_for_the_length_of_its_place(
    tablet: Tablet, context: PresenterContext, town: TownOffice
) -> None:
    page = opened(HelpPage(tablet, context, NoLocator()))
    page.type("place", "cellar " * 100)
    page.choose("reason", "injury")
    page.tap("call")

    (fact,) = told(tablet, town, "help_call")
    call = parse_help(FieldReader(place="help", values=fact))
    assert (len(call.place), tablet.calls.open_call()) == (400, call)


def test_nobody_ends_the_watch_on_a_locked_tablet(
    tablet: Tablet, context: PresenterContext, town: TownOffice
) -> None:
    page = opened(HelpPage(tablet, context, NoLocator()))
    page.choose("interval", "30")
    page.tap("start")
    tablet.set_pin("285170")
    tablet.lock()
    page.refresh()
    while_locked = page.view.secondary
    page.tap("end")
    page.tap("confirm")
    tablet.unlock("li-wei", "285170")
    page.refresh()

    assert while_locked is None
    assert page.view.secondary is not None
    assert page.view.secondary.key == "end"
    assert [each["event"] for each in told(tablet, town, "lone_worker")] == ["started", "confirmed"]


def test_the_order_shows_what_the_meter_counted_lately(
    tablet: Tablet, context: PresenterContext
) -> None:
    seen = tablet.desk.order(LEAK)
    assert seen is not None
    view = order_view(seen, make_order(0, site=make_site(0))[1], context, "")

    (line,) = [each.text for each in view.facts if each.label == "Last readings"]
    assert line.splitlines() == [
        "1840 m³  ·  20 Nov 06:12",
        "1828 m³  ·  14 Nov 06:12",
        "1782 m³  ·  22 Oct 06:12",
    ]


def test_a_valve_is_on_the_list_before_the_pipe_counts_as_isolated(
    tablet: Tablet, context: PresenterContext
) -> None:
    opens: list[str] = []
    presenter: SheetPresenter[Any] = SheetPresenter(WorkPage(tablet, context, LEAK), context)
    presenter.attach(lambda _view: None, opens.append)
    presenter.choose("isolate.how", "valve_closed")
    primary = presenter.view.primary
    assert primary is not None
    assert primary.key == "valves"
    presenter.tap("isolate")
    assert "on the list first" in presenter.view.message
    presenter.tap("valves")
    assert opens == ["valves"]
    closed(tablet, context, LEAK, "vw-014", "control room")
    presenter.refresh()
    presenter.tap("isolate")

    assert tablet.site.sheet(LEAK).record.done == {SafetyStep.ISOLATE}


def test_a_valve_that_was_opened_for_another_order_isolates_this_one_no_more(
    tablet: Tablet, context: PresenterContext
) -> None:
    for order in (WATER, LEAK):
        closed(tablet, context, order, "vw-014", "control room")
    page = opened(WorkPage(tablet, context, LEAK))
    page.choose("isolate.how", "valve_closed")
    page.tap("isolate")
    assert tablet.site.sheet(LEAK).record.done == {SafetyStep.ISOLATE}
    reopened = IsolationEvent(valve_id=" VW-014", action=ValveAction.REOPENED, may_reopen="")
    tablet.site.turn_valve(WATER, reopened)

    record = tablet.site.sheet(LEAK).record
    assert (record.valves, record.done) == ((), frozenset())
    assert record.again[SafetyStep.ISOLATE] is Again.VALVE_OPENED
    closed(tablet, context, LEAK, "vw-014", "control room")
    assert [each.valve_id for each in tablet.site.sheet(LEAK).record.valves] == ["vw-014"]
    assert tablet.site.sheet(WATER).record.valves == (), "closed for one order only"


def test_words_that_are_too_long_cost_no_valve_and_no_gas(
    tablet: Tablet, context: PresenterContext
) -> None:
    long = "second lid from the left, red paint " * 4
    closed(tablet, context, LEAK, long, "control room")
    gate(tablet, context, lel_pct="45", detector_id=long).tap("deny")
    record = tablet.site.sheet(LEAK).record

    assert [each.valve_id for each in record.valves] == [long[:64].rstrip()]
    assert record.lel_pct == 45
    closed(tablet, context, LEAK, long, "control room")
    assert len(tablet.site.sheet(LEAK).record.valves) == 1


def test_a_door_that_is_too_dangerous_needs_no_notice(
    tablet: Tablet, context: PresenterContext
) -> None:
    page = opened(LeavePage(tablet, context, LEAK, "no_access"))
    page.choose("reason", "nobody_home")
    assert page.view.primary is not None
    assert "notice" in page.view.primary.refusal
    page.choose("reason", "dangerous")

    assert page.view.primary.refusal == ""


def test_a_note_to_the_next_shift_stands_over_midnight(
    tablet: Tablet, context: PresenterContext, town: TownOffice
) -> None:
    def notes() -> list[tuple[str, str]]:
        blocks = opened(ShiftPage(tablet, context)).view.blocks
        facts = [each.facts for each in blocks if isinstance(each, FactsBlock)]
        return [(fact.label, fact.text) for block in facts for fact in block]

    assert notes() == []
    for text in ("Well 31 is open", "key with Wang"):
        tablet.site.leave_note(text, {})
        town.clock.moment_utc += timedelta(hours=12)
    assert [text for _label, text in notes()] == ["key with Wang"]
    town.clock.moment_utc += timedelta(days=5)
    assert notes() == [("李伟  ·  21 Nov 18:12", "key with Wang")]
    town.clock.moment_utc += timedelta(days=3)

    assert notes() == []


def test_the_shift_says_what_it_leaves_open(
    tablet: Tablet, context: PresenterContext, town: TownOffice
) -> None:
    closed = IsolationEvent(valve_id="vw-014", action=ValveAction.CLOSED, may_reopen="Wang")
    tablet.site.turn_valve(LEAK, closed)
    town.clock.moment_utc += timedelta(minutes=1)
    blocks = opened(ShiftPage(tablet, context)).view.blocks
    (rows,) = (each for each in blocks if isinstance(each, RowsBlock) and each.key == "open")

    assert len([line for line in rows.lines if line.detail.endswith("Working")]) == 3
    assert ("vw-014 is closed", "WO-000104  ·  may open: Wang") in [
        (line.title, line.detail) for line in rows.lines
    ]


@pytest.mark.parametrize(("lel_pct", "asks"), [("60", True), ("0", False)])
def test_gas_in_the_finding_after_the_last_measurement_is_said_before_the_flame(
    tablet: Tablet, context: PresenterContext, town: TownOffice, lel_pct: str, *, asks: bool
) -> None:
    values = {
        SafetyStep.ISOLATE: {"how": "not_needed"},
        SafetyStep.VENTILATE: {"how": "fan", "minutes": "10"},
        SafetyStep.MEASURE: {"gas_lel_pct": "0"},
        SafetyStep.REPAIR: {"how": "repaired"},
    }
    for step, typed_values in values.items():
        tablet.site.keep(LEAK, str(step), typed_values)
        tablet.site.do_step(LEAK, step)
    page = opened(WorkPage(tablet, context, LEAK))
    page.tap("timer:remeasure")
    town.clock.moment_utc += timedelta(minutes=11)
    page = opened(WorkPage(tablet, context, LEAK))
    typed(page, {"remeasure.gas_lel_pct": "0", "remeasure.tight": "holds"})
    page.tap("remeasure")
    town.clock.moment_utc += timedelta(minutes=1)
    tablet.desk.save_answers(LEAK, {"measured.gas_lel_pct": lel_pct})
    page = opened(WorkPage(tablet, context, LEAK))

    assert page.view.primary is not None
    assert page.view.primary.needs_again is asks
    assert ("60 % LEL stands in the finding" in texts_of(page.view)) is asks
    is_there = "undo:remeasure" in texts_of(page.view) and "It is there now" in texts_of(page.view)
    assert is_there is asks
    if asks:
        page.tap("undo:remeasure")
        assert SafetyStep.REMEASURE not in tablet.site.sheet(LEAK).record.done


def test_digits_of_another_shift_stand_on_no_page(
    tablet: Tablet, context: PresenterContext, town: TownOffice
) -> None:
    del context
    tablet.site.keep(LEAK, "reading", {"value": "1900"})
    assert tablet.site.sheet(LEAK).values_of("reading") == {"value": "1900"}
    town.clock.moment_utc += timedelta(hours=13)

    assert tablet.site.sheet(LEAK).values_of("reading") == {}
