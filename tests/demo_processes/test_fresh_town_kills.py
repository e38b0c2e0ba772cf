"""Power cuts on Mosquitto and at random instants, each in a town of its own.

They are apart from the town that lives for a module: two at once are too much for two cores.
"""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from demo.kills import GATEWAYS, Kill
from demo.town import Town
from demo.town_run_io import BROKER, SERVER
from tests.demo_processes.living_town import OPTIONS, living
from tests.demo_processes.test_kills import check_nothing_lost

pytestmark = pytest.mark.timeout(900)
"""A machine that is busy with other work drains slowly; what is lost stays missing for 180 s."""

RANDOM_SEED = 20_261_121


@pytest.mark.nightly
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
