"""Dangers that were begun on a page or in a checklist of a round: nothing ends over them."""

from datetime import timedelta

import pytest

from field_app.checklists.form_sheet import FormSubject
from field_app.patrols.inspection_book import meter_draft
from field_app.patrols.noted import noted_homes
from field_app.patrols.track import Track
from field_app.presenters.home import HomePage
from field_app.presenters.meter import MeterPresenter
from field_app.presenters.point import PointPage
from field_app.presenters.round_list import RoundKind, RoundListPresenter
from field_app.presenters.round_parts import RoundParts
from field_app.presenters.run_end import RunEndPage
from field_app.presenters.sheet import SheetPresenter
from field_app.presenters.sheet_views import NoticeBlock, RowLine, RowsBlock
from field_app.presenters.stop_gate import StopGatePage
from field_app.presenters.views import Tone
from field_app.tablet import Tablet
from tests.field_app.round_parts import opened, refusal, round_town, started, taken_off
from tests.field_app.site_parts import told
from tests.field_app_ui.inspection_parts import checkpoint
from tests.field_app_ui.town_office import TownOffice
from wire_contracts.fields import FieldReader
from wire_contracts.forms.items import FormPage
from wire_contracts.patrol_facts import parse_run
from wire_contracts.patrols import Measure

WELL, PIPE = checkpoint(0)[0], checkpoint(3)[0]
HOME = "hh-1"
GRAVE = {"outcome": "defect", "severity": "1", "note": "pipe cracked"}
RECORD_IT = "Dangerous: record it as a defect of severity 1."
LEAK_IN_FORM = {
    "items/pipe_tightness": "fail",
    "items/pipe_tightness_severity": "1",
    "items/pipe_tightness_note": "leak at the meter",
}


@pytest.fixture
def town() -> TownOffice:
    return round_town("patrol-well", "safety-check")


@pytest.fixture
def run_id(parts: RoundParts) -> str:
    return started(parts)


def stop(parts: RoundParts, run_id: str, which: str, **typed: str) -> SheetPresenter[object]:
    return opened(parts, PointPage(parts, run_id, which), **typed)


def end(parts: RoundParts, run_id: str) -> SheetPresenter[object]:
    return opened(parts, RunEndPage(parts, run_id))


def primary(presenter: SheetPresenter[object]) -> str:
    assert presenter.view.primary is not None
    return presenter.view.primary.key


def notices(presenter: SheetPresenter[object]) -> list[str]:
    return [each.text for each in presenter.view.blocks if isinstance(each, NoticeBlock)]


def rows(presenter: SheetPresenter[object], key: str) -> list[tuple[str, str]]:
    return [
        (line.title, line.detail)
        for block in presenter.view.blocks
        if isinstance(block, RowsBlock) and block.key == key
        for line in block.lines
    ]


def lines(presenter: SheetPresenter[object], key: str) -> list[RowLine]:
    blocks = [each for each in presenter.view.blocks if isinstance(each, RowsBlock)]
    return [line for block in blocks if block.key == key for line in block.lines]


def fill_in_by_name(tablet: Tablet, form: str, said: dict[str, str]) -> None:
    sheet = tablet.forms.open(FormSubject(about="checkpoint", about_id=WELL), form)
    for name, text in said.items():
        places = (each.place for each in FormPage(sheet.session, "en").items())
        sheet.session.answer(next(each for each in places if each.endswith(name)), text)
    tablet.forms.save(sheet)


def fill_in(tablet: Tablet, about: str, about_id: str, form: str, answers: dict[str, str]) -> None:
    sheet = tablet.forms.open(FormSubject(about=about, about_id=about_id), form)
    tablet.forms.save_changes(sheet, answers)


def gas_in_form(tablet: Tablet, lel_pct: str) -> None:
    fill_in(tablet, "checkpoint", WELL, "patrol-well", {"look/gas_lel_pct": lel_pct})


def test_no_route_ends_over_a_grave_defect_that_was_typed_and_left(
    parts: RoundParts, run_id: str
) -> None:
    stop(parts, run_id, PIPE, **GRAVE)
    page = end(parts, run_id)

    assert refusal(page) == RECORD_IT
    page.tap("end")
    assert not page.view.is_done
    assert rows(page, "dangers") == [
        (
            "Crossing of the ring road",
            "李伟 began at 06:12: 1  Shut off at once, pipe cracked",
        )
    ]


def test_what_was_begun_at_a_stop_is_shown_before_the_route_ends_and_told_with_its_end(
    parts: RoundParts, run_id: str, tablet: Tablet, town: TownOffice
) -> None:
    stop(parts, run_id, PIPE, outcome="defect", severity="2", note="cover is loose")
    assert tablet.choose_person("anna")
    stop(parts, run_id, WELL, gas_lel_pct="15", well_water_cm="3")
    page = end(parts, run_id)

    assert refusal(page) == ""
    assert rows(page, "begun") == [
        (
            "Valve well 31",
            "anna began at 06:12: Combustible gas: 15 % LEL, Water in the well: 3 cm",
        ),
        ("Crossing of the ring road", "李伟 began at 06:12: 2  With a deadline, cover is loose"),
    ]
    (well, pipe) = (line for line in lines(page, "begun"))
    assert (well.tone, pipe.tone) == (Tone.DANGER, Tone.WARN)

    for _second_tap in range(2):
        page.tap("end")
        town.clock.moment_utc += timedelta(seconds=2)
    ended = parse_run(FieldReader(place="run", values=told(tablet, town, "patrol_run")[-1]))
    assert [
        (each.checkpoint_id, each.author, each.severity, each.note, each.values, each.beyond)
        for each in ended.begun
    ] == [
        (PIPE, "li-wei", 2, "cover is loose", {}, ()),
        (
            WELL,
            "anna",
            None,
            "",
            {Measure.GAS_LEL_PCT: "15", Measure.WELL_WATER_CM: "3"},
            (Measure.GAS_LEL_PCT,),
        ),
    ]
    assert parts.desk.begun(run_id) == [], "told once"


def test_gas_at_a_gate_and_words_of_a_checklist_are_told_with_the_end_of_a_route(
    parts: RoundParts, run_id: str, tablet: Tablet
) -> None:
    opened(parts, StopGatePage(parts, run_id, WELL), lel_pct="9").detach()
    said = {"reached": "yes", "has_defect": "yes", "severity": "3", "defect_note": "rusty ladder"}
    fill_in_by_name(tablet, "patrol-well", said)

    told = [(each.note, each.severity, dict(each.values)) for each in parts.desk.begun(run_id)]

    assert told == [
        ("", None, {Measure.GAS_LEL_PCT: "9"}),
        ("rusty ladder", 3, {}),
    ]


def test_a_danger_in_a_checklist_is_named_before_the_route_ends(
    parts: RoundParts, run_id: str, tablet: Tablet
) -> None:
    gas_in_form(tablet, "45")

    assert rows(end(parts, run_id), "dangers") == [
        ("Valve well 31", "李伟 began at 06:12: Combustible gas: 45 % LEL")
    ]


def test_words_of_a_colleague_at_a_stop_are_recorded_with_it(
    parts: RoundParts, run_id: str, tablet: Tablet, town: TownOffice
) -> None:
    stop(parts, run_id, PIPE, **GRAVE)
    stop(parts, run_id, WELL, outcome="defect", severity="2", note="cover is loose")
    assert tablet.choose_person("anna")
    hers = stop(parts, run_id, PIPE)

    assert notices(hers)[0] == (
        "Noted by 李伟, 06:12, and not recorded: Shut off at once, pipe cracked"
    )
    assert primary(hers) == "grave"
    for key in ("grave", "done"):
        hers.tap(key)
    other = stop(parts, run_id, WELL, outcome="not_reachable", reason="locked")
    other.tap("done")
    points = {str(each["checkpoint_id"]): each for each in told(tablet, town, "patrol_point")}
    assert points[PIPE]["note"] == "pipe cracked"
    assert points[WELL]["note"] == "李伟: cover is loose"
    assert len(told(tablet, town, "order_request")) == 1


DEFECT_IN_FORM = {"has_defect": "yes", "severity": "1", "defect_note": "cover gone"}


def test_a_grave_defect_in_a_checklist_that_was_begun_is_recorded_first(
    parts: RoundParts, run_id: str, tablet: Tablet, town: TownOffice
) -> None:
    sheet = tablet.forms.open(FormSubject(about="checkpoint", about_id=WELL), "patrol-well")
    places = {
        item.place.rpartition("/")[2]: item.place for item in FormPage(sheet.session, "en").items()
    }
    tablet.forms.save_changes(
        sheet, {places.get(name, name): text for name, text in DEFECT_IN_FORM.items()}
    )

    assert refusal(end(parts, run_id)) == RECORD_IT
    page = stop(parts, run_id, WELL)
    assert "and not recorded: Shut off at once, cover gone" in notices(page)[0]
    for key in ("grave", "done"):
        page.tap(key)
    assert page.view.is_done
    (point,) = told(tablet, town, "patrol_point")
    assert point["note"] == "cover gone"


def test_gas_is_the_word_of_its_defect_where_nobody_writes_one(
    parts: RoundParts, run_id: str, tablet: Tablet, town: TownOffice
) -> None:
    page = stop(parts, run_id, WELL, gas_lel_pct="45", well_water_cm="0")
    for key in ("grave", "done"):
        page.tap(key)

    assert page.view.is_done
    (point,) = told(tablet, town, "patrol_point")
    assert point["note"] == "Combustible gas: 45 % LEL"


def test_looking_at_an_old_checklist_wipes_no_danger_in_it(
    parts: RoundParts, run_id: str, tablet: Tablet, town: TownOffice
) -> None:
    gas_in_form(tablet, "45")
    fill_in(tablet, "checkpoint", WELL, "patrol-well", {"reached": "yes"})
    fill_in(tablet, "household", HOME, "safety-check", LEAK_IN_FORM)
    fill_in(tablet, "household", HOME, "safety-check", {"items/hose": "pass"})
    town.clock.moment_utc += timedelta(hours=13)
    forms = [
        tablet.forms.open(FormSubject(about=about, about_id=about_id), form)
        for about, about_id, form in (
            ("checkpoint", WELL, "patrol-well"),
            ("household", HOME, "safety-check"),
        )
    ]

    assert [each.saved for each in forms] == [{"look/gas_lel_pct": "45"}, LEAK_IN_FORM]
    assert primary(stop(parts, run_id, WELL)) == "grave"
    assert refusal(end(parts, run_id)) == RECORD_IT
    home = opened(parts, HomePage(parts, HOME))
    assert primary(home) == "call"
    home.tap("nobody")
    again = opened(parts, HomePage(parts, HOME))
    assert primary(again) == "call", "a door that nobody opens takes no danger away"


def test_a_hazard_in_a_checklist_of_a_home_stands_in_the_bar_until_somebody_was_inside(
    parts: RoundParts, tablet: Tablet, town: TownOffice
) -> None:
    fill_in(tablet, "household", HOME, "safety-check", LEAK_IN_FORM)

    def states() -> list[str]:
        rows = RoundListPresenter(parts, RoundKind.HOME)
        rows.attach(lambda _view: None)
        return [each.state_text for each in rows.view.rows if each.key == HOME]

    assert states() == ["hazard, not finished"]
    assert tablet.database.read(noted_homes) == 1
    town.clock.moment_utc += timedelta(minutes=5)
    seen = dict.fromkeys(("meter", "pipes", "appliances", "room", "people"), "ok")
    page = opened(parts, HomePage(parts, HOME), **seen, item__pipe_tightness="ok")
    page.type("why:pipe_tightness", "tightened, soap test holds")
    page.flush()
    page.tap("done")
    assert page.view.is_done, refusal(page)
    assert tablet.database.read(noted_homes) == 0


def test_gas_that_was_typed_over_on_another_route_hides_none_of_this_one(
    parts: RoundParts, run_id: str, tablet: Tablet, town: TownOffice
) -> None:
    for lel_pct in ("60", "0"):
        gas_in_form(tablet, lel_pct)
        town.clock.moment_utc += timedelta(minutes=5)
    page = stop(parts, run_id, WELL)
    for key in ("grave", "done"):
        page.tap(key)
    assert page.view.is_done
    parts.desk.submit_run(run_id, Track())
    again = parts.desk.start_run("plan-1", (WELL,))
    assert primary(stop(parts, again, WELL)) == "done", "it was recorded"
    for lel_pct in ("45", "0"):
        gas_in_form(tablet, lel_pct)
        town.clock.moment_utc += timedelta(minutes=5)

    assert refusal(end(parts, again)) == RECORD_IT


def test_no_route_ends_over_danger_at_a_stop_that_left_until_somebody_has_told_it(
    parts: RoundParts, run_id: str, tablet: Tablet, town: TownOffice
) -> None:
    opened(parts, PointPage(parts, run_id, WELL)).tap("form:patrol-well")
    gas_in_form(tablet, "45")
    taken_off(tablet, WELL)
    page = end(parts, run_id)

    assert refusal(page) == "Tell the control room of the danger first."
    ((place, said),) = rows(page, "left")
    assert (place, said) == ("Valve well 31", "45 % LEL  ·  Noted by 李伟, 06:12: Hazard")
    (key,) = (
        line.actions[0].key
        for block in page.view.blocks
        if isinstance(block, RowsBlock) and block.key == "left"
        for line in block.lines
    )
    page.tap(key)
    town.clock.moment_utc += timedelta(seconds=2)
    page.tap(key)
    assert refusal(page) == ""
    (note,) = told(tablet, town, "shift_note")
    assert "Valve well 31: 45 % LEL" in str(note["text"])


def test_a_leak_in_a_checklist_of_a_home_that_left_names_the_flat(
    parts: RoundParts, tablet: Tablet
) -> None:
    opened(parts, HomePage(parts, HOME)).tap("form:safety-check")
    fill_in(tablet, "household", HOME, "safety-check", LEAK_IN_FORM)
    taken_off(tablet, HOME)

    (left,) = parts.desk.left_dangers()
    assert (left.place, left.said) == ("Nordring 46 · 9 · 3-902 · 80231121", "leak at the meter")


@pytest.mark.parametrize("where", ["stop", "home"])
def test_an_order_for_a_danger_goes_out_though_a_person_works_offline(
    parts: RoundParts, run_id: str, tablet: Tablet, town: TownOffice, where: str
) -> None:
    tablet.set_online(is_on=False)
    if where == "stop":
        page = stop(parts, run_id, WELL, gas_lel_pct="45")
        for key in ("grave", "done"):
            page.tap(key)
    else:
        leak = {"pipes": "wrong", "item__pipe_tightness": "wrong", "note__pipe_tightness": "leak"}
        opened(parts, HomePage(parts, HOME), **leak).tap("call")

    assert len(told(tablet, town, "order_request")) == 1


@pytest.mark.parametrize(("hours", "stands"), [(1, "1290"), (13, "")])
def test_digits_of_another_shift_stand_on_no_pad(
    parts: RoundParts, town: TownOffice, hours: int, stands: str
) -> None:
    (meter_id, *_) = (each.meter_id for each in parts.desk.meters())
    parts.desk.save_answers(meter_draft(meter_id), {"value": "1290"})
    town.clock.moment_utc += timedelta(hours=hours)
    pad = MeterPresenter(parts, meter_id)
    pad.attach(lambda _view: None)

    assert pad.view.typed == stands


WELL_FORM = {
    "reached": "yes",
    "cover": "pass",
    "surroundings": "pass",
    "gas_lel_pct": "0",
    "well_water_cm": "2",
    "valve": "pass",
    "has_defect": "no",
}


@pytest.mark.parametrize("is_finished", [True, False])
def test_air_that_nobody_may_breathe_in_a_checklist_wants_a_word_at_the_stop(
    parts: RoundParts,
    run_id: str,
    tablet: Tablet,
    is_finished: bool,  # noqa: FBT001 - drawn
) -> None:
    subject = FormSubject(about="checkpoint", about_id=WELL)
    sheet = tablet.forms.open(subject, "patrol-well")
    said = {**WELL_FORM, "oxygen": "15"}
    for name, text in said.items():
        places = (each.place for each in FormPage(sheet.session, "en").items())
        place = next((each for each in places if each.rpartition("/")[2] == name), None)
        assert place is not None, name
        sheet.session.answer(place, text)
    tablet.forms.save(sheet)
    if is_finished:
        tablet.forms.finish(sheet)
    page = stop(parts, run_id, WELL, gas_lel_pct="0", well_water_cm="0")
    page.tap("by-hand")

    assert refusal(page).startswith("A value is beyond its limit")
    page.type("note", "oxygen 15 %, nobody went in")
    page.choose("inside", "stayed_outside")
    assert refusal(page) == ""
