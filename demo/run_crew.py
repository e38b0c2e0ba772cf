"""The crew's process of the demo without a screen: a real tablet's store, sync and forms (R26)."""

import argparse
from pathlib import Path

from demo.crew_work_io import enrol, work
from demo.places import Places
from demo.process_life_io import stop_when_told
from demo.town_clock_io import join_clock
from field_app.crew import HeadlessCrew


def main() -> None:
    """Run the crew until told to stop."""
    parser = argparse.ArgumentParser(description="the demo's crew without a screen")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--server-url", required=True)
    parser.add_argument("--code", default="", help="one-time code, for the first start")
    parser.add_argument("--hands-off", action="store_true", help="stop where the cellar begins")
    arguments = parser.parse_args()
    places = Places(arguments.data)
    stop = stop_when_told()
    crew = HeadlessCrew(places.crew_folder, join_clock(places.clock_file))
    try:
        enrol(crew, arguments.server_url, arguments.code, stop)
        work(crew, places, stop, goes_on=not arguments.hands_off)
    finally:
        crew.close()


if __name__ == "__main__":
    main()
