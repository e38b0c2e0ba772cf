"""A wall clock that is put right ends no watch over a lone worker and hides no call for help."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from field_app.orders.lone_watch import HelpCalled, WatchState
from field_app.tablet import Tablet, open_tablet
from tests.field_app.office_parts import Office, office_app, serving
from wire_contracts.frames import ms_from_utc
from wire_contracts.site_facts import HelpCall, HelpReason, LoneWorkerEvent, WatchEvent


@pytest.fixture
def tablet(office: Office, tmp_path: Path) -> Iterator[Tablet]:
    with (
        serving(office_app(office)) as url,
        closing(open_tablet(tmp_path / "tablet", office.clock)) as found,
    ):
        found.enrol(url, office.code(), "van 3")
        yield found


def start_watch(tablet: Tablet, office: Office) -> None:
    due_ms = ms_from_utc(office.clock.now_utc() + timedelta(minutes=15))
    started = LoneWorkerEvent(
        event=WatchEvent.STARTED, person="Wang", due_ms=due_ms, place="well 7"
    )
    tablet.calls.tell_watch(started)


@pytest.mark.parametrize("days", [2, -2])
def test_a_clock_that_is_put_right_by_days_ends_no_watch(
    tablet: Tablet, office: Office, days: int
) -> None:
    start_watch(tablet, office)

    office.clock.advance(days=days)

    state = tablet.calls.watch().state
    assert state is (WatchState.ESCALATED if days > 0 else WatchState.CALM)
    assert tablet.calls.report_watch() is (WatchEvent.ESCALATED if days > 0 else None)


@pytest.mark.parametrize("days", [2, -2])
def test_a_call_that_nobody_heard_stays_open_whatever_the_clock_says(
    tablet: Tablet, office: Office, days: int
) -> None:
    tablet.calls.call_help(HelpCall(reason=HelpReason.CREW, place="well 7"))

    office.clock.advance(days=days)

    assert tablet.calls.help_called() is HelpCalled.NOT_SENT
    tablet.sync_now()
    assert tablet.calls.help_called() is HelpCalled.TOLD


def test_an_ended_watch_stays_ended(tablet: Tablet, office: Office) -> None:
    start_watch(tablet, office)
    tablet.calls.tell_watch(LoneWorkerEvent(event=WatchEvent.ENDED, person="Wang", due_ms=None))

    office.clock.advance(days=2)

    assert tablet.calls.watch().state is WatchState.OFF


@pytest.mark.parametrize("away", [timedelta(hours=19), timedelta(days=3), timedelta(days=-1)])
def test_a_watch_that_nobody_ended_is_escalated_after_a_restart_and_then_ends(
    tablet: Tablet, office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, away: timedelta
) -> None:
    start_watch(tablet, office)
    tablet.close()
    monkeypatch.setattr("field_app.clock_io.read_boot_id", lambda: "second boot")
    office.clock.advance(seconds=away.total_seconds())
    with closing(open_tablet(tmp_path / "tablet", office.clock)) as started:
        assert started.calls.watch().state is WatchState.ESCALATED
        assert started.calls.report_watch() is WatchEvent.ESCALATED
    monkeypatch.setattr("field_app.clock_io.read_boot_id", lambda: "third boot")
    office.clock.advance(hours=19)
    with closing(open_tablet(tmp_path / "tablet", office.clock)) as started:
        assert started.calls.watch().state is WatchState.ESCALATED, "nobody has heard it"
        started.sync_now()
        assert started.calls.watch().state is WatchState.OFF
