"""Power cuts at named points and at random instants: nothing lost, nothing stored twice.

The processes are real: 131 meters on Modbus sockets, gateways, broker, server, database.
"""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from demo.accounting_io import Account
from demo.kills import GATEWAYS, POINTS, Kill
from demo.town import Town
from demo.town_run_io import BROKER, SERVER
from tests.demo_processes.living_town import OPTIONS, LivingTown, living

pytestmark = pytest.mark.timeout(900)
"""A machine that is busy with other work drains slowly; what is lost stays missing for 180 s."""

NAMED = [Kill(who=part, point=point) for point, part in POINTS.items()]
RANDOM_SEED = 20_261_121


def check_nothing_lost(account: Account) -> None:
    assert account.sent > 0
    assert replace(account, readings=0) == Account(
        sent=account.sent, stored=account.sent, refused=0, lost=0, duplicated=0, readings=0
    )


@pytest.mark.parametrize("kill", NAMED, ids=[kill.point for kill in NAMED])
def test_a_power_cut_at_a_named_point_loses_and_doubles_nothing(
    kill: Kill, living_town: LivingTown
) -> None:
    check_nothing_lost(living_town.account_after(kill))


def test_a_killed_broker_loses_and_doubles_nothing(living_town: LivingTown) -> None:
    check_nothing_lost(living_town.account_after(Kill(who=BROKER, at_s=1.0)))


def test_on_mosquitto_a_killed_broker_loses_and_doubles_nothing(
    prepared: Path, tmp_path: Path, town: Town
) -> None:
    """Real gateways and the real server over the broker that a site installs."""
    options = replace(OPTIONS, broker="demo.run_mosquitto")
    with living(prepared, tmp_path, town, options) as found:
        check_nothing_lost(found.account_after(Kill(who=BROKER, at_s=1.0)))


@pytest.mark.nightly
@pytest.mark.parametrize("number", range(20))
def test_a_power_cut_at_a_random_instant_loses_and_doubles_nothing(
    number: int, prepared: Path, tmp_path: Path, town: Town
) -> None:
    chance = random.Random(RANDOM_SEED + number)
    who = (BROKER, SERVER, GATEWAYS)[number % 3]
    kill = Kill(who=who, at_s=chance.uniform(0.5, 10.0))

    with living(prepared, tmp_path, town) as found:
        check_nothing_lost(found.account_after(kill))
