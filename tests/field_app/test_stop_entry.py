"""Before a well is left as done it is said whether anybody went in, and why without a good test."""

from datetime import timedelta

import pytest

from field_app.patrols.presence import by_hand
from field_app.presenters.point import PointPage
from field_app.presenters.round_parts import RoundParts
from field_app.presenters.sheet import SheetPresenter
from field_app.presenters.sheet_views import ChoiceBlock, NoteBlock
from field_app.presenters.stop_gate import StopGatePage
from field_app.tablet import Tablet
from tests.field_app.round_parts import arrive, opened, primary, round_town, started
from tests.field_app.site_parts import told
from tests.field_app_ui.inspection_parts import checkpoint
from tests.field_app_ui.town_office import TownOffice
from wire_contracts.fields import JsonObject

STOP, WELL = checkpoint(0)
PIPE, CROSSING = checkpoint(3)
AIR = {
    "oxygen_pct": "20.8",
    "lel_pct": "0",
    "detector_id": "GX-7",
    "calibrated_until": "2027-05-31",
}
GOOD = {"gas_lel_pct": "0", "well_water_cm": "3"}
ASKED = ("done", "Say whether anybody went in.")
UNTESTED = ("done", "Went in without a good gas test: measure the air, or say why.")
DONE = ("done", "")


@pytest.fixture
def town() -> TownOffice:
    return round_town()


@pytest.fixture
def run_id(parts: RoundParts) -> str:
    run_id = started(parts)
    arrive(parts, run_id)
    return run_id


def stop(parts: RoundParts, run_id: str, **typed: str) -> SheetPresenter[object]:
    return opened(parts, PointPage(parts, run_id, STOP), **typed)


def measure(parts: RoundParts, run_id: str, key: str = "allow", **air: str) -> None:
    gate = opened(parts, StopGatePage(parts, run_id, STOP), **{**AIR, **air})
    gate.tap(key)
    assert gate.view.is_done or gate.view.message == "Kept: nobody goes in."


def the_point(tablet: Tablet, town: TownOffice) -> JsonObject:
    return told(tablet, town, "patrol_point")[-1]


def test_one_tap_says_that_nobody_went_in_and_a_second_one_takes_nothing_back(
    parts: RoundParts, run_id: str, tablet: Tablet, town: TownOffice
) -> None:
    page = stop(parts, run_id, **GOOD)
    assert primary(page) == ASKED
    page.choose("inside", "stayed_outside")
    page.choose("inside", "stayed_outside")
    assert primary(page) == DONE
    assert primary(stop(parts, run_id)) == DONE, "kept, also when the app ends here"
    page.tap("done")

    point = the_point(tablet, town)
    assert (point["outcome"], point["entry"], point["note"]) == ("ok", "stayed_outside", "")


def test_whoever_went_in_without_a_test_says_why_and_the_office_reads_it(
    parts: RoundParts, run_id: str, tablet: Tablet, town: TownOffice
) -> None:
    page = stop(parts, run_id, **GOOD)
    page.choose("inside", "went_in")
    assert primary(page) == UNTESTED
    page.choose("inside", "stayed_outside")
    assert primary(page) == DONE, "the other answer undoes it"
    page.choose("inside", "went_in")
    page.type("inside_why", "lid only, head above the rim")
    page.flush()
    page.tap("done")

    point = the_point(tablet, town)
    why = "Went in without a good gas test: lid only, head above the rim"
    assert (point["entry"], point["note"]) == ("went_in", why)
    town.clock.moment_utc += timedelta(minutes=50)
    again = stop(parts, run_id)
    assert primary(again) == DONE, "it was said; a correction asks for no other test"
    again.tap("done")
    assert (the_point(tablet, town)["entry"], the_point(tablet, town)["note"]) == ("went_in", why)


def test_a_good_test_at_the_moment_of_the_answer_is_enough(
    parts: RoundParts, run_id: str, tablet: Tablet, town: TownOffice
) -> None:
    measure(parts, run_id)
    town.clock.moment_utc += timedelta(minutes=20)
    stop(parts, run_id, inside="went_in")
    town.clock.moment_utc += timedelta(minutes=20)
    page = stop(parts, run_id, **GOOD)
    assert primary(page) == DONE, "they went in 20 minutes after the test"
    page.tap("done")

    assert (the_point(tablet, town)["entry"], the_point(tablet, town)["note"]) == ("went_in", "")


def test_a_test_grown_old_lets_nobody_in_until_the_air_is_measured_again(
    parts: RoundParts, run_id: str, town: TownOffice
) -> None:
    measure(parts, run_id)
    town.clock.moment_utc += timedelta(minutes=31)
    assert primary(stop(parts, run_id, **GOOD, inside="went_in")) == UNTESTED
    measure(parts, run_id)

    assert primary(stop(parts, run_id)) == DONE


def test_a_test_that_let_nobody_in_is_none_however_good_the_one_before_was(
    parts: RoundParts, run_id: str, town: TownOffice
) -> None:
    measure(parts, run_id)
    town.clock.moment_utc += timedelta(minutes=1)
    measure(parts, run_id, "deny", oxygen_pct="16")
    page = stop(parts, run_id, **GOOD, inside="went_in", note="seen")

    assert primary(page) == UNTESTED


def test_air_that_turned_bad_after_the_entry_takes_no_entry_back(
    parts: RoundParts, run_id: str, town: TownOffice
) -> None:
    measure(parts, run_id)
    town.clock.moment_utc += timedelta(minutes=1)
    stop(parts, run_id, **GOOD, inside="went_in")
    town.clock.moment_utc += timedelta(minutes=5)
    measure(parts, run_id, "deny", oxygen_pct="16")
    page = stop(parts, run_id)

    assert primary(page)[1].startswith("A value is beyond its limit"), "the air wants its word"
    page.type("note", "came out at once")
    page.flush()
    assert primary(page) == DONE


def test_what_was_answered_in_another_shift_is_asked_again(
    parts: RoundParts, run_id: str, town: TownOffice
) -> None:
    stop(parts, run_id, inside="stayed_outside")
    town.clock.moment_utc += timedelta(hours=13)
    arrive(parts, run_id)
    page = stop(parts, run_id, **GOOD)
    assert primary(page) == ASKED
    page.choose("inside", "stayed_outside")
    page.tap("done")
    town.clock.moment_utc += timedelta(minutes=5)
    assert primary(stop(parts, run_id)) == DONE, "told of this visit"
    arrive(parts, run_id)

    assert primary(stop(parts, run_id)) == ASKED, "somebody came again since"


@pytest.mark.parametrize("outcome", ["skipped", "not_reachable"])
def test_a_stop_that_is_left_out_asks_nobody(
    parts: RoundParts, run_id: str, outcome: str, tablet: Tablet, town: TownOffice
) -> None:
    page = stop(parts, run_id, outcome=outcome, reason="flooded", inside="went_in")
    assert "inside" not in [each.key for each in page.view.blocks]
    page.tap("done")

    assert "entry" not in the_point(tablet, town)


def test_a_defect_that_endangers_people_waits_for_no_answer(
    parts: RoundParts, run_id: str, tablet: Tablet, town: TownOffice
) -> None:
    page = stop(parts, run_id, outcome="defect", severity="1", note="gas at the valve")
    assert primary(page) == DONE
    page.choose("inside", "went_in")
    assert primary(page) == DONE
    page.tap("done")

    assert the_point(tablet, town)["entry"] == "went_in"


def test_nobody_is_asked_where_nobody_can_go_in(parts: RoundParts, run_id: str) -> None:
    parts.desk.check_in(run_id, PIPE, by_hand(CROSSING, None), is_tag_unreadable=True)
    page = opened(parts, PointPage(parts, run_id, PIPE))

    assert primary(page) == DONE
    asked = [each.key for each in page.view.blocks if isinstance(each, ChoiceBlock | NoteBlock)]
    assert not {"inside", "inside_why"} & set(asked)
