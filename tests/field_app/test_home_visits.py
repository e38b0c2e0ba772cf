"""A home that was left: what was seen there is not today's, a hazard stands for whoever comes."""

from datetime import timedelta

import pytest

from field_app.checklists.form_sheet import FormSubject
from field_app.patrols.home_facts import Unheard
from field_app.patrols.noted import noted_homes
from field_app.patrols.track import Track
from field_app.presenters.home import HomePage
from field_app.presenters.point import PointPage
from field_app.presenters.round_list import RoundKind, RoundListPresenter
from field_app.presenters.round_parts import RoundParts
from field_app.presenters.rounds import RoundsPage
from field_app.presenters.sheet import SheetPresenter
from field_app.presenters.sheet_views import ChoiceBlock, NoticeBlock, RowsBlock, VerdictBlock
from field_app.presenters.sync import SyncPresenter
from field_app.presenters.views import Tone
from field_app.tablet import Tablet
from tests.field_app.round_parts import opened, refusal, round_town, taken_off
from tests.field_app.site_parts import told
from tests.field_app_ui.inspection_parts import picture
from tests.field_app_ui.town_office import TownOffice
from wire_contracts.orders import FactType

HOME = "hh-0"
ALL_WELL = dict.fromkeys(("meter", "pipes", "appliances", "room", "people"), "ok")
LEAK = {
    "pipes": "wrong",
    "item__pipe_tightness": "wrong",
    "note__pipe_tightness": "leak at the meter",
}


@pytest.fixture
def town() -> TownOffice:
    return round_town("safety-check")


def home(parts: RoundParts, **chosen: str) -> SheetPresenter[object]:
    return opened(parts, HomePage(parts, HOME), **chosen)


def chosen_in(presenter: SheetPresenter[object]) -> dict[str, str]:
    return {
        block.key: line.value
        for block in presenter.view.blocks
        if isinstance(block, ChoiceBlock)
        for line in block.lines
        if line.is_selected
    }


def noted_in(presenter: SheetPresenter[object]) -> list[str]:
    return [
        block.text
        for block in presenter.view.blocks
        if isinstance(block, NoticeBlock) and block.key.startswith("noted")
    ]


def primary(presenter: SheetPresenter[object]) -> str:
    assert presenter.view.primary is not None
    return presenter.view.primary.key


def is_noted_on_the_list(parts: RoundParts) -> bool:
    return next(each for each in parts.desk.homes() if each.household_id == HOME).has_noted_hazard


def test_what_was_looked_at_on_another_visit_is_looked_at_again(
    parts: RoundParts, town: TownOffice
) -> None:
    home(parts, meter="ok", pipes="ok", notice="refused")
    assert chosen_in(home(parts)) == {"meter": "ok", "pipes": "ok"}
    town.clock.moment_utc += timedelta(days=25)
    later = home(parts)

    assert chosen_in(later) == {}
    assert refusal(later)


def test_a_hazard_of_another_visit_stands_until_its_own_item_is_answered_anew(
    parts: RoundParts, town: TownOffice, tablet: Tablet
) -> None:
    home(parts, **LEAK)
    assert noted_in(home(parts)) == [], "on the same visit it is on the page as it was typed"
    town.clock.moment_utc += timedelta(days=25)
    later = home(parts, **ALL_WELL)

    (noted,) = noted_in(later)
    assert noted.startswith("Noted by 李伟, 21 Nov 06:12, and not finished: Pipes tight")
    assert "(leak at the meter)" in noted
    assert primary(later) == "call", "one tap on the group takes nothing back"
    later.choose("item:pipe_tightness", "ok")
    assert refusal(later) == "Say why it is no danger any more: Pipes tight (soap test)"
    later.type("why:pipe_tightness", "the soap test holds")
    assert (refusal(later), noted_in(home(parts))) == ("", [])
    later.tap("done")
    (check,) = told(tablet, town, FactType.SAFETY_CHECK)
    assert (check["hazards"], check["taken_back"]) == (
        [],
        {"pipe_tightness": "the soap test holds"},
    )
    assert not is_noted_on_the_list(parts)


def test_a_leak_that_a_colleague_noted_is_no_home_that_passed(
    parts: RoundParts, town: TownOffice, tablet: Tablet
) -> None:
    home(parts, **LEAK)
    assert tablet.choose_person("anna")
    hers = home(parts, **ALL_WELL)

    assert chosen_in(hers)["item:pipe_tightness"] == "wrong"
    assert "李伟" in noted_in(hers)[0]
    assert "leak at the meter" in noted_in(hers)[0]
    hers.choose("notice", "refused")
    hers.tap("done")
    (check,) = told(tablet, town, FactType.SAFETY_CHECK)
    (request,) = told(tablet, town, FactType.ORDER_REQUEST)
    assert check["answers"] != {}
    assert request["note"] == "pipe_tightness: leak at the meter"
    assert not is_noted_on_the_list(parts), "whoever noted it: it is told"


def red_card(presenter: SheetPresenter[object]) -> str:
    first = presenter.view.blocks[0]
    assert isinstance(first, VerdictBlock)
    return first.text


def test_a_danger_calls_a_crew_before_the_paper_is_dealt_with(
    parts: RoundParts, town: TownOffice, tablet: Tablet
) -> None:
    town.is_reachable = False
    page = home(parts, pipes="wrong", item__pipe_tightness="wrong")
    assert primary(page) == "done", "no order without a word of what is wrong"
    page.type("note:pipe_tightness", "leak")
    page.tap("call")
    page.tap("call")

    assert red_card(page) == "Order made, not sent yet: call the control room now."
    assert primary(page) == "done"
    (request,) = told(tablet, town, FactType.ORDER_REQUEST)
    assert request["title"] == {"en": "Dangerous hazard in a home", "zh": "户内重大隐患"}, (
        "nobody said that the gas is off"
    )
    page.refresh()
    assert red_card(page) == "Order made; the office has it."
    page.choose("gas_off", "no")
    page.choose("notice", "refused")
    page.tap("done")
    (check,) = told(tablet, town, FactType.SAFETY_CHECK)
    assert isinstance(check["hazards"], list)
    assert [each["note"] for each in check["hazards"] if isinstance(each, dict)] == [
        "leak; The gas still flows"
    ]
    assert len(told(tablet, town, FactType.ORDER_REQUEST)) == 1, "the visit makes no second one"


@pytest.mark.parametrize(
    "answer", [("item:pipe_tightness", "ok"), ("severity:pipe_tightness", "2")]
)
def test_a_danger_over_which_a_crew_was_called_is_not_taken_back_in_silence(
    parts: RoundParts, tablet: Tablet, town: TownOffice, answer: tuple[str, str]
) -> None:
    page = home(parts, **LEAK)
    page.tap("call")
    for key, value in (*ALL_WELL.items(), answer, ("notice", "refused")):
        page.choose(key, value)
    assert refusal(page) == "Say why it is no danger any more: Pipes tight (soap test)"
    page.type("why:pipe_tightness", "it was the neighbour's stove")
    page.tap("done")

    (check,) = told(tablet, town, FactType.SAFETY_CHECK)
    assert check["taken_back"] == {"pipe_tightness": "it was the neighbour's stove"}


def test_who_refused_to_sign_is_asked_again_over_another_hazard(parts: RoundParts) -> None:
    page = home(parts, **{**ALL_WELL, "appliances": "wrong", "item__hose": "wrong"})
    for item in ("stove_flameout", "water_heater_flue"):
        page.choose(f"item:{item}", "ok")
    page.choose("notice", "refused")
    assert refusal(page) == ""
    page.choose("item:stove_flameout", "wrong")
    assert refusal(page) == "Was the notice signed or refused?"
    page.choose("notice", "refused")
    assert refusal(page) == "", "one tap refuses again"
    page.choose("item:stove_flameout", "ok")
    assert refusal(page) == "", "fewer hazards are refused with the rest"


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("yes", "Dangerous hazard in a home: gas shut off"),
        ("no", "Dangerous hazard in a home: gas NOT shut off"),
    ],
)
def test_the_order_says_of_the_gas_what_somebody_said(
    parts: RoundParts, town: TownOffice, tablet: Tablet, said: str, title: str
) -> None:
    page = home(parts, **LEAK)
    page.choose("gas_off", said)
    page.tap("call")

    (request,) = told(tablet, town, FactType.ORDER_REQUEST)
    assert isinstance(request["title"], dict)
    assert request["title"]["en"] == title


def test_another_danger_calls_again(parts: RoundParts, tablet: Tablet, town: TownOffice) -> None:
    page = home(parts, **LEAK)
    page.tap("call")
    page = home(parts, appliances="wrong", item__water_heater_flue="wrong")
    page.type("note:water_heater_flue", "no flue")

    assert primary(page) == "call"
    page.tap("call")
    assert len(told(tablet, town, FactType.ORDER_REQUEST)) == 2


def test_a_hazard_without_words_is_asked_for_by_itself_as_well(parts: RoundParts) -> None:
    home(parts, pipes="wrong", item__pipe_corrosion="wrong")
    again = home(parts, pipes="ok")

    assert chosen_in(again)["item:pipe_corrosion"] == "wrong"


def test_a_closed_door_leaves_a_noted_hazard_where_it_is(
    parts: RoundParts, town: TownOffice, tablet: Tablet
) -> None:
    home(parts, **LEAK)
    town.clock.moment_utc += timedelta(days=25)
    later = home(parts)
    later.tap("nobody")

    (check,) = told(tablet, town, FactType.SAFETY_CHECK)
    assert check["is_no_access"] is True
    assert is_noted_on_the_list(parts)


def test_a_signature_stands_under_the_hazards_that_the_household_saw(
    parts: RoundParts, tablet: Tablet
) -> None:
    tablet.set_pin("285170")
    hose = {**ALL_WELL, "appliances": "wrong", "item__hose": "wrong"}
    home(parts, **hose, item__stove_flameout="ok", item__water_heater_flue="ok")
    assert HomePage(parts, HOME).signed(picture(1)) == ""
    signed = home(parts)
    assert refusal(signed) == ""
    more = home(parts, meter="wrong", item__meter="ok", item__meter_valve="wrong")
    assert refusal(more), "nobody showed the household the second hazard"
    less = home(parts, item__meter_valve="ok")

    assert refusal(less) == ""


def test_what_a_colleague_answered_in_a_form_of_the_office_is_no_home_that_passed(
    parts: RoundParts, tablet: Tablet, town: TownOffice
) -> None:
    subject = FormSubject(about="household", about_id=HOME)
    form = tablet.forms.open(subject, "safety-check")
    tablet.forms.save_changes(form, {"pipe_tightness": "fail", "hose": "pass"})
    assert tablet.choose_person("anna")
    hers = home(parts, **ALL_WELL)

    assert "Pipes tight" in noted_in(hers)[0]
    assert chosen_in(hers)["item:pipe_tightness"] == "wrong"
    hers.choose("item:pipe_tightness", "ok")
    hers.type("why:pipe_tightness", "measured anew: 0")
    hers.tap("done")
    assert told(tablet, town, FactType.SAFETY_CHECK) != []
    town.clock.moment_utc += timedelta(minutes=1)
    assert noted_in(home(parts)) == [], "it was looked at since"


def rows_of(presenter: SheetPresenter[object], key: str) -> tuple[str, Tone]:
    (line,) = next(
        block.lines
        for block in presenter.view.blocks
        if isinstance(block, RowsBlock) and block.key == key
    )
    return line.detail, line.tone


def test_a_hazard_that_was_left_stands_on_the_rounds_page_and_in_the_bar(
    parts: RoundParts, tablet: Tablet
) -> None:
    bar = SyncPresenter(tablet, parts.context, parts.hardware)
    bar.attach(lambda _view: None)
    assert "Hazard" not in bar.view.pill_text
    home(parts, **LEAK)
    bar.refresh()

    assert bar.view.pill_text.endswith("Hazard not finished")
    assert rows_of(opened(parts, RoundsPage(parts)), "home-checks") == (
        "hazards not finished: 1",
        Tone.DANGER,
    )


def test_the_rounds_page_says_that_the_office_does_not_know_of_a_danger(
    parts: RoundParts, tablet: Tablet, town: TownOffice
) -> None:
    def says() -> list[str]:
        blocks = opened(parts, RoundsPage(parts)).view.blocks
        return [each.text for each in blocks if isinstance(each, NoticeBlock)]

    town.is_reachable = False
    home(parts, **LEAK).tap("call")
    unsent = "Order made, not sent yet: call the control room now."
    assert says() == [unsent]
    doors = RoundListPresenter(parts, RoundKind.HOME)
    doors.attach(lambda _view: None)
    assert doors.view.alarm_text == unsent
    next_door = opened(parts, HomePage(parts, "hh-1"))
    assert [b.text for b in next_door.view.blocks if isinstance(b, NoticeBlock)] == [unsent]
    flows = home(parts, gas_off="no")
    still = "The gas still flows: tell the control room by telephone."
    assert red_card(flows) == f"{unsent} {still}"
    flows.type("gas_off", "")
    flows.flush()
    town.is_reachable = True
    town.refuses = frozenset({"order_request"})
    tablet.sync_now()
    refused = "Order not received: the office does not know. Call the control room now."
    assert says() == [refused]
    assert red_card(home(parts)) == refused
    town.refuses = frozenset()
    town.clock.moment_utc += timedelta(minutes=1)
    home(parts).tap("call")
    tablet.sync_now()
    assert says() == []
    assert red_card(home(parts)) == "Order made; the office has it."


def test_a_danger_of_a_home_that_left_the_tablet_stands_on_the_rounds_page_until_it_is_told(
    parts: RoundParts, tablet: Tablet, town: TownOffice
) -> None:
    home(parts, **LEAK)
    address = next(each for each in parts.desk.homes() if each.household_id == HOME)
    taken_off(tablet, HOME)
    rounds = opened(parts, RoundsPage(parts))
    (left,) = (each for each in rounds.view.blocks if each.key == "left")
    assert isinstance(left, RowsBlock)
    (line,) = left.lines

    for part in (address.household.address, address.household.room):
        assert part in line.title, "which flat"
    assert line.detail == "Noted by 李伟, 06:12: leak at the meter"
    rounds.tap(line.actions[0].key)
    rounds.tap(line.actions[0].key)
    assert rounds.view.message == "Tap again once the control room has heard it."
    assert parts.desk.left_dangers() != [], "a bounce tells nobody"
    town.clock.moment_utc += timedelta(seconds=2)
    rounds.tap(line.actions[0].key)
    assert [each.key for each in rounds.view.blocks if each.key == "left"] == []
    (note,) = told(tablet, town, FactType.SHIFT_NOTE)
    assert "leak at the meter" in str(note["text"])
    assert tablet.database.read(noted_homes) == 0


@pytest.mark.parametrize("hours", [25, -25])
def test_an_order_that_was_not_sent_is_missed_whatever_the_clock_says(
    parts: RoundParts, town: TownOffice, hours: int
) -> None:
    town.is_reachable = False
    home(parts, **LEAK).tap("call")
    town.clock.moment_utc += timedelta(hours=hours)

    assert parts.desk.unheard() is Unheard.NOT_SENT


def test_an_order_of_a_route_that_has_ended_is_missed(parts: RoundParts, town: TownOffice) -> None:
    town.is_reachable = False
    (stop, *_) = parts.desk.checkpoints()
    run_id = parts.desk.start_run(None, [stop])
    defect = {"outcome": "defect", "severity": "1", "note": "gas at the lid"}
    opened(parts, PointPage(parts, run_id, stop), **defect).tap("done")
    parts.desk.submit_run(run_id, Track())

    assert parts.desk.unheard() is Unheard.NOT_SENT


def test_a_crew_that_was_called_is_not_called_again_while_the_visit_lasts(
    parts: RoundParts, tablet: Tablet, town: TownOffice
) -> None:
    home(parts, **LEAK).tap("call")
    town.clock.moment_utc += timedelta(hours=3)
    page = home(parts, notice="refused")
    assert primary(page) == "done"
    page.tap("done")
    assert page.view.is_done
    assert len(told(tablet, town, FactType.ORDER_REQUEST)) == 1
    town.clock.moment_utc += timedelta(hours=2)

    assert primary(home(parts, **LEAK)) == "call", "another visit, another leak"


@pytest.mark.parametrize("hours", [1, 13])
def test_a_danger_with_a_crew_on_its_way_wants_a_word_in_the_next_shift_too(
    parts: RoundParts, town: TownOffice, hours: int
) -> None:
    home(parts, **LEAK).tap("call")
    home(parts, item__pipe_tightness="ok")
    town.clock.moment_utc += timedelta(hours=hours)
    page = home(parts, **ALL_WELL, item__pipe_tightness="ok")

    assert refusal(page).startswith("Say why it is no danger any more")
    page.type("why:pipe_tightness", "soap test holds")
    page.flush()
    assert refusal(page) == ""


def test_a_home_whose_hazard_was_told_a_moment_ago_did_open(
    parts: RoundParts, tablet: Tablet, town: TownOffice
) -> None:
    page = home(parts, **LEAK, notice="refused")
    page.tap("call")
    page.tap("done")
    again = home(parts)
    again.tap("nobody")
    assert not again.view.is_done
    town.clock.moment_utc += timedelta(hours=13)
    later = home(parts)
    later.tap("nobody")

    assert later.view.is_done
    checks = told(tablet, town, FactType.SAFETY_CHECK)
    assert [each["is_no_access"] for each in checks] == [False, True]


def test_a_door_that_nobody_opens_twice_within_the_hour_is_one_attempt(
    parts: RoundParts, tablet: Tablet, town: TownOffice
) -> None:
    for minutes in (0, 1, 70):
        town.clock.moment_utc += timedelta(minutes=minutes)
        home(parts).tap("nobody")

    assert len(told(tablet, town, FactType.SAFETY_CHECK)) == 2
