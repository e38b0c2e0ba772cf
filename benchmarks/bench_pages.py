"""How long the pages take with the full town, and how soon a new alert is on the screen.

Run `make bench-pages`. The real server process with its pages, a town of 10,368 homes with 13
months and 131 remote meters with 60 days of quarter-hours, 2000 past alerts and 300 open ones;
every page of the rail asked over and over by one reader. Then a real headless Chromium with the
alert desk open: from the commit of one alert, and of a flood of 300 at once, until the row or the
count stands in the page. Both clocks are the machine's own.
"""

import json
import os
import platform
import re
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import Engine, select, update

from benchmarks.pages_town import logged_in, make_town, one_alert, pages_of, served
from demo.accounts import CONTROL_ROOM_LOGIN
from demo.screenshots_web_io import BROWSER_ARGS, VIEWPORT, browser_path
from demo.town_clock import DEFAULT_START_UTC
from sync_server.db.alert_tables import ALERT
from sync_server.db.asset_tables import METER
from wire_contracts.alert_states import Condition
from wire_contracts.frames import ms_from_utc
from wire_contracts.kinds import Kind
from wire_contracts.quantities import Medium

RESULTS = Path(__file__).parent / "results"
PAGE_GOAL_MS = 300.0
ALERT_GOAL_MS = 250.0
FLOOD_GOAL_MS = 500.0
ROUNDS = 9
ALERTS = 40
FLOOD = 300
OK = 200

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")

_WATCH = """() => {
  const now = () => performance.timeOrigin + performance.now();
  window.seen = {};
  const look = () => {
    for (const row of document.querySelectorAll('.arow[data-id]'))
      window.seen[row.dataset.id] ??= now();
    const todo = Number((document.title.match(/^\\((\\d+)\\)/) || [])[1] || 0);
    if (window.todo !== todo) { window.todo = todo; window.todoAt = now(); }
  };
  const all = { childList: true, subtree: true, characterData: true };
  new MutationObserver(look).observe(document.documentElement, all);
  look();
}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTime:
    """One page: milliseconds from asking to the last byte, and how large it is."""

    path: str
    status: int
    middle_ms: float
    slowest_ms: float
    kilobytes: float


def time_pages(
    base_url: str, passwords: dict[str, str], pages: Sequence[tuple[str, str]]
) -> list[PageTime]:
    """Return the time of each page, the slowest first; one round before is not counted."""
    clients = {login: logged_in(base_url, login, passwords[login]) for login, _ in pages}
    found = []
    for login, path in pages:
        client = clients[login]
        answer = client.get(path, follow_redirects=True)
        took = []
        for _ in range(ROUNDS):
            began_s = time.perf_counter()
            client.get(path, follow_redirects=True)
            took.append((time.perf_counter() - began_s) * 1000)
        found.append(
            PageTime(
                path=_ID.sub("…", path),
                status=answer.status_code,
                middle_ms=round(statistics.median(took), 1),
                slowest_ms=round(max(took), 1),
                kilobytes=round(len(answer.content) / 1024, 1),
            )
        )
    return sorted(found, key=lambda each: -each.middle_ms)


def _commit(engine: Engine, meters: Sequence[str], kind: Kind) -> tuple[list[str], float]:
    """Return the ids of new alerts of some meters, and when they were committed, in ms."""
    with engine.begin() as connection:
        ids = [
            one_alert(connection, (each, Medium.GAS), kind, DEFAULT_START_UTC) for each in meters
        ]
    return ids, time.time() * 1000


def _until(page: Page, ready: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not ready() and time.monotonic() < until:
        page.wait_for_timeout(20)


def time_alerts(page: Page, engine: Engine, meters: Sequence[str]) -> list[float]:
    """Return the milliseconds from commit to row, of alerts that come one by one, ascending."""
    took = []
    for meter_id in meters:
        ids, at_ms = _commit(engine, [meter_id], Kind.BURST)
        alert_id = ids[0]
        _until(page, lambda wanted=alert_id: bool(page.evaluate("id => window.seen[id]", wanted)))  # type: ignore[misc]
        seen_ms = page.evaluate("id => window.seen[id] ?? null", alert_id)
        took.append(float("inf") if seen_ms is None else seen_ms - at_ms)
        page.wait_for_timeout(150)
    return sorted(took)


def time_flood(page: Page, engine: Engine, meters: Sequence[str]) -> float:
    """Return the milliseconds from the commit of a flood until the page counts all of it."""
    before: int = page.evaluate("window.todo")
    _, at_ms = _commit(engine, meters, Kind.COMM_GAP)
    _until(page, lambda: page.evaluate("window.todo") >= before + len(meters))
    seen_ms: float = page.evaluate("window.todoAt")
    return seen_ms - at_ms


def _fresh_meters(engine: Engine, count: int) -> list[str]:
    """Return gas meters without an open alert."""
    taken = select(ALERT.c.meter_id).where(ALERT.c.condition != str(Condition.NORMAL))
    query = (
        select(METER.c.meter_id)
        .where(METER.c.medium == str(Medium.GAS), METER.c.meter_id.not_in(taken))
        .order_by(METER.c.meter_id)
        .limit(count)
    )
    with engine.connect() as connection:
        return list(connection.execute(query).scalars())


def _desk(browser: Browser, base_url: str, password: str) -> Page:
    page = browser.new_page(viewport=VIEWPORT)
    page.goto(f"{base_url}/login")
    page.fill("#login", CONTROL_ROOM_LOGIN)
    page.fill("#password", password)
    page.press("#password", "Enter")
    page.wait_for_selector("nav.rail")
    page.goto(f"{base_url}/alerts?tab=all")
    page.wait_for_selector("#live:not(.wait)")
    page.evaluate(_WATCH)
    return page


def _end_alerts(engine: Engine, meters: Sequence[str]) -> None:
    """Let go of the measured alerts: the next run finds the same desk."""
    chosen = ALERT.c.meter_id.in_(meters) & (ALERT.c.raised_at_ms == ms_from_utc(DEFAULT_START_UTC))
    with engine.begin() as connection:
        connection.execute(update(ALERT).where(chosen).values(condition=str(Condition.NORMAL)))


def main() -> int:
    """Measure, print and keep what came of it."""
    ready = make_town()
    fresh = _fresh_meters(ready.engine, ALERTS + FLOOD)
    with served(ready) as base_url, sync_playwright() as player:
        times = time_pages(base_url, ready.passwords, pages_of(ready.engine))
        browser = player.chromium.launch(executable_path=browser_path(), args=list(BROWSER_ARGS))
        page = _desk(browser, base_url, ready.passwords[CONTROL_ROOM_LOGIN])
        single = time_alerts(page, ready.engine, fresh[:ALERTS])
        flood = time_flood(page, ready.engine, fresh[ALERTS:])
        browser.close()
    _end_alerts(ready.engine, fresh)
    ready.engine.dispose()
    return _report(times, single, flood)


def _report(times: Sequence[PageTime], single: Sequence[float], flood: float) -> int:
    p95 = single[-(-len(single) * 19 // 20) - 1]
    slow = [each for each in times if each.middle_ms > PAGE_GOAL_MS]
    wrong = [each for each in times if each.status != OK]
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    lines = [
        f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}",
        f"load average at the end: {load}",
        f"{len(times)} pages, {ROUNDS} rounds: {len(slow)} over {PAGE_GOAL_MS:.0f} ms",
        f"{'page':44} {'middle ms':>10} {'slowest ms':>10} {'kB':>8}",
        *(_page_line(each) for each in times),
        _goal_line("a new alert on the screen after its commit, p95", p95, ALERT_GOAL_MS),
        _goal_line(f"a flood of {FLOOD} counted on the screen", flood, FLOOD_GOAL_MS),
        f"a new alert on the screen, the middle one: {single[len(single) // 2]:.0f} ms",
    ]
    print(*lines, sep="\n")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "pages.txt").write_text("\n".join(lines) + "\n")
    values = {"pages": [asdict(each) for each in times], "alert_ms": single, "flood_ms": flood}
    (RESULTS / "pages.json").write_text(json.dumps(values, indent=1) + "\n")
    is_well = not slow and not wrong and p95 <= ALERT_GOAL_MS and flood <= FLOOD_GOAL_MS
    return 0 if is_well else 1


def _page_line(each: PageTime) -> str:
    mark = "" if each.status == OK else f"  answered {each.status}"
    return (
        f"{each.path:44} {each.middle_ms:10.1f} {each.slowest_ms:10.1f} {each.kilobytes:8.1f}{mark}"
    )


def _goal_line(name: str, took_ms: float, goal_ms: float) -> str:
    return f"{name}: {took_ms:.0f} ms (<= {goal_ms:.0f} {'ok' if took_ms <= goal_ms else 'MISSED'})"


if __name__ == "__main__":
    sys.exit(main())
