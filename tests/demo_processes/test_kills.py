"""Power cuts at named points and at random instants: nothing lost, nothing stored twice.

The processes are real: 131 meters on Modbus sockets, gateways, broker, server, database.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from demo.accounting_io import Account, Sent, close_account, look_at_queues, missing_frames
from demo.kills import GATEWAYS, POINTS, Kill, KillDriver
from demo.places import Places
from demo.set_up_io import database_url
from demo.town import Town
from demo.town_run_io import BROKER, SERVER, RunOptions, TownRun
from sync_server.db.engine_io import open_engine
from tests.demo_processes.town_copy import copy_of
from wire_contracts.frames import ms_from_utc

RATE = 900.0
MORE_FRAMES = 500
"""The town goes on for so many frames after its last kill: about an hour of its time."""

DEADLINE_S = 60.0
OPTIONS = RunOptions(rate=RATE, gateway_processes=2)
NAMED = [Kill(who=part, point=point) for point, part in POINTS.items()]
RANDOM_SEED = 20_261_121


@dataclass(frozen=True, slots=True, kw_only=True)
class LivingTown:
    """A running town whose processes are killed, with the moment from which all is counted."""

    run: TownRun
    first_live_ms: int

    def account_after(self, kill: Kill) -> Account:
        """Kill, let the town go on and drain; return what it sent and stored in all its life."""
        engine = open_engine(database_url(self.run.places))
        try:
            before = self.numbered()
            driver = KillDriver(self.run, [kill], time.monotonic())
            driver.start()
            driver.wait()
            after_the_kill = self.numbered()
            assert after_the_kill >= before
            wait_until(lambda: self.numbered() > after_the_kill + MORE_FRAMES)
            sent = self.look()
            wait_until(lambda: missing_frames(engine, sent) == 0)
            return close_account(engine, self.run.places, sent, self.first_live_ms)
        finally:
            engine.dispose()

    def look(self) -> list[Sent]:
        return look_at_queues(
            self.run.places, [str(box.gateway_id) for box in self.run.town.gateways]
        )

    def numbered(self) -> int:
        return sum(each.last_seq for each in self.look())


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for a condition with a deadline; what then is not so fails where it is counted."""
    until = time.monotonic() + DEADLINE_S
    pause = threading.Event()
    while not is_so() and time.monotonic() < until:
        pause.wait(0.1)


@contextmanager
def living(places: Places, town: Town) -> Iterator[LivingTown]:
    with TownRun(places, town, OPTIONS) as run:
        yield LivingTown(run=run, first_live_ms=ms_from_utc(run.clock.now_utc()))


@pytest.fixture(scope="module")
def living_town(
    prepared: Path, tmp_path_factory: pytest.TempPathFactory, town: Town
) -> Iterator[LivingTown]:
    """One town for the kills of every change: each power cut hits what the former ones left."""
    with living(copy_of(prepared, tmp_path_factory.mktemp("kills")), town) as found:
        yield found


def check_nothing_lost(account: Account) -> None:
    assert account.sent > 0
    assert replace(account, readings=0, refused=0) == Account(
        sent=account.sent, stored=account.sent, refused=0, lost=0, duplicated=0, readings=0
    )


@pytest.mark.parametrize("kill", NAMED, ids=[kill.point for kill in NAMED])
def test_a_power_cut_at_a_named_point_loses_and_doubles_nothing(
    kill: Kill, living_town: LivingTown
) -> None:
    check_nothing_lost(living_town.account_after(kill))


def test_a_killed_broker_loses_and_doubles_nothing(living_town: LivingTown) -> None:
    check_nothing_lost(living_town.account_after(Kill(who=BROKER, at_s=1.0)))


@pytest.mark.nightly
@pytest.mark.parametrize("number", range(20))
def test_a_power_cut_at_a_random_instant_loses_and_doubles_nothing(
    number: int, prepared: Path, tmp_path: Path, town: Town
) -> None:
    chance = random.Random(RANDOM_SEED + number)
    who = (BROKER, SERVER, GATEWAYS)[number % 3]
    kill = Kill(who=who, at_s=chance.uniform(0.5, 10.0))

    with living(copy_of(prepared, tmp_path), town) as found:
        check_nothing_lost(found.account_after(kill))
