"""The utility whose crews inspect."""

import pytest
from sqlalchemy import Engine

from tests.sync_server.people_parts import Pen, Utility, found_utility
from tests.sync_server.real_parts import HandClock


@pytest.fixture
def utility(sqlite_engine: Engine, clock: HandClock) -> Utility:
    return found_utility(sqlite_engine, clock)


@pytest.fixture
def pen(utility: Utility) -> Pen:
    return Pen(actor=utility.member.account_id, clock=utility.clock)
