"""A stop that was left: gas counts whoever typed it, good values and check-ins grow old."""

from datetime import timedelta

import pytest

from field_app.checklists.form_sheet import FormSubject
from field_app.orders.moments import TimerMoment
from field_app.patrols.inspection_book import DraftOf
from field_app.patrols.stop_sheet import answers_of_stop, most_gas
from field_app.presenters.point import PointPage
from field_app.presenters.round_parts import RoundParts
from field_app.presenters.rounds import RoundsPage
from field_app.presenters.run import TRACK_FORM
from field_app.presenters.run_end import RunEndPage
from field_app.presenters.sheet import SheetPresenter
from field_app.presenters.sheet_views import NoticeBlock, NumberBlock, RowsBlock
from field_app.presenters.stop_gate import stop_record
from field_app.store.draft_store import KeptAnswer
from field_app.store.round_records import record_of
from field_app.store.saved_at import SavedAt
from field_app.tablet import Tablet
from tests.field_app.round_parts import arrive, opened, primary, round_town, started, taken_off
from tests.field_app.site_parts import LEAK, told
from tests.field_app_ui.inspection_parts import WELL_LIMITS, checkpoint
from tests.field_app_ui.town_office import TownOffice
from wire_contracts.fields import JsonValue

STOP, WELL = checkpoint(0)
DEFECT = {"outcome": "defect", "severity": "1", "note": "pipe cracked"}


@pytest.fixture
def town() -> TownOffice:
    return round_town("patrol-well")


@pytest.fixture
def run_id(parts: RoundParts) -> str:
    run_id = started(parts)
    arrive(parts, run_id)
    return run_id


def stop(parts: RoundParts, run_id: str, **typed: str) -> SheetPresenter[object]:
    return opened(parts, PointPage(parts, run_id, STOP), **typed)


def notices(presenter: SheetPresenter[object]) -> list[str]:
    return [block.text for block in presenter.view.blocks if isinstance(block, NoticeBlock)]


def numbers(presenter: SheetPresenter[object]) -> list[str]:
    return [block.text for block in presenter.view.blocks if isinstance(block, NumberBlock)]


def test_gas_that_a_colleague_typed_is_danger_to_whoever_comes(
    parts: RoundParts, run_id: str, tablet: Tablet, town: TownOffice
) -> None:
    stop(parts, run_id, gas_lel_pct="45", well_water_cm="3")
    assert tablet.choose_person("anna")
    hers = stop(parts, run_id, gas_lel_pct="0", well_water_cm="3")

    assert primary(hers)[0] == "grave"
    assert "Gas typed here by 李伟, 06:12, and not recorded: 45" in notices(hers)
    end = opened(parts, RunEndPage(parts, run_id))
    end.tap("end")
    assert told(tablet, town, "patrol_point") == [], "no route is ended over it"
    assert not end.view.is_done
    hers.tap("grave")
    hers.type("note", "hissing")
    hers.tap("done")
    assert hers.view.is_done
    (point,) = told(tablet, town, "patrol_point")
    assert point["note"] == "hissing; Combustible gas: 45 % LEL"
    assert len(told(tablet, town, "order_request")) == 1
    assert tablet.choose_person("li-wei")
    assert notices(stop(parts, run_id)) == [], "it is recorded, whoever typed it"


def test_gas_that_a_colleague_typed_at_the_gate_is_danger_at_the_stop(
    parts: RoundParts, run_id: str, tablet: Tablet
) -> None:
    parts.site.keep(stop_record(run_id, STOP), "gate", {"lel_pct": "45"})
    assert tablet.choose_person("anna")

    assert primary(stop(parts, run_id))[0] == "grave"
    end = opened(parts, RunEndPage(parts, run_id))
    end.tap("end")
    assert not end.view.is_done


def test_gas_at_a_stop_that_left_the_tablet_stands_on_the_rounds_page(
    parts: RoundParts, run_id: str, tablet: Tablet
) -> None:
    stop(parts, run_id, gas_lel_pct="45")
    for other, typed in ((checkpoint(1)[0], {}), (checkpoint(2)[0], DEFECT)):
        opened(parts, PointPage(parts, run_id, other), **typed)
    parts.site.keep(stop_record(run_id, checkpoint(1)[0]), "gate", {"lel_pct": "30"})
    for other in (checkpoint(1)[0], checkpoint(2)[0]):
        taken_off(tablet, other)
    others = [(each.lel_pct, each.said) for each in parts.desk.left_dangers()]
    assert sorted(others, key=str) == [(30, ""), (None, "pipe cracked")]
    for each in parts.desk.left_dangers():
        parts.desk.forget_left(each.key)
    taken_off(tablet, STOP)

    (left,) = parts.desk.left_dangers()
    assert (left.place, left.lel_pct) == (WELL.name.en, 45)
    lines = [
        line.detail
        for block in opened(parts, RoundsPage(parts)).view.blocks
        if isinstance(block, RowsBlock) and block.key == "left"
        for line in block.lines
    ]
    assert lines == ["45 % LEL  ·  Noted by 李伟, 06:12: Hazard"]


def test_the_way_that_a_colleague_walked_is_told_at_the_end(
    parts: RoundParts, run_id: str, tablet: Tablet, town: TownOffice
) -> None:
    way = DraftOf(record_id=record_of(run_id), form=TRACK_FORM)
    walked: dict[str, JsonValue] = {"track": "_p~iF~ps|U?", "track_m": 2200.0, "coarseness": 1}
    parts.desk.save_answers(way, walked)
    assert tablet.choose_person("anna")
    opened(parts, RunEndPage(parts, run_id)).tap("end")

    (_begun, ended) = told(tablet, town, "patrol_run")
    assert (ended["track_m"], ended["track"]) == (2200.0, walked["track"])


def test_good_values_grow_old_and_bad_ones_stay_bad(
    parts: RoundParts, run_id: str, town: TownOffice
) -> None:
    assert primary(stop(parts, run_id, gas_lel_pct="0", well_water_cm="30"))[1] == (
        "A value is beyond its limit: record a defect, or say in the note why not."
    )
    town.clock.moment_utc += timedelta(minutes=31)
    later = stop(parts, run_id)

    assert numbers(later) == ["", "30"]
    assert "Measured more than 30 minutes ago: measure again." in notices(later)
    assert primary(later)[1] == "Measure: Combustible gas"
    later.type("gas_lel_pct", "0")
    later.type("note", "rain")
    later.flush()
    assert primary(later)[1] == "Measure: Water in the well"
    later.type("well_water_cm", "")
    later.type("well_water_cm", "30")
    later.choose("inside", "stayed_outside")
    assert primary(later) == primary(stop(parts, run_id)) == ("done", "")


def test_gas_typed_long_ago_is_danger_still(
    parts: RoundParts, run_id: str, town: TownOffice
) -> None:
    stop(parts, run_id, gas_lel_pct="45", well_water_cm="3")
    town.clock.moment_utc += timedelta(days=3)

    assert primary(stop(parts, run_id))[0] == "grave"


def test_whoever_was_there_in_another_shift_is_not_there_now(
    parts: RoundParts, run_id: str, town: TownOffice
) -> None:
    town.clock.moment_utc += timedelta(hours=11)
    assert primary(stop(parts, run_id))[1] == "Measure: Combustible gas"
    town.clock.moment_utc += timedelta(hours=2)

    assert primary(stop(parts, run_id))[1] == "Show first that you are there."


def test_a_screen_that_stood_open_keeps_no_value_that_grew_old(
    parts: RoundParts, run_id: str, tablet: Tablet, town: TownOffice
) -> None:
    page = stop(parts, run_id, gas_lel_pct="0", well_water_cm="3")
    town.clock.moment_utc += timedelta(minutes=31)
    page.tap("done")

    assert not page.view.is_done
    assert told(tablet, town, "patrol_point") == []


def test_the_range_of_a_detector_typed_by_anybody_counts_as_gas() -> None:
    typed = [
        KeptAnswer(author=author, field="gas_lel_pct", value=text, at=SavedAt(0))
        for author, text in (("anna", "OL"), ("li-wei", "2"), ("wang", ""))
    ]
    answers = answers_of_stop(typed, "li-wei", TimerMoment(0), WELL_LIMITS)

    assert (answers.lel_pct, [each.author for each in answers.gas]) == (100.0, ["anna"])
    assert most_gas(typed) == 100.0
    assert most_gas([]) is None


def test_gas_in_a_form_that_a_colleague_began_is_danger_at_the_stop_and_the_order(
    parts: RoundParts, run_id: str, tablet: Tablet
) -> None:
    for about, about_id, form_id in (
        ("checkpoint", STOP, "patrol-well"),
        ("work_order", LEAK, "patrol-well"),
    ):
        form = tablet.forms.open(FormSubject(about=about, about_id=about_id), form_id)
        tablet.forms.save_changes(form, {"look/gas_lel_pct": "45"})
    assert tablet.choose_person("anna")
    end = opened(parts, RunEndPage(parts, run_id))

    assert primary(stop(parts, run_id))[0] == "grave"
    assert end.view.primary is not None
    assert end.view.primary.refusal
    assert tablet.forms.most_lel_pct(FormSubject(about="work_order", about_id=LEAK)) == 45
