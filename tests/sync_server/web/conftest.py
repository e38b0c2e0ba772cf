"""The desk on a real port, and the browser that looks at it."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import Engine

from demo.screenshots_web_io import BROWSER_ARGS, BrowserMissingError, browser_path
from sync_server.web.build_assets_io import build, is_built
from tests.sync_server.real_parts import NOON, HandClock
from tests.sync_server.web.desk_parts import Served, seed_desk, served


@pytest.fixture(scope="session")
def vendor() -> None:
    """The front-end libraries, brought by name and lock file when they are not there yet."""
    if not is_built():
        build()


@pytest.fixture(scope="session")
def browser(vendor: None) -> Iterator[Browser]:  # noqa: ARG001  # the pages need the libraries
    """A real Chromium; without one the run fails in CI and says so in one line elsewhere."""
    try:
        path = browser_path()
    except BrowserMissingError as missing:
        if os.environ.get("CI"):
            pytest.fail(str(missing))
        pytest.skip(reason=str(missing))
    with sync_playwright() as player:
        found = player.chromium.launch(executable_path=path, args=list(BROWSER_ARGS))
        yield found
        found.close()


@pytest.fixture
def alert_ids(sqlite_engine: Engine) -> dict[str, str]:
    """A desk's morning; meter id -> alert id."""
    return seed_desk(sqlite_engine, NOON)


@pytest.fixture
def desk(sqlite_engine: Engine, clock: HandClock, alert_ids: dict[str, str]) -> Iterator[Served]:  # noqa: ARG001  # seeded before it is served
    """The application on a real port, over a seeded database."""
    with served(sqlite_engine, clock) as server:
        yield server
