"""A withdrawal ends no watch over a lone worker and hides no open call for help."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from field_app.orders.lone_watch import HelpCalled, WatchState
from field_app.sync.reasons import Reason
from field_app.tablet import Tablet, open_tablet
from sync_server.sync.review_store import ReviewKind, list_reviews
from tests.field_app.office_parts import Office, serving
from tests.field_app.restore_parts import SteadyClock
from tests.field_app.test_calls_and_clocks import start_watch
from tests.field_app.vault_parts import quick_vault
from tests.field_app.withdrawal_parts import PIN, app_with_keys, files_with, revoke
from wire_contracts.frames import ms_from_utc
from wire_contracts.site_facts import HelpCall, HelpReason, LoneWorkerEvent, WatchEvent


@pytest.fixture
def server(office: Office, tmp_path: Path) -> Iterator[str]:
    with serving(app_with_keys(office, tmp_path / "keys")) as url:
        yield url


@pytest.fixture
def tablet(office: Office, server: str, tmp_path: Path) -> Iterator[Tablet]:
    with closing(opened(office, tmp_path)) as found:
        found.enrol(server, office.code(), "van 3")
        found.sync_now()
        found.set_pin(PIN)
        yield found


def opened(office: Office, tmp_path: Path) -> Tablet:
    folder = tmp_path / "tablet"
    return open_tablet(folder, SteadyClock(office.clock), vault=quick_vault(folder))


ONE_MINUTE_MS = 60_000
"""The machine's own clock may run while the hand's stands."""


def dangers(office: Office) -> int:
    with office.engine.connect() as connection:
        return [each.kind for each in list_reviews(connection)].count(ReviewKind.CREW_DANGER)


def state(tablet: Tablet) -> WatchState:
    return tablet.calls.watch().state


@pytest.mark.parametrize("is_sent", [True, False])
@pytest.mark.parametrize("is_started_anew", [True, False])
def test_a_watch_that_runs_goes_on_and_tells_that_nobody_answers(
    tablet: Tablet, office: Office, tmp_path: Path, *, is_sent: bool, is_started_anew: bool
) -> None:
    start_watch(tablet, office)
    if is_sent:
        tablet.sync_now()
    due_ms = tablet.calls.watch().due_ms or 0
    revoke(office, tablet)
    assert tablet.sync_now().reason is Reason.WITHDRAWN
    if is_started_anew:
        tablet.close()
        tablet = opened(office, tmp_path)

    watch = tablet.calls.watch()
    office.clock.advance(minutes=16)
    late = tablet.calls.report_watch()
    tablet.sync_now()
    overdue = tablet.calls.watch()
    office.clock.advance(minutes=5)
    last = tablet.calls.report_watch()
    again = tablet.calls.report_watch()
    assert (tablet.seconds_until_due() or 0) <= 0, "a withdrawn tablet asks rarely, but not now"
    tablet.sync_now()

    assert watch.state is WatchState.CALM
    assert abs((watch.due_ms or 0) - due_ms) < ONE_MINUTE_MS
    assert (late, last, again) == (WatchEvent.OVERDUE, WatchEvent.ESCALATED, None)
    assert (overdue.state, overdue.is_told) == (WatchState.OVERDUE, True)
    assert (state(tablet), tablet.calls.watch().is_told) == (WatchState.ESCALATED, True)
    assert dangers(office) == 2
    tablet.close()


def test_an_answer_and_the_end_of_the_watch_count_after_a_withdrawal(
    tablet: Tablet, office: Office
) -> None:
    start_watch(tablet, office)
    revoke(office, tablet)
    tablet.sync_now()
    office.clock.advance(minutes=10)
    due_ms = ms_from_utc(office.clock.now_utc() + timedelta(minutes=30))
    tablet.calls.tell_watch(
        LoneWorkerEvent(event=WatchEvent.CONFIRMED, person="Wang", due_ms=due_ms)
    )
    tablet.sync_now()
    office.clock.advance(minutes=20)
    confirmed = (state(tablet), tablet.calls.report_watch())

    tablet.calls.tell_watch(LoneWorkerEvent(event=WatchEvent.ENDED, person="Wang", due_ms=None))
    ended = state(tablet)
    for _ in range(2):
        tablet.sync_now()
        office.clock.advance(hours=1)

    assert confirmed == (WatchState.CALM, None)
    assert (ended, state(tablet), tablet.calls.report_watch()) == (
        WatchState.OFF,
        WatchState.OFF,
        None,
    )
    assert dangers(office) == 0


def test_a_watch_goes_on_over_a_new_enrolment(tablet: Tablet, office: Office, server: str) -> None:
    start_watch(tablet, office)
    revoke(office, tablet)
    tablet.sync_now()
    tablet.enrol(server, office.code(), "van 3")
    tablet.sync_now()

    office.clock.advance(minutes=20)

    assert tablet.calls.report_watch() is WatchEvent.ESCALATED
    tablet.sync_now()
    assert tablet.calls.watch().is_told
    assert dangers(office) == 1


def test_an_open_call_for_help_is_still_shown_and_can_be_ended(
    tablet: Tablet, office: Office
) -> None:
    revoke(office, tablet)
    tablet.calls.call_help(HelpCall(reason=HelpReason.GAS, place="cellar of number 7"))
    tablet.sync_now()
    shown = tablet.calls.help_called()
    call = tablet.calls.open_call()

    assert shown is HelpCalled.TOLD
    assert call is not None
    assert (call.reason, call.place) == (HelpReason.GAS, "")
    tablet.calls.call_help(HelpCall(reason=HelpReason.GAS, place="", is_over=True))
    tablet.sync_now()
    assert tablet.calls.help_called() is HelpCalled.NO


def test_what_is_kept_of_the_watch_names_nobody(
    tablet: Tablet, office: Office, tmp_path: Path
) -> None:
    start_watch(tablet, office)
    tablet.calls.call_help(HelpCall(reason=HelpReason.GAS, place="well 7", latitude_deg=41.8125))
    revoke(office, tablet)
    tablet.sync_now()

    for words in ("Wang", "well 7", "41.8125"):
        assert files_with(tmp_path / "tablet", words) == []
