"""Outages of a simulated day with kills at random instants: nothing lost, nothing stored twice."""

import random
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.edge_gateway.outage_rig import Account, OutageTown

SEED = 20_260_301
DAY_S = 86_400.0
PARTS = ("broker", "server", "gateway")
CHANCES = (1, 1, 3)
"""How often each of them is killed: the gateway most of all."""


def live_through(town: OutageTown, outages: Sequence[tuple[float, float, str]], kills: int) -> None:
    """Let a simulated day pass.

    Args:
        town: What lives through it.
        outages: Begin and end as shares of the day, and what is away.
        kills: So many SIGKILLs at random instants of the day.
    """
    chance = random.Random(SEED + kills)
    day_s = town.clock.wall_seconds(DAY_S)
    steps = [(begin * day_s, "end", part) for begin, _, part in outages]
    steps += [(end * day_s, "start", part) for _, end, part in outages]
    steps += [
        (chance.uniform(0, day_s), "kill", chance.choices(PARTS, CHANCES)[0]) for _ in range(kills)
    ]
    started_s = time.monotonic()
    pause = threading.Event()
    for at_s, what, part in sorted(steps):
        pause.wait(max(0.0, started_s + at_s - time.monotonic()))
        getattr(town, what)(part)
    pause.wait(max(0.0, started_s + day_s - time.monotonic()))


def check(account: Account, least: int) -> None:
    assert account.numbered >= least
    assert account == Account(
        numbered=account.numbered, lost=0, duplicated=0, altered=0, refused=0, gaps=0
    )


def test_a_day_of_outages_and_kills_loses_and_doubles_nothing(tmp_path: Path) -> None:
    outages = [
        (0.10, 0.35, "broker"),
        (0.40, 0.65, "server"),
        (0.70, 0.95, "broker"),
        (0.70, 0.95, "server"),
    ]
    with OutageTown(folder=tmp_path, rate=3600.0) as town:
        live_through(town, outages, kills=15)
        check(town.close_account(least=50), least=50)


@pytest.mark.nightly
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("away", [("broker",), ("server",), ("broker", "server")])
def test_a_whole_day_without_them_and_many_kills_loses_nothing(
    away: tuple[str, ...], tmp_path: Path
) -> None:
    with OutageTown(folder=tmp_path, rate=720.0) as town:
        live_through(town, [(0.0, 1.0, part) for part in away], kills=67)
        check(town.close_account(least=100, within_s=180), least=100)
