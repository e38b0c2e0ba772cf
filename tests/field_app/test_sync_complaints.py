"""What ends other field apps, each complaint by its number (sync spec 2), on a real tablet."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import Connection

from field_app.crew import HeadlessCrew
from field_app.i18n import ChosenWords
from field_app.platform.desktop import desktop_hardware
from field_app.presenters.ports import InlineWorker, PresenterContext
from field_app.presenters.sync import SyncPresenter
from field_app.presenters.views import SyncView
from field_app.store import settings_store
from field_app.store.base_store import count_rows
from field_app.store.settings_store import Key
from field_app.sync.client_io import HttpSyncApi
from field_app.sync.pulling import pull_round
from field_app.sync.reasons import FIRST_WAIT_S, IDLE_WAIT_S, Reason, SyncProblem
from field_app.sync.sync_store import PullProgress, load_progress, note_progress
from field_app.sync.turns_io import TURN_WALL_S, is_others_turn
from sync_server.db.change_store import Publication, crew_bucket, publish
from tests.field_app.office_parts import BadNetwork, Fate, Office, office_app, serving
from tests.sync_server.real_parts import HandClock
from wire_contracts.frames import ms_from_utc
from wire_contracts.operations import PushAnswer, WrittenPush
from wire_contracts.pulls import PullAnswer
from wire_contracts.sync import SyncApi

T = TypeVar("T")

WALL_S = HandClock().wall_seconds(1.0)
"""Wall seconds in a second of the tests' clock."""


def test_2_after_a_network_error_the_tap_is_still_there_to_push(
    crew: HeadlessCrew, office: Office, network: BadNetwork
) -> None:
    order_id = office.new_order()
    crew.sync_now()
    crew.accept(order_id)
    network.fates = iter([Fate.WELL, Fate.ANSWER_LOST])
    failed = crew.sync_now()

    assert (failed.reason, crew.status().outbox.waiting) == (Reason.NO_NETWORK, 1)
    assert crew.sync_now().reason is Reason.NONE
    assert crew.status().outbox.waiting == 0


def test_3_the_next_try_is_in_the_file_and_outlives_the_app(
    crew: HeadlessCrew, office: Office, network: BadNetwork, tmp_path: Path
) -> None:
    network.fates = iter([Fate.REQUEST_LOST])
    crew.sync_now()
    due_s = crew.tablet.seconds_until_due()
    crew.close()
    again = HeadlessCrew(tmp_path / "tablet", office.clock, connect=lambda _identity: network)
    later_s = again.tablet.seconds_until_due()
    office.clock.at_utc += timedelta(seconds=FIRST_WAIT_S / WALL_S)
    at_last_s = again.tablet.seconds_until_due()
    again.close()

    assert due_s == later_s == pytest.approx(FIRST_WAIT_S)
    assert at_last_s == 0.0


def test_11_another_process_at_work_is_waited_for_and_a_dead_one_is_not(
    crew: HeadlessCrew, office: Office
) -> None:
    until_ms = ms_from_utc(office.clock.now_utc() + timedelta(seconds=(TURN_WALL_S - 1) / WALL_S))
    sleeper = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    _hold_turn(crew, sleeper.pid, until_ms)
    refused, wait_s = crew.sync_now(), crew.tablet.seconds_until_due()
    tries = crew.status().failed_tries
    sleeper.communicate(b"\n")
    taken = crew.sync_now()

    assert "another process" in refused.detail
    assert wait_s is not None
    assert wait_s > 0
    assert tries == 0
    assert (taken.reason, taken.detail) == (Reason.NONE, "")


@pytest.mark.parametrize("ahead_s", [-1.0, 10 * TURN_WALL_S])
def test_11_a_turn_that_is_over_or_of_a_clock_set_back_stops_nobody(
    crew: HeadlessCrew, office: Office, ahead_s: float
) -> None:
    until_ms = ms_from_utc(office.clock.now_utc() + timedelta(seconds=ahead_s / WALL_S))
    _hold_turn(crew, 1, until_ms)

    assert crew.sync_now().reason is Reason.NONE
    assert not crew.tablet.database.read(
        lambda connection: is_others_turn(connection, office.clock)
    )


def _hold_turn(crew: HeadlessCrew, pid: int, until_ms: int) -> None:
    def work(connection: Connection) -> None:
        settings_store.save(connection, Key.SYNC_TURN, f"{pid} {until_ms}")

    crew.tablet.database.write(work)


def thing(number: int) -> Publication:
    return Publication(
        entity="asset",
        entity_id=f"a-{number:02d}",
        document={"number": number},
        buckets=frozenset({crew_bucket("crew-1")}),
    )


class Pages:
    """Makes the server's pages small, and breaks the line after some of them."""

    def __init__(self, api: SyncApi) -> None:
        self._api = api
        self.left = 1000
        self.tokens: list[str | None] = []

    def pull(self, token: str | None, limit: int) -> PullAnswer:
        del limit
        self.tokens.append(token)
        self.left -= 1
        if self.left < 0:
            raise ConnectionResetError
        return self._api.pull(token, 5)

    def push(self, push: WrittenPush) -> PushAnswer:
        return self._api.push(push)


def test_13_a_first_pull_goes_on_where_the_line_broke_and_says_how_far_it_is(
    crew: HeadlessCrew, office: Office, tmp_path: Path
) -> None:
    crew.close()
    for number in range(30):
        with office.engine.begin() as connection:
            publish(connection, thing(number), office.clock.now_utc())
    pages = Pages(office.api())
    tablet = HeadlessCrew(tmp_path / "tablet", office.clock, connect=lambda _identity: pages)
    pages.left = 3
    with pytest.raises(ConnectionResetError):
        tablet.sync_now()
    half = tablet.tablet.database.read(load_progress)
    kept = tablet.tablet.database.read(count_rows)
    asked_before = list(pages.tokens)
    pages.left = 1000
    verdict = tablet.sync_now()
    whole = tablet.tablet.database.read(load_progress)
    rows = tablet.tablet.database.read(count_rows)
    tablet.close()

    assert isinstance(half, PullProgress)
    assert 0 < half.rows < half.total
    assert 0 < kept < rows
    assert rows >= 30
    assert pages.tokens[len(asked_before)] not in asked_before[:-1]
    assert (verdict.reason, whole) == (Reason.NONE, None)


def test_13_what_came_over_the_network_is_counted_as_it_came_and_over_the_break(
    office: Office, tmp_path: Path
) -> None:
    for number in range(1200):
        with office.engine.begin() as connection:
            publish(connection, thing(number), office.clock.now_utc())
    told: list[int] = []
    with serving(office_app(office)) as url:
        for _ in range(2):
            tablet = HeadlessCrew(tmp_path / "tablet", office.clock)
            if not tablet.is_enrolled:
                tablet.enrol(url, office.code())
            pull_one_page(tablet)
            progress = tablet.tablet.database.read(load_progress)
            assert progress is not None
            told.append(progress.received_bytes)
            tablet.close()

    assert 1000 < told[0] < told[1] < 60_000, "deflated, as it came"


def pull_one_page(tablet: HeadlessCrew) -> None:
    """Take one page, then lose the network."""
    identity = tablet.tablet.identity
    assert identity is not None
    api = HttpSyncApi(identity.server_url, identity.token)
    with closing(api), pytest.raises(SyncProblem):
        pull_round(tablet.tablet.database, OnePage(api), tablet.tablet._clock)


class OnePage:
    """A way that breaks after the first page."""

    def __init__(self, api: HttpSyncApi) -> None:
        self._api = api
        self._left = 1

    @property
    def received_bytes(self) -> int:
        return self._api.received_bytes

    def pull(self, token: str | None, limit: int) -> PullAnswer:
        self._left -= 1
        if self._left < 0:
            raise SyncProblem(Reason.NO_NETWORK, "lost")
        return self._api.pull(token, limit)

    def push(self, push: WrittenPush) -> PushAnswer:
        return self._api.push(push)


def test_14_an_idle_sync_is_one_request(crew: HeadlessCrew, office: Office, tmp_path: Path) -> None:
    crew.close()
    pages = Pages(office.api())
    tablet = HeadlessCrew(tmp_path / "tablet", office.clock, connect=lambda _identity: pages)
    tablet.sync_now()
    before = len(pages.tokens)
    tablet.sync_now()
    due_s = tablet.tablet.seconds_until_due()
    tablet.close()

    assert len(pages.tokens) == before + 1
    assert due_s == pytest.approx(IDLE_WAIT_S)


def test_17_one_switch_and_one_reason_why_nothing_is_sent(
    crew: HeadlessCrew, office: Office
) -> None:
    order_id = office.new_order()
    crew.sync_now()
    crew.go_offline()
    crew.accept(order_id)
    off = crew.sync_now()
    crew.go_online()
    on = crew.sync_now()

    assert (off.reason, on.reason) == (Reason.SWITCHED_OFF, Reason.NONE)
    assert on.settled == 1


class Later:
    """A worker that only collects what a presenter wants to have done."""

    def __init__(self) -> None:
        self.jobs: list[Callable[[], object]] = []

    def run(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        self.jobs.append(lambda: done(work()))

    def keep(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        self.run(work, done)

    def later(self, delay_s: float, call: Callable[[], None]) -> Callable[[], None]:
        del delay_s
        return call


def test_no_tap_on_the_sync_page_does_anything_on_the_screens_thread(
    crew: HeadlessCrew, office: Office
) -> None:
    worker = Later()
    context = PresenterContext(worker=worker, words=ChosenWords("en"), clock=office.clock, zone=UTC)
    crew.sync_now()
    before = crew.status()
    presenter = SyncPresenter(crew.tablet, context, desktop_hardware(crew.tablet.vault))
    shown: list[SyncView] = []
    presenter.attach(shown.append)
    for tap in (
        presenter.sync_now,
        presenter.try_held_again,
        lambda: presenter.set_online(False),
        lambda: presenter.mark_seen("nothing"),
        presenter.refresh,
    ):
        tap()

    assert len(worker.jobs) == 6
    assert (crew.status(), len(shown)) == (before, 1)
    for job in worker.jobs:
        job()
    assert crew.status().is_switched_off


def test_the_progress_of_a_long_pull_is_on_the_sync_page(
    crew: HeadlessCrew, office: Office
) -> None:
    crew.sync_now()
    context = PresenterContext(
        worker=InlineWorker(), words=ChosenWords("zh_CN"), clock=office.clock, zone=UTC
    )
    crew.tablet.database.write(
        lambda connection: note_progress(
            connection, PullProgress(rows=1500, total=10_000, received_bytes=2_400_000)
        )
    )
    presenter = SyncPresenter(crew.tablet, context, desktop_hardware(crew.tablet.vault))
    presenter.attach(lambda _view: None)

    assert presenter.view.next_try_text == "已加载 1500 / 10000 条 · 已接收 2.4 MB"
