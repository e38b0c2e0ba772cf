"""The desk on a real port, and the browser that looks at it."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from sqlalchemy import Engine

from demo.screenshots_web_io import BROWSER_ARGS, BrowserMissingError, browser_path
from sync_server.db.engine_io import open_engine
from sync_server.web.build_assets_io import build, is_built
from tests.sync_server.real_parts import NOON, HandClock
from tests.sync_server.web.desk_parts import Served, seed_desk, served
from tests.sync_server.web.desk_people import Desk, Enter
from tests.sync_server.web.fields_read_once import fields_read_once
from tests.sync_server.web.intake_town import seed_homes

EXPECTED_WITHIN_MS = 60_000
"""A page on a busy machine; what is there at once is not waited for."""


@pytest.fixture(autouse=True, scope="session")
def forms_read_once() -> Iterator[None]:
    """Share what FastAPI has read of the routes among the applications of a process."""
    with fields_read_once():
        yield


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
    expect.set_options(timeout=EXPECTED_WITHIN_MS)
    with sync_playwright() as player:
        found = player.chromium.launch(executable_path=path, args=list(BROWSER_ARGS))
        yield found
        found.close()


@pytest.fixture(scope="session")
def seeded_desk(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> tuple[Path, dict[str, str]]:
    """A file with a desk's morning that each test copies; meter id -> alert id."""
    path = tmp_path_factory.mktemp("desk") / "desk.sqlite3"
    path.write_bytes(sqlite_template.read_bytes())
    engine = open_engine(f"sqlite:///{path}")
    ids = seed_desk(engine, NOON)
    engine.dispose()
    return path, ids


@pytest.fixture
def alert_ids(sqlite_engine: Engine, seeded_desk: tuple[Path, dict[str, str]]) -> dict[str, str]:
    """A desk's morning in the test's database; meter id -> alert id."""
    path, ids = seeded_desk
    with (
        closing(sqlite3.connect(path)) as morning,
        closing(sqlite3.connect(str(sqlite_engine.url.database))) as own,
    ):
        morning.backup(own)
    return ids


@pytest.fixture
def desk(sqlite_engine: Engine, clock: HandClock, alert_ids: dict[str, str]) -> Iterator[Served]:  # noqa: ARG001  # seeded before it is served
    """The application on a real port, over a seeded database."""
    with served(sqlite_engine, clock) as server:
        yield server


@pytest.fixture
def town(sqlite_engine: Engine, alert_ids: dict[str, str]) -> dict[str, str]:
    """A desk's morning with homes and the people of the desk; login or meter -> id."""
    with sqlite_engine.begin() as connection:
        people = seed_homes(connection)
    return {**people, **alert_ids}


@pytest.fixture
def enter(desk: Served, town: dict[str, str]) -> Iterator[Enter]:  # noqa: ARG001  # seeded first
    opened: list[Desk] = []

    def come_in(login: str) -> Desk:
        opened.append(Desk(desk, login))
        return opened[-1]

    yield come_in
    for each in opened:
        each.client.close()
