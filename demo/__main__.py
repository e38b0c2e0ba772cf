"""`python -m demo`: the town, to be watched; `--check`: the whole loop, to be measured."""

import argparse
import os
import signal
import sys
import threading
import time
from pathlib import Path

from demo.check import CheckOptions, run_check
from demo.places import Places
from demo.run_load import LoadOptions, report_lines, run_load
from demo.run_mosquitto import MosquittoMissingError
from demo.seed_plan_io import load_town
from demo.set_up_io import PastWanted, forget_town, is_set_up, set_up
from demo.show import show_town
from demo.town_clock import DEFAULT_RATE, DEFAULT_START_UTC
from demo.town_run_io import RunOptions
from sync_server.web.build_assets_io import is_built

SHOWN_HISTORY_DAYS = 30
CHECKED_HISTORY_DAYS = 19
"""The floor test wants two weeks of nights, learned three days late, before it speaks."""

BROKERS = {"amqtt": "demo.run_broker", "mosquitto": "demo.run_mosquitto"}
"""What is embedded, and what a site installs."""

MISSING_LIBRARIES = (
    "the pages are without their scripts, charts and fonts: "
    "run `python -m sync_server.web.build_assets_io` first (`make demo` does it)"
)
"""Said where `static/vendor` was not built, as in a fresh clone."""


def main() -> int:
    """Run the demo; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m demo", description="a town on a fast clock")
    parser.add_argument("--data", type=Path, default=Path("var/demo"), help="the town's data")
    parser.add_argument("--reset", action="store_true", help="forget the town's data first")
    parser.add_argument("--rate", type=float, default=DEFAULT_RATE, help="town s per wall s")
    parser.add_argument("--no-window", action="store_true", help="no tablet window")
    parser.add_argument("--check", action="store_true", help="run the loop once and measure it")
    parser.add_argument("--seconds", type=float, default=90.0, help="wall seconds of --check")
    parser.add_argument("--kill", action="append", default=[], help="WHO:AT, with --check")
    parser.add_argument("--broker", choices=tuple(BROKERS), default="amqtt", help="with --check")
    _add_load(parser)
    arguments = parser.parse_args()
    if arguments.command == "load":
        return _load(arguments)
    if not is_built():
        print(MISSING_LIBRARIES, file=sys.stderr, flush=True)
    places = Places(arguments.data.resolve())
    if arguments.reset:
        forget_town(places)
    if arguments.check:
        return run_check(
            places,
            CheckOptions(
                seconds=arguments.seconds,
                history_days=CHECKED_HISTORY_DAYS,
                rate=arguments.rate,
                kills=tuple(arguments.kill),
                broker=BROKERS[arguments.broker],
            ),
        )
    if arguments.reset:
        print(f"the town in {places.root} is forgotten; `make demo` starts afresh")
        return 0
    return _show(places, arguments.rate, has_window=not arguments.no_window)


def _add_load(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="command", required=False)
    load = commands.add_parser("load", help="very many simulated meters through the real ingest")
    load.add_argument("--meters", type=int, default=100_000, help="a multiple of 200")
    load.add_argument("--factor", type=float, default=1.0, help="1: a reading in 15 minutes")
    load.add_argument("--minutes", type=float, default=2.0, help="how long they send")
    load.add_argument("--database", metavar="URL", help="instead of SQLite, which is forgotten")


def _load(arguments: argparse.Namespace) -> int:
    options = LoadOptions(
        meters=arguments.meters,
        factor=arguments.factor,
        minutes=arguments.minutes,
        url=arguments.database,
    )
    try:
        report = run_load(options, _tell)
    except (ValueError, MosquittoMissingError) as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(report_lines(report)))
    return 0 if report.keeps_up else 1


def _show(places: Places, rate: float, *, has_window: bool) -> int:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    town = load_town()
    began_s = time.monotonic()
    if not is_set_up(places):
        set_up(
            places,
            town,
            DEFAULT_START_UTC,
            PastWanted(days=SHOWN_HISTORY_DAYS, has_desk=True),
            _tell,
        )
        _tell(f"the town was built in {time.monotonic() - began_s:.0f} s")
    has_display = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    crew = "demo.run_tablet" if has_window and has_display else "demo.run_crew"
    options = RunOptions(
        rate=rate, gateway_processes=len(town.gateways), crew=crew, has_other_crews=True
    )
    return show_town(places, town, options, stop, _tell)


def _tell(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
