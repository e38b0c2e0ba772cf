"""Does what the command line asks: screens, the demo, or one thing without screens."""

import argparse
import logging
import sys
from collections.abc import Callable, Mapping
from typing import Final

from field_app.clock_io import SystemClock
from field_app.config import TabletConfig
from field_app.config_io import ConfigError
from field_app.crew import HeadlessCrew
from field_app.interpreter_io import settle_interpreter
from field_app.platform.hardware_io import TrackError, read_track
from field_app.store.database_io import StoreFullError, StoreTooNewError
from field_app.sync.reasons import Reason, SyncProblem
from field_app.ui.environment_io import NoWindowError
from wire_contracts.clock import Clock
from wire_contracts.errors import ContractError
from wire_contracts.sync import SyncApi

COMMAND_LINE: Final = "command line"

_TOLD: Final = (
    ConfigError,
    StoreTooNewError,
    StoreFullError,
    NoWindowError,
    ContractError,
    SyncProblem,
    TrackError,
)
"""What a person can act on is told in one line, without a traceback."""


def run(config: TabletConfig, options: argparse.Namespace) -> int:
    """Do what the options ask; return the exit status."""
    settle_interpreter()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    try:
        if options.headless is None:
            return _run_screens(config, options)
        return _run_headless(config, options)
    except _TOLD as error:
        sys.stderr.write(f"field-app: {error}\n")
        return 1 if isinstance(error, SyncProblem) else 2


def _run_screens(config: TabletConfig, options: argparse.Namespace) -> int:
    # Kivy opens a window when it is imported: not before it is wanted
    from field_app.app import Run, run_app  # noqa: PLC0415

    clock = SystemClock()
    track = () if options.track is None else read_track(options.track)
    office = _demo_office(config, clock) if options.demo else None
    run_app(config, clock, Run(office=office, track=track, is_check=options.check))
    if options.check:
        _say("field-app: the first page was drawn")
    return 0


def _demo_office(config: TabletConfig, clock: Clock) -> SyncApi:
    from field_app.demo_office import DemoOffice, prepare_demo  # noqa: PLC0415 - the demo alone

    try:
        prepare_demo(config.data, clock)
    except ValueError as error:
        raise ConfigError(COMMAND_LINE, "--demo", str(error), "name another --data") from error
    return DemoOffice(clock)


def _run_headless(config: TabletConfig, options: argparse.Namespace) -> int:
    crew = HeadlessCrew(config.data, SystemClock())
    try:
        if options.headless == "enrol":
            return _enrol(crew, config, options.code)
        return _PLAIN[options.headless](crew)
    finally:
        crew.close()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _enrol(crew: HeadlessCrew, config: TabletConfig, code: str | None) -> int:
    if not config.server_url:
        raise ConfigError(COMMAND_LINE, "--server", "is missing", "give the server's address")
    if not code:
        raise ConfigError(COMMAND_LINE, "--code", "is missing", "the office shows it once")
    crew.enrol(config.server_url, code, device_name=config.device_name)
    return _sync(crew)


def _sync(crew: HeadlessCrew) -> int:
    verdict = crew.sync_now()
    waiting = crew.status().outbox.waiting
    _say(f"{verdict.reason}: {verdict.settled} settled, {waiting} waiting {verdict.detail}".strip())
    return 0 if verdict.reason is Reason.NONE else 1


def _print_orders(crew: HeadlessCrew) -> int:
    for line in crew.open_orders():
        _say(f"{line.number}\t{line.safety_class}\t{line.state}\t{line.title.en}\t{line.address}")
    return 0


def _print_status(crew: HeadlessCrew) -> int:
    status = crew.status()
    _say(
        f"reason: {status.reason}\nwaiting: {status.outbox.waiting}\n"
        f"held: {status.outbox.held}\nneeds a look: {status.outbox.needs_look}"
    )
    return 0


_PLAIN: Final[Mapping[str, Callable[[HeadlessCrew], int]]] = {
    "sync": _sync,
    "orders": _print_orders,
    "status": _print_status,
}
"""What is done without screens and needs no further option."""
