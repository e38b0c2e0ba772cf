"""A form that is refused comes back as it was sent; one that was taken comes back empty."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Browser, expect

from tests.sync_server.web.browser_parts import Colleague
from tests.sync_server.web.desk_parts import PASSWORD, Served


@pytest.fixture
def person(browser: Browser, desk: Served) -> Iterator[Colleague]:
    with closing(Colleague(browser, desk, "zhou min", "en")) as found:
        yield found


def test_what_was_typed_is_there_again_after_a_refusal_and_gone_once_it_is_saved(
    person: Colleague,
) -> None:
    person.go("/paper")
    person.page.eval_on_selector_all("[required]", "all => all.forEach(e => e.required = false)")
    person.fill("[name=words]", "gas in the kitchen")
    person.choose("[name=request_class]", "no_gas")
    person.send("form[action='/paper'] button")
    expect(person.see("main")).to_contain_text("This was not saved")
    person.send("[data-back]")
    expect(person.see("[name=words]")).to_have_value("gas in the kitchen")
    expect(person.see("[name=request_class]")).to_have_value("no_gas")

    person.go("/delegations")
    person.fill("[name=contact]", "extension 12")
    person.fill("[name=from_at]", "2026-12-02T08:00")
    person.fill("[name=to_at]", "2026-12-01T08:00")
    person.send("form[action='/delegations'] button")
    expect(person.see("main .err")).to_be_visible()
    expect(person.see("[name=contact]")).to_have_value("extension 12")
    person.fill("[name=to_at]", "2026-12-03T08:00")
    person.send("form[action='/delegations'] button")
    expect(person.row("extension 12")).to_be_visible()
    expect(person.see("[name=contact]")).to_have_value("")

    assert person.taken_problems() == []


def test_a_form_that_met_an_ended_session_comes_back_after_the_log_in(person: Colleague) -> None:
    person.go("/shift?desk=control_room")
    person.fill("[name=text]", "valve WL-004 is closed")
    person.post("/logout", {})
    person.send("form[action$='/entry'] button")
    expect(person.see("main")).to_contain_text("You are logged out")
    person.send("a.btn")
    person.fill("#login", "zhou min")
    person.fill("#password", PASSWORD)
    person.send("form[action='/login'] button")
    expect(person.see("[name=text]")).to_have_value("valve WL-004 is closed")
    person.send("form[action$='/entry'] button")
    expect(person.see("main")).to_contain_text("valve WL-004 is closed")
    expect(person.see("[name=text]")).to_have_value("")

    assert person.taken_problems() == []
