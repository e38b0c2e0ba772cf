"""A tap's time since the last contact: right in one boot, and not certain after a restart."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from field_app.store.lease import LeaseClock, since_contact
from field_app.tablet import Tablet, open_tablet
from sync_server.work_orders.fact_store import facts_of_order
from sync_server.work_orders.order import Fact
from tests.field_app.office_parts import Office, office_app, serving
from tests.field_app.restore_parts import take_steps
from tests.field_app.test_crew_words import stands, turn
from tests.field_app.vault_parts import quick_vault
from tests.sync_server.real_parts import NOON, HandClock
from wire_contracts.operations import DeviceTime
from wire_contracts.quantities import Medium
from wire_contracts.site_facts import ValveAction

NOON_MS = 1_795_000_000_000
HOUR_MS = 3_600_000
CONTACT = LeaseClock(server_ms=NOON_MS, mono_ms=1000, boot_id="b")


@given(
    passed_ms=st.integers(0, 72 * HOUR_MS),
    set_by_ms=st.integers(-400 * 24 * HOUR_MS, 400 * 24 * HOUR_MS),
    off_ms=st.integers(-5 * HOUR_MS, 5 * HOUR_MS),
)
def test_whoever_sets_the_wall_clock_in_one_boot_moves_no_tap(
    passed_ms: int, set_by_ms: int, off_ms: int
) -> None:
    wall_ms = NOON_MS - off_ms + passed_ms + set_by_ms
    at = DeviceTime(wall_ms=wall_ms, mono_ms=1000 + passed_ms, boot_id="b", offset_ms=off_ms)

    told = since_contact(CONTACT, at, counts_sleep=True)

    assert abs(told.wall_ms + told.offset_ms - (NOON_MS + passed_ms)) <= 120_000
    assert replace(told, offset_ms=off_ms) == at
    assert since_contact(CONTACT, at, counts_sleep=False) == at, "a clock that rests tells nothing"
    other = replace(at, boot_id="another")
    assert since_contact(CONTACT, other, counts_sleep=True) == replace(other, is_restarted=True)


@dataclass(slots=True)
class SetClock:
    """A wall clock that somebody sets, beside the one of the boot."""

    hand: HandClock
    off: timedelta = timedelta(0)

    def now_utc(self) -> datetime:
        return self.hand.now_utc() + self.off

    def wall_seconds(self, seconds: float) -> float:
        return seconds

    def elapsed_s(self) -> float:
        return (self.hand.now_utc() - NOON).total_seconds() + 100.0


@pytest.fixture
def url(office: Office) -> Iterator[str]:
    with serving(office_app(office)) as found:
        yield found


def tablet_of(folder: Path, name: str, clock: SetClock) -> Tablet:
    return open_tablet(folder / name, clock, vault=quick_vault(folder / f"{name}-key"))


def sync(office: Office, *tablets: Tablet) -> None:
    for tablet in tablets:
        office.clock.advance(minutes=1)
        tablet.sync_now()


def shut_by(tablet: Tablet, colleague: Tablet, office: Office, url: str) -> str:
    """Return an order whose valve one tablet of a crew has shut; both have heard of it."""
    order_id = office.new_order(Medium.WATER)
    tablet.enrol(url, office.code("crew-1"), "mate")
    colleague.enrol(url, office.code("crew-1"), "van 3")
    sync(office, tablet, colleague)
    take_steps(tablet, order_id, "accept", "depart", "arrive", "begin")
    turn(tablet, order_id, ValveAction.CLOSED)
    sync(office, tablet, colleague)
    return order_id


def newest(office: Office, order_id: str) -> Fact:
    with office.engine.connect() as connection:
        facts = facts_of_order(connection, order_id)
    return max(facts, key=lambda each: each.received_at_utc)


def test_a_clock_that_was_set_since_the_contact_opens_no_valve_that_was_closed_later(
    office: Office, tmp_path: Path, url: str
) -> None:
    clock, true = SetClock(office.clock), SetClock(office.clock)
    with (
        closing(tablet_of(tmp_path, "one", true)) as one,
        closing(tablet_of(tmp_path, "mate", clock)) as mate,
    ):
        order_id = shut_by(mate, one, office, url)
        clock.off = timedelta(hours=1)
        opened_utc = office.clock.now_utc()
        turn(mate, order_id, ValveAction.REOPENED)
        office.clock.advance(minutes=20)
        turn(one, order_id, ValveAction.CLOSED)
        sync(office, one)
        office.clock.advance(hours=2)
        sync(office, mate, one, mate)

        told = newest(office, order_id)
        assert (told.happened_at_utc, told.is_time_doubtful) == (opened_utc, False)
        assert stands(one, order_id) == stands(mate, order_id) == (1, False)


def test_a_valve_that_was_closed_after_a_restart_is_closed_wherever_the_clock_stood(
    office: Office, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SetClock(office.clock)
    with closing(tablet_of(tmp_path, "one", SetClock(office.clock))) as one:
        with closing(tablet_of(tmp_path, "mate", clock)) as mate:
            order_id = shut_by(mate, one, office, url)
        office.clock.advance(minutes=60)
        turn(one, order_id, ValveAction.REOPENED)
        sync(office, one)
        office.clock.advance(minutes=10)
        clock.off = timedelta(minutes=-30)
        monkeypatch.setattr("field_app.clock_io.read_boot_id", lambda: "another boot")
        with closing(tablet_of(tmp_path, "mate", clock)) as mate:
            turn(mate, order_id, ValveAction.CLOSED)
            office.clock.advance(minutes=20)
            sync(office, mate, one, mate)

            assert newest(office, order_id).is_time_doubtful
            assert stands(one, order_id) == stands(mate, order_id) == (1, False)
            turn(mate, order_id, ValveAction.REOPENED)
            sync(office, mate, one)
            assert stands(one, order_id) == stands(mate, order_id) == (0, False)
