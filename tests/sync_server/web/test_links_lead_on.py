"""No page offers its reader a link that the table of roles refuses."""

import re
from collections.abc import Iterator

import pytest
from httpx import Client
from sqlalchemy import Engine

from sync_server.access.roles import Role
from tests.sync_server.real_parts import HandClock
from tests.sync_server.web.desk_parts import PASSWORD, add_person, served
from tests.sync_server.web.intake_town import seed_homes

_LINK = re.compile(r'href="(/[^"#]*)')
_FILE = re.compile(r"\.(pdf|xlsx|csv|json|css|js|svg)\b|^/static/")
FORBIDDEN = 403


@pytest.fixture
def site(sqlite_engine: Engine, clock: HandClock, alert_ids: dict[str, str]) -> Iterator[str]:
    assert alert_ids
    with sqlite_engine.begin() as connection:
        seed_homes(connection)
        for role in (Role.WINDOW_CLERK, Role.TECHNICIAN):
            add_person(connection, role, role)
    with served(sqlite_engine, clock) as site:
        yield site.base_url


def refused_links(base_url: str, login: str) -> set[tuple[str, str]]:
    """Return (page, link) that were refused, of every page that is reached from the start."""
    headers = {"Origin": base_url, "Accept": "text/html"}
    with Client(base_url=base_url, headers=headers, timeout=60, follow_redirects=True) as client:
        waiting = [("", client.post("/login", data={"login": login, "password": PASSWORD}))]
        seen: set[str] = set()
        refused: set[tuple[str, str]] = set()
        while waiting:
            came_from, answer = waiting.pop()
            here = answer.url.path
            if answer.status_code == FORBIDDEN:
                refused.add((came_from, here))
            for link in _LINK.findall(answer.text):
                kind = re.sub(r"[^/=&]*\d[^/&]*|=[^&]*", "…", link.replace("&amp;", "&"))
                if kind not in seen and not _FILE.search(link):
                    seen.add(kind)
                    waiting.append((here, client.get(link.replace("&amp;", "&"))))
    return refused


@pytest.mark.parametrize("login", ["liu", "he", "root", "audit", "window_clerk", "technician"])
def test_whatever_a_page_links_its_reader_may_open(site: str, login: str) -> None:
    assert refused_links(site, login) == set()
