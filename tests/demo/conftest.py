"""The town that all tests of the demo look at; nothing in it changes."""

import pytest

from demo.seed_plan_io import load_town
from demo.town import Town


@pytest.fixture(scope="session")
def town() -> Town:
    return load_town()
