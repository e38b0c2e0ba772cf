"""The other crews' process of the demo: inspectors on their rounds, and a crew of two tablets."""

import argparse
import threading
from pathlib import Path

from demo.crew_work_io import enrol
from demo.inspectors_io import ring_on, walk_on
from demo.places import Places
from demo.process_life_io import stop_when_told
from demo.tablet_crews import HOMES, OTHER_TABLETS, REPAIR_FIRST, REPAIR_SECOND, WALKS
from demo.town_clock_io import join_clock
from demo.two_tablets_io import disagree
from field_app.crew import HeadlessCrew
from wire_contracts.clock import Clock

STEP_S = 1.5
"""Wall seconds from one stop to the next: some twenty minutes of the town."""

IDLE_S = 20.0
"""Wall seconds between two contacts of tablets with nothing to do."""


def main() -> None:
    """Run the crews until told to stop."""
    parser = argparse.ArgumentParser(description="the other crews of the demo, without a screen")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--server-url", required=True)
    parser.add_argument("codes", nargs="*", metavar="TABLET=CODE", help="for the first start")
    arguments = parser.parse_args()
    places, stop = Places(arguments.data), stop_when_told()
    codes = dict(each.split("=", 1) for each in arguments.codes)
    clock = join_clock(places.clock_file)
    crews = {name: HeadlessCrew(places.other_tablet(name), clock) for name in OTHER_TABLETS}
    try:
        for name, crew in crews.items():
            enrol(crew, arguments.server_url, codes.get(name, ""), stop, name=name)
        if not stop.is_set():
            disagree(crews[REPAIR_FIRST], crews[REPAIR_SECOND])
            _go_round(crews, clock, stop)
    finally:
        for crew in crews.values():
            crew.close()


def _go_round(crews: dict[str, HeadlessCrew], clock: Clock, stop: threading.Event) -> None:
    walker, caller = crews[WALKS], crews[HOMES]
    while not stop.is_set():
        is_walking = walk_on(walker, clock.now_utc())
        is_calling = ring_on(caller, clock.now_utc())
        is_busy = is_walking or is_calling
        for each in (walker, caller) if is_busy else crews.values():
            each.sync_now()
        stop.wait(STEP_S if is_busy else IDLE_S)


if __name__ == "__main__":
    main()
