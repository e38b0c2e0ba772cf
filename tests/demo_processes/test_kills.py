"""Power cuts at named points and at random instants: nothing lost, nothing stored twice.

The processes are real: 131 meters on Modbus sockets, gateways, broker, server, database.
"""

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from demo.accounting_io import Account, close_account, look_at_queues, missing_frames
from demo.kills import GATEWAYS, POINTS, Kill, KillDriver
from demo.places import Places
from demo.set_up_io import database_url
from demo.town import Town
from demo.town_run_io import BROKER, SERVER, RunOptions, TownRun
from sync_server.db.engine_io import open_engine
from wire_contracts.frames import ms_from_utc

RATE = 900.0
MORE_FRAMES = 1000
"""The town goes on for so many frames after its last kill: about two hours of its time."""

DEADLINE_S = 60.0
OPTIONS = RunOptions(rate=RATE, gateway_processes=2)
NAMED = [Kill(who=part, point=point) for point, part in POINTS.items()]
RANDOM_SEED = 20_261_121


def numbered(places: Places, ids: Sequence[str]) -> int:
    return sum(each.last_seq for each in look_at_queues(places, ids))


def wait_until(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + DEADLINE_S
    pause = threading.Event()
    while not is_so() and time.monotonic() < until:
        pause.wait(0.2)


def account_after(places: Places, town: Town, kills: list[Kill]) -> Account:
    """Run the town under the kills, let it drain, and return what was sent and stored."""
    with TownRun(places, town, OPTIONS) as run:
        first_live_ms = ms_from_utc(run.clock.now_utc())
        driver = KillDriver(run, kills, time.monotonic())
        driver.start()
        driver.wait()
        driver.finish()
        ids = [str(box.gateway_id) for box in town.gateways]
        after_the_kill = numbered(places, ids)
        wait_until(lambda: numbered(places, ids) > after_the_kill + MORE_FRAMES)
        engine = open_engine(database_url(places))
        try:
            sent = look_at_queues(places, ids)
            wait_until(lambda: missing_frames(engine, sent) == 0)
            return close_account(engine, places, sent, first_live_ms)
        finally:
            engine.dispose()


def check_nothing_lost(account: Account) -> None:
    assert account.sent > 0
    assert replace(account, readings=0, refused=0) == Account(
        sent=account.sent, stored=account.sent, refused=0, lost=0, duplicated=0, readings=0
    )


@pytest.mark.parametrize("kill", NAMED, ids=[kill.point for kill in NAMED])
def test_a_power_cut_at_a_named_point_loses_and_doubles_nothing(
    kill: Kill, fresh_town: Callable[[], Places], town: Town
) -> None:
    check_nothing_lost(account_after(fresh_town(), town, [kill]))


def test_a_killed_broker_loses_and_doubles_nothing(
    fresh_town: Callable[[], Places], town: Town
) -> None:
    check_nothing_lost(account_after(fresh_town(), town, [Kill(who=BROKER, at_s=3.0)]))


@pytest.mark.nightly
@pytest.mark.parametrize("number", range(20))
def test_a_power_cut_at_a_random_instant_loses_and_doubles_nothing(
    number: int, fresh_town: Callable[[], Places], town: Town
) -> None:
    chance = random.Random(RANDOM_SEED + number)
    who = (BROKER, SERVER, GATEWAYS)[number % 3]
    kill = Kill(who=who, at_s=chance.uniform(0.5, 10.0))

    check_nothing_lost(account_after(fresh_town(), town, [kill]))
