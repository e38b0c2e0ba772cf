"""Makes the full town that the pages are measured with, and serves it by the real server.

`python -m benchmarks.pages_town` is that server: its pages alone, on the town's clock, in a process
of its own.
"""

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import httpx
from sqlalchemy import Connection, Engine, select, update

from demo.places import Places
from demo.process_life_io import stop_when_told
from demo.seed_plan_io import load_town
from demo.set_up_io import PastWanted, choose_ports, database_url, is_set_up, set_up
from demo.town import Town
from demo.town_clock import DEFAULT_START_UTC
from demo.town_clock_io import join_clock, start_clock
from sync_server.access.account_store import list_people
from sync_server.alerts.alert import AlertFinding
from sync_server.alerts.alert_rows_store import alert_row
from sync_server.alerts.alert_store import acknowledge, raise_alert, return_alert
from sync_server.alerts.upkeep_store import reset
from sync_server.config_io import load_config
from sync_server.db.alert_tables import ALERT
from sync_server.db.asset_tables import METER
from sync_server.db.engine_io import open_engine
from sync_server.logs_io import configure_logs
from sync_server.run import Part, run_server
from sync_server.work_orders.order_store import create_from_alert
from tests.sync_server.web.desk_parts import Spot, evidence_for
from wire_contracts.alert_states import Condition
from wire_contracts.kinds import Kind, Label
from wire_contracts.quantities import Medium

FOLDER = Path("var/bench-pages")
QUARTER_DAYS = 60
"""Days of quarter-hourly readings of the 131 remote meters; the homes have 13 months."""

PAST_ALERTS = 2000
OPEN_ALERTS = 300
ORDERS = 120

_KINDS = (Kind.SLOW_LEAK, Kind.BURST, Kind.COMM_GAP, Kind.STUCK, Kind.NETWORK_LEAK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Readied:
    """The town on disk, and who looks at it."""

    places: Places
    engine: Engine
    passwords: dict[str, str]


def make_town() -> Readied:
    """Return the full town; what a former run has made is used again for a day."""
    places = Places(FOLDER.resolve())
    mark = places.root / "alerts-are-in"
    is_fresh = mark.exists() and time.time() - mark.stat().st_mtime < 86_400  # noqa: PLR2004  # s
    town = load_town()
    if not (is_set_up(places) and is_fresh):
        set_up(places, town, DEFAULT_START_UTC, PastWanted(days=QUARTER_DAYS), print)
    engine = open_engine(database_url(places))
    if not is_fresh:
        print(f"raising {PAST_ALERTS + OPEN_ALERTS} alerts")
        with engine.begin() as connection:
            _fill(connection, town, DEFAULT_START_UTC)
        mark.write_text("in\n")
    passwords: dict[str, str] = json.loads(places.accounts_file.read_text())
    return Readied(places=places, engine=engine, passwords=passwords)


def _fill(connection: Connection, town: Town, now_utc: datetime) -> None:
    chance = random.Random(7)  # a town, not a secret
    meters = [(row.meter_id, Medium(row.medium)) for row in connection.execute(select(METER))]
    actor = next(each.account_id for each in list_people(connection) if each.login == "service1")
    for index in range(PAST_ALERTS):
        raised_utc = now_utc - timedelta(hours=36 + index * 0.65)
        alert_id = one_alert(connection, chance.choice(meters), _KINDS[index % 5], raised_utc)
        acknowledge(connection, alert_id, actor, raised_utc + timedelta(minutes=index % 40))
        gone_utc = raised_utc + timedelta(hours=5)
        return_alert(connection, alert_id, gone_utc)
        if alert_row(connection, alert_id).condition == Condition.LATCHED:
            reset(connection, alert_id, actor, "looked after", gone_utc + timedelta(hours=1))
    connection.execute(
        update(ALERT).where(ALERT.c.score < 2.1).values(label=str(Label.FALSE))  # noqa: PLR2004
    )
    open_ids = [
        one_alert(
            connection, meters[index * 31], _KINDS[index % 5], now_utc - timedelta(minutes=index)
        )
        for index in range(OPEN_ALERTS)
    ]
    crews = [crew.crew_id for crew in town.crews]
    for index, alert_id in enumerate(open_ids[:ORDERS]):
        create_from_alert(connection, alert_id, actor, crews[index % len(crews)], now_utc)


def one_alert(
    connection: Connection, meter: tuple[str, Medium], kind: Kind, raised_utc: datetime
) -> str:
    """Raise one alert with four days of evidence; return its id."""
    meter_id, medium = meter
    spot = Spot(
        meter_id=meter_id,
        medium=medium,
        kind=kind,
        rule="floor",
        place=("", ""),
        address="",
        value=0.42,
        limit=0.15,
        unit="m³/h",
        hours_ago=3.0,
    )
    finding = AlertFinding(
        meter_id=meter_id,
        medium=medium,
        kind=kind,
        rule="floor",
        started_at_utc=raised_utc - timedelta(hours=20),
        detected_at_utc=raised_utc,
        score=2.0,
        evidence=evidence_for(spot, raised_utc),
    )
    return raise_alert(connection, finding, raised_utc)


@contextmanager
def served(ready: Readied) -> Iterator[str]:
    """Yield the address of the real server, its pages alone, in a process of its own."""
    ports = choose_ports(ready.places, load_town())
    base_url = f"http://127.0.0.1:{ports.server}"
    start_clock(ready.places.clock_file, DEFAULT_START_UTC, 1.0)
    with (ready.places.root / "server.log").open("wb") as log:
        process = subprocess.Popen(  # our own module
            [sys.executable, "-m", "benchmarks.pages_town"],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
        )
        try:
            _wait_for(base_url, process)
            yield base_url
        finally:
            process.terminate()
            process.wait(30)


def _wait_for(base_url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(f"{base_url}/health/ready", timeout=5).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    message = f"{base_url}: server: did not answer; look into {FOLDER / 'server.log'}"
    raise RuntimeError(message)


def logged_in(base_url: str, login: str, password: str) -> httpx.Client:
    """Return a client with somebody's session."""
    headers = {"Origin": base_url, "Accept": "text/html"}
    client = httpx.Client(base_url=base_url, headers=headers, timeout=60)
    client.post("/login", data={"login": login, "password": password})
    return client


DESK_PAGES = (
    "/alerts",
    "/alerts?tab=all",
    "/alerts/list",
    "/alerts/{alert}/panel",
    "/map",
    "/map/still",
    "/map/live",
    "/intake",
    "/requests",
    "/complaints",
    "/callbacks",
    "/board",
    "/orders",
    "/orders?tab=all",
    "/orders/{order}",
    "/rounds",
    "/vans",
    "/interruptions",
    "/meters",
    "/meters?q=WD-01",
    "/meters/WD-01?days=1",
    "/meters/WD-01?days=400",
    "/meters?q=滨河",
    "/meters?state=silent",
    "/meters/WC-01/raw",
    "/suspects",
    "/balances",
    "/balances/WD-01",
    "/figures",
    "/figures?period=2026",
    "/gateways",
    "/gateways/orders",
    "/review",
    "/shift",
    "/incidents",
    "/delegations",
    "/paper",
    "/forms",
    "/policies",
    "/tablets",
    "/badges",
)
DIRECTOR_PAGES = (
    "/homes",
    "/reports/clocks",
    "/reports/calls",
    "/reports/requests",
    "/reports/slips",
    "/reports/customers",
    "/audit",
    "/accounts",
)


def pages_of(engine: Engine) -> Sequence[tuple[str, str]]:
    """Return (login, path) of every page of the rail, and of those one click below."""
    with engine.connect() as connection:
        alert_id = connection.execute(select(ALERT.c.alert_id).limit(1)).scalar_one()
        order_id = connection.execute(
            select(ALERT.c.work_order_id).where(ALERT.c.work_order_id.is_not(None)).limit(1)
        ).scalar_one()
    filled = [each.replace("{alert}", alert_id).replace("{order}", order_id) for each in DESK_PAGES]
    ours = [("service1", each) for each in filled]
    return [*ours, *(("director", each) for each in DIRECTOR_PAGES)]


def main() -> None:
    """Serve the pages until told to stop."""
    configure_logs(is_pretty=False)
    places = Places(FOLDER.resolve())
    stop = stop_when_told()
    config = load_config(places.server_config)
    run_server(config, join_clock(places.clock_file), stop, parts=(Part.PAGES,))


if __name__ == "__main__":
    main()
