"""A small town, made once: every meter and gateway, one day of past, no homes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.places import Places
from demo.seed_plan_io import load_town
from demo.set_up_io import PastWanted, set_up
from demo.town import Town
from demo.town_clock import DEFAULT_START_UTC
from tests.demo_processes.living_town import LivingTown, living


@pytest.fixture(scope="session")
def town() -> Town:
    return load_town()


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, town: Town) -> Path:
    root = tmp_path_factory.mktemp("town") / "prepared"
    set_up(Places(root), town, DEFAULT_START_UTC, PastWanted(days=1, has_homes=False), print)
    return root


@pytest.fixture(scope="module")
def living_town(
    prepared: Path, tmp_path_factory: pytest.TempPathFactory, town: Town
) -> Iterator[LivingTown]:
    """One running town for a module's tests: each power cut hits what the former ones left."""
    with living(prepared, tmp_path_factory.mktemp("living"), town) as found:
        yield found
