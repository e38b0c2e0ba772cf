"""What calls: urgent orders, help, the watch over who works alone."""

from datetime import timedelta

import pytest

from field_app.platform.ports import Fix, Sound
from tests.field_app_ui.conftest import Field
from tests.field_app_ui.inspection_parts import Hands
from tests.field_app_ui.scenes import choose
from tests.field_app_ui.site_flow_parts import facts, site_hands
from tests.field_app_ui.town_office import (
    make_order,
    order_id,
)
from wire_contracts.orders import SafetyClass


@pytest.fixture
def hands(crew: Field) -> Hands:
    """Return the ports of the tablet; its orders and the network have their places."""
    return site_hands(crew)


@pytest.mark.both_languages
def test_an_urgent_order_calls_until_somebody_has_seen_it(crew: Field, hands: Hands) -> None:
    crew.office.orders = [make_order(0), make_order(4, safety_class=SafetyClass.A)]
    ui = crew.switch_on()
    assert ui.get("AlarmBanner").view.order_id == order_id(4)
    assert hands.buzzer.sounds == [Sound.URGENT]
    ui.pump(300)
    assert len(hands.buzzer.sounds) > 1, "again, until somebody answers"
    ui.tap_hint("alarm-answer")
    ui.settle()
    heard = len(hands.buzzer.sounds)
    ui.pump(300)
    assert ui.all("AlarmBanner") == []
    assert len(hands.buzzer.sounds) == heard
    crew.switch_off()
    ui = crew.switch_on()

    assert ui.all("AlarmBanner") == [], "it was seen; a restart does not call again"


def test_who_works_alone_is_asked_and_the_control_room_is_told(crew: Field, hands: Hands) -> None:
    del hands
    ui = crew.switch_on()
    ui.tap_hint("help")
    ui.settle()
    ui.tap_hint("30")
    ui.tap_hint("primary")
    ui.settle()
    crew.clock.moment_utc += timedelta(minutes=31)
    ui.app.navigator.tick()
    ui.settle()
    assert ui.get("AlarmBanner").view.order_id == ""
    crew.clock.moment_utc += timedelta(minutes=4)
    ui.app.navigator.tick()
    ui.settle()
    ui.tap_hint("alarm-answer")
    ui.settle()

    events = [each["event"] for each in facts(crew, "lone_worker")]
    assert events == ["started", "overdue", "escalated", "confirmed"]
    assert ui.all("AlarmBanner") == []


def test_a_call_for_help_needs_two_taps_and_says_where(crew: Field, hands: Hands) -> None:
    hands.locator.here = Fix(latitude_deg=38.001, longitude_deg=114.502, accuracy_m=8.0)
    ui = crew.switch_on()
    ui.tap_hint("help")
    ui.settle()
    choose(ui, "reason", "gas")
    ui.tap_hint("primary")
    assert facts(crew, "help_call") == []
    ui.tap_hint("primary")
    ui.settle()

    told = facts(crew, "help_call")
    assert [(each["reason"], each["lat_deg"], each["is_over"]) for each in told] == [
        ("gas", 38.001, False)
    ]


def test_where_one_is_goes_with_the_call_and_a_panicking_third_tap_is_no_all_clear(
    crew: Field, hands: Hands
) -> None:
    del hands
    ui = crew.switch_on()
    ui.tap_hint("help")
    ui.settle()
    ui.tap_hint("15")
    ui.tap_hint("primary")
    ui.settle()
    choose(ui, "reason", "injury")
    ui.tap_hint("place")
    ui.type("Well 14")
    ui.settle()
    for _ in range(4):
        ui.tap_hint("primary")
        ui.settle()
    ui.tap_hint("secondary")
    ui.settle()

    told = facts(crew, "help_call")
    assert [(each["reason"], each["place"], each["is_over"]) for each in told] == [
        ("injury", "Well 14", False),
        ("injury", "Well 14", False),
    ]
    assert [each["event"] for each in facts(crew, "lone_worker")] == ["started"]
    assert f"{crew.says('Somebody is hurt')}  ·  Well 14" in ui.texts(anywhere=True)
    ui.tap_hint("end")
    ui.settle()
    ui.tap_hint("30")
    ui.tap_hint("primary")
    ui.settle()
    choose(ui, "reason", "gas")
    ui.tap_hint("primary")
    ui.tap_hint("primary")
    ui.settle()
    events = [(each["event"], each["place"]) for each in facts(crew, "lone_worker")]
    assert events[1:] == [("ended", ""), ("started", "")], "a watch begins and ends beside a call"
    assert facts(crew, "help_call")[-1]["place"] == "Well 14", "the place stands until help is here"


def test_whoever_finds_a_locked_tablet_ends_nobodys_call(crew: Field, hands: Hands) -> None:
    del hands
    ui = crew.switch_on()
    assert crew.tablet is not None
    crew.tablet.set_pin("285170")
    ui.tap_hint("help")
    ui.settle()
    choose(ui, "reason", "injury")
    ui.tap_hint("primary")
    ui.tap_hint("primary")
    ui.settle()
    crew.tablet.lock()
    ui.app.navigator.tick()
    ui.settle()
    ui.tap_hint("help")
    ui.settle()
    assert ui.get("SheetScreen").view.secondary is None
    ui.get("SheetScreen").presenter.tap("over")
    ui.settle()

    assert crew.says("That help is here is said after the PIN.") in ui.texts(anywhere=True)
    assert [each["is_over"] for each in facts(crew, "help_call")] == [False]


@pytest.mark.both_languages
def test_a_call_that_nobody_has_heard_says_so(crew: Field, hands: Hands) -> None:
    del hands
    ui = crew.switch_on()
    crew.office.is_reachable = False
    ui.tap_hint("help")
    ui.settle()
    choose(ui, "reason", "gas")
    ui.tap_hint("primary")
    ui.tap_hint("primary")
    ui.settle()
    unheard = "Not sent yet: nobody knows. Call by telephone, or go where there is a network."
    heard = "The control room has your call for help."
    assert crew.says(unheard) in ui.texts(anywhere=True)
    assert crew.says(heard) not in ui.texts(anywhere=True)

    crew.office.is_reachable = True
    assert len(facts(crew, "help_call")) == 1
    ui.app.navigator.tick()
    ui.settle()
    assert crew.says(heard) in ui.texts(anywhere=True)


@pytest.mark.both_languages
def test_a_call_or_a_watch_that_the_server_refused_says_that_nobody_knows(
    crew: Field, hands: Hands
) -> None:
    del hands
    crew.office.refuses = frozenset({"help_call", "lone_worker"})
    ui = crew.switch_on()
    ui.tap_hint("help")
    ui.settle()
    choose(ui, "interval", "15")
    ui.tap_hint("primary")
    ui.settle()
    choose(ui, "reason", "gas")
    ui.tap_hint("primary")
    ui.tap_hint("primary")
    ui.settle()
    facts(crew, "help_call")
    ui.app.navigator.tick()
    ui.settle()
    ui.screenshot(f"help-refused-{crew.language}")

    call = "Not received: the server refused it, nobody knows. Call by telephone now."
    watch = "The server refused this watch: nobody watches. Tell somebody by telephone."
    assert {crew.says(call), crew.says(watch)} <= set(ui.texts(anywhere=True))
    crew.clock.moment_utc += timedelta(minutes=16)
    ui.app.navigator.tick()
    ui.settle()
    late = "Answer now. Not received: the control room does not know. Call by telephone."
    facts(crew, "lone_worker")
    ui.app.navigator.tick()
    ui.settle()
    assert ui.get("SheetScreen").view.primary.key == "confirm"
    assert crew.says(late) in ui.texts(anywhere=True)
    assert [each["event"] for each in facts(crew, "lone_worker")] == ["started", "overdue"]


@pytest.mark.both_languages
def test_the_page_of_help_says_whose_watch_it_is(crew: Field, hands: Hands) -> None:
    del hands
    ui = crew.switch_on()
    ui.tap_hint("help")
    ui.settle()
    choose(ui, "interval", "15")
    ui.tap_hint("primary")
    ui.settle()
    ui.back()
    assert crew.tablet is not None
    assert crew.tablet.choose_person("anna")
    crew.clock.moment_utc += timedelta(minutes=14)
    ui.app.navigator.tick()
    ui.settle()
    ui.tap_hint("help")
    ui.settle()
    texts = ui.texts(anywhere=True)
    ui.screenshot(f"help-another-{crew.language}")

    assert crew.says("{person} works alone", person="李伟") in texts
    assert crew.says("Is {person} all right? Answer within", person="李伟") in texts
    assert crew.says("I work alone") not in texts
    primary = ui.get("SheetScreen").view.primary
    assert primary.text == crew.says("{person} is all right", person="李伟")


@pytest.mark.both_languages
def test_who_works_alone_is_asked_on_a_tablet_that_has_locked_itself(
    crew: Field, hands: Hands
) -> None:
    del hands
    ui = crew.switch_on()
    assert crew.tablet is not None
    crew.tablet.set_pin("285170")
    ui.tap_hint("help")
    ui.settle()
    ui.tap_hint("15")
    ui.tap_hint("primary")
    ui.settle()
    crew.tablet.lock()
    crew.clock.moment_utc += timedelta(minutes=13, seconds=30)
    ui.app.navigator.tick()
    ui.settle()
    assert ui.all("LogInScreen")
    assert ui.get("AlarmBanner").view.text == crew.says("Are you all right?")
    ui.tap_hint("help")
    ui.settle()
    assert ui.get("SheetScreen").view.primary.key == "confirm", "help is called without a PIN"
    assert ui.back()
    ui.settle()
    ui.tap_hint("alarm-answer")
    ui.settle()

    assert [each["event"] for each in facts(crew, "lone_worker")] == ["started", "confirmed"]
    assert not ui.all("AlarmBanner")
    assert ui.all("LogInScreen"), "everything else waits for the PIN"


def test_a_watch_is_over_the_person_who_began_it_whoever_holds_the_tablet(
    crew: Field, hands: Hands
) -> None:
    del hands
    ui = crew.switch_on()
    ui.tap_hint("help")
    ui.settle()
    ui.tap_hint("30")
    ui.tap_hint("primary")
    ui.settle()
    assert crew.tablet is not None
    assert crew.tablet.choose_person("anna")
    crew.clock.moment_utc += timedelta(minutes=34)
    ui.app.navigator.tick()
    ui.settle()
    banner = ui.get("AlarmBanner").view
    ui.tap_hint("alarm-answer")
    ui.settle()

    assert banner.text == crew.says("Is {person} all right?", person="李伟")
    told = facts(crew, "lone_worker")
    assert [each["event"] for each in told] == ["started", "escalated", "confirmed"]
    assert {each["person"] for each in told} == {"李伟"}
