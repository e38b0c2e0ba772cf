"""`make screenshots`: the pictures of README and tour, taken from a running town."""

import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine

from demo.accounts import ADMINISTRATOR_LOGIN, CONTROL_ROOM_LOGIN
from demo.crew_work_io import PIN
from demo.faults_io import TruthFile
from demo.kept_pictures_io import keep_picture
from demo.places import Places
from demo.screenshots_tablet_io import shoot_tablet
from demo.screenshots_web_io import shoot, shoot_tour
from demo.seed_plan_io import load_town
from demo.set_up_io import PastWanted, database_url, forget_town, load_accounts, set_up
from demo.story import night_leak
from demo.town_clock import DEFAULT_RATE, DEFAULT_START_UTC
from demo.town_run_io import RunOptions, TownRun
from demo.water_leak import water_leak
from sync_server.alerts.alert import AlertFilter
from sync_server.alerts.alert_list_store import list_alerts
from sync_server.db.engine_io import open_engine, reading
from sync_server.patrols.result_store import latest_facts
from sync_server.sync.review_store import list_reviews
from sync_server.work_orders.order_store import list_orders
from wire_contracts.orders import FactType
from wire_contracts.work_order_states import WorkOrderState

PICTURES = Path("docs/pictures")
HISTORY_DAYS = 19
"""The floor test wants two weeks of nights, learned three days late, before it speaks."""

TOUR_LOGINS = (CONTROL_ROOM_LOGIN, "director", "service3", ADMINISTRATOR_LOGIN)
"""Who looks at a page of the tour: the first of them who may."""

ALERTS_WANTED = 3
PATIENCE_S = 180.0
STOPS_WANTED = 11
"""Of the 14 of the route: the map shows what is done and what is open."""

README_NAMES = {
    "alert-desk.en.png": "control-room.en.png",
    "alert-desk.zh.png": "control-room.zh.png",
    "tablet-order.en.png": "tablet.en.png",
    "tablet-order.zh.png": "tablet.zh.png",
}
"""Which of the taken pictures the README shows, and their names there."""


def main() -> int:
    """Take the pictures; return the exit status."""
    places = Places(Path("var/screenshots").resolve())
    town = load_town()
    forget_town(places)
    past = PastWanted(days=HISTORY_DAYS, has_desk=True)
    set_up(places, town, DEFAULT_START_UTC, past, print)
    truth = TruthFile(places.truth_file)
    for number in (1, 2):
        truth.inject(night_leak(town, DEFAULT_START_UTC + timedelta(hours=number), number))
    truth.inject(water_leak(town, DEFAULT_START_UTC + timedelta(minutes=30)))
    options = RunOptions(
        rate=DEFAULT_RATE,
        gateway_processes=4,
        crew_arguments=("--hands-off",),
        has_other_crews=True,
    )
    taken = places.root / "pictures"
    with TownRun(places, town, options) as run:
        engine = open_engine(database_url(places))
        try:
            _wait_for_something_to_see(engine)
        finally:
            engine.dispose()
        passwords = load_accounts(places)
        shoot(run.base_url, CONTROL_ROOM_LOGIN, passwords[CONTROL_ROOM_LOGIN], taken)
        readers = [(each, passwords[each]) for each in TOUR_LOGINS]
        for picture in shoot_tour(run.base_url, readers, PICTURES / "tour"):
            print(picture)
        shoot_tablet(places.crew_folder, taken, run.clock.now_utc(), pin=PIN)
    for name, shown in README_NAMES.items():
        keep_picture((taken / name).read_bytes(), PICTURES / shown)
        print(PICTURES / shown)
    print(f"all pictures: {taken}")
    return 0


def _wait_for_something_to_see(engine: Engine) -> None:
    """Wait until alerts stand on the desk, the crew has set off, and an inspector is on the way.

    By then the two tablets of the second crew have had their conflict.
    """
    until = time.monotonic() + PATIENCE_S
    pause = threading.Event()
    while time.monotonic() < until:
        with reading(engine) as connection:
            alerts = list_alerts(connection, AlertFilter(is_open=True))
            states = {order.document.state for order in list_orders(connection)}
            stops = latest_facts(connection, (FactType.PATROL_POINT,), STOPS_WANTED)
            is_conflict = bool(list_reviews(connection))
        is_under_way = WorkOrderState.EN_ROUTE in states
        if (
            len(alerts) >= ALERTS_WANTED
            and is_under_way
            and is_conflict
            and len(stops) == STOPS_WANTED
        ):
            return
        pause.wait(0.5)
    raise TimeoutError("the town gave nothing to see in time; look into its logs")


if __name__ == "__main__":
    sys.exit(main())
