"""The gate before a well of a round: the same rules as at an order, kept with the stop."""

from datetime import timedelta

import pytest

from field_app.i18n import CatalogueWords
from field_app.orders.entry_gate import has_no_breath
from field_app.patrols.inspection_book import point_draft
from field_app.presenters.form_wording import unit_text
from field_app.presenters.point import PointPage
from field_app.presenters.round_parts import RoundParts
from field_app.presenters.run import RunPresenter
from field_app.presenters.run_end import RunEndPage
from field_app.presenters.sheet import SheetPresenter
from field_app.presenters.stop_gate import StopGatePage, gate_rows, stop_record
from field_app.tablet import Tablet
from tests.field_app.round_parts import arrive, round_town
from tests.field_app_ui.inspection_parts import checkpoint
from tests.field_app_ui.town_office import TownOffice

AIR = {"oxygen_pct": "20.8", "lel_pct": "0", "detector_id": "GX-7"}
STICKER = {"calibrated_until": "2027-05-31"}
RUN = "01900000-0000-7000-8000-000000000001"
STOP, WELL = checkpoint(0)


@pytest.fixture
def town() -> TownOffice:
    return round_town()


def gate(parts: RoundParts, run_id: str = RUN, **texts: str) -> SheetPresenter[object]:
    page = StopGatePage(parts, run_id, STOP)
    presenter: SheetPresenter[object] = SheetPresenter(page, parts.context)  # type: ignore[arg-type]
    presenter.attach(lambda _view: None)
    for key, text in texts.items():
        presenter.type(key, text)
    presenter.flush()
    return presenter


def row(parts: RoundParts) -> str:
    air = parts.site.well(stop_record(RUN, STOP))
    (block,) = gate_rows(parts.context.words, WELL, air)
    return block.lines[0].detail


def test_nobody_enters_a_well_of_a_round_without_oxygen_and_a_detector_to_trust(
    parts: RoundParts,
) -> None:
    assert row(parts) == "Measure first"
    thin = gate(parts, **AIR | STICKER | {"oxygen_pct": "15"})
    assert thin.view.primary is not None
    assert thin.view.primary.key == "deny"
    unsure = gate(parts, **AIR, calibrated_until="2020-01-01")
    assert unsure.view.primary is not None
    assert "calibrat" in unsure.view.primary.refusal.casefold()
    unsure.tap("allow")

    assert parts.site.well(stop_record(RUN, STOP)).record.gas == ()


def test_what_was_measured_at_a_stop_is_told_and_lasts_half_an_hour(
    parts: RoundParts, town: TownOffice, tablet: Tablet
) -> None:
    presenter = gate(parts, **AIR | STICKER)
    presenter.tap("allow")
    assert presenter.view.is_done
    assert row(parts) == "Entry allowed"
    town.clock.moment_utc += timedelta(minutes=31)
    assert row(parts) == "Measure first", "it says nothing of the air now"
    other = parts.site.well(stop_record(RUN, checkpoint(1)[0]))
    assert other.record.gas == (), "good air in one well says nothing of another"
    tablet.sync_now()
    (fact,) = [each.payload for each in town.pushed if each.field == "gas_measurement"]
    assert fact is not None
    assert (fact["place"], fact["is_entry_allowed"]) == ("Valve well 31", True)
    assert (fact["run_id"], fact["checkpoint_id"]) == (RUN, STOP)
    assert "order_id" not in fact


@pytest.mark.parametrize(
    ("air", "told"),
    [
        ({"oxygen_pct": "16", "lel_pct": "14"}, "seen; Combustible gas: 14 % LEL"),
        ({"oxygen_pct": "16", "lel_pct": "0"}, "seen"),
    ],
)
def test_no_zero_at_a_stop_wipes_what_its_gate_has_measured(
    parts: RoundParts, tablet: Tablet, town: TownOffice, air: dict[str, str], told: str
) -> None:
    run_id = parts.desk.start_run("plan-1", [STOP])
    arrive(parts, run_id)
    gate(parts, run_id, **AIR | STICKER | air).tap("deny")
    stop: SheetPresenter[object] = SheetPresenter(
        PointPage(parts, run_id, STOP),  # type: ignore[arg-type]  # as in `gate`
        parts.context,
    )
    stop.attach(lambda _view: None)
    stop.type("gas_lel_pct", "0")
    stop.type("well_water_cm", "3")
    stop.flush()
    assert stop.view.primary is not None
    beyond = "A value is beyond its limit: record a defect, or say in the note why not."
    assert stop.view.primary.refusal == beyond
    stop.type("note", "seen")
    stop.choose("inside", "stayed_outside")
    stop.tap("done")
    tablet.sync_now()

    (point,) = [each.payload for each in town.pushed if each.field == "patrol_point"]
    assert point is not None
    assert (point["outcome"], point["note"]) == ("ok", told)


@pytest.mark.parametrize("place", ["typed at the stop", "gate of the stop"])
def test_no_route_ends_over_gas_that_nobody_recorded(
    parts: RoundParts, tablet: Tablet, town: TownOffice, place: str
) -> None:
    other, _ = checkpoint(1)
    run_id = parts.desk.start_run("plan-1", [other, STOP])
    if place == "gate of the stop":
        gate(parts, run_id, **AIR | STICKER | {"lel_pct": "45"}).tap("deny")
    else:
        parts.desk.save_answers(point_draft(run_id, STOP), {"gas_lel_pct": "45"})
    run = RunPresenter(parts, run_id)
    run.refresh()
    end: SheetPresenter[object] = SheetPresenter(RunEndPage(parts, run_id), parts.context)  # type: ignore[arg-type]
    end.attach(lambda _view: None)
    end.tap("end")
    tablet.sync_now()

    assert (run.view.next_id, run.view.stops[1].state_text) == (STOP, "Danger here: record it")
    assert end.view.primary is not None
    assert end.view.primary.refusal == "Dangerous: record it as a defect of severity 1."
    phases = [each.payload["phase"] for each in town.pushed if each.field == "patrol_run"]  # type: ignore[index]
    assert phases == ["started"]


@pytest.mark.parametrize(
    ("text", "is_danger"),
    [("15", True), ("19.4", True), ("19,5", False), ("20.9 %", False), ("24", True), ("", False)],
)
def test_oxygen_in_a_form_says_that_nobody_goes_in(text: str, is_danger: bool) -> None:  # noqa: FBT001
    assert has_no_breath({"look/oxygen": text, "look/oxygenated": "1"}) is is_danger


def test_minutes_of_a_form_are_said_in_the_language_of_the_reader() -> None:
    chinese = CatalogueWords("zh_CN")
    assert [unit_text(chinese, each) for each in ("min", "% LEL", "")] == ["分钟", "% LEL", ""]
