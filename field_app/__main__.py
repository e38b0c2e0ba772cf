"""Starts the tablet: with its screens, or without them for one command."""

import argparse
import logging
import sys
from pathlib import Path

from field_app.clock_io import SystemClock
from field_app.config import APP_VERSION, TabletConfig
from field_app.config_io import ConfigError, check_config, load_config
from field_app.crew import HeadlessCrew
from field_app.interpreter_io import settle_interpreter
from field_app.store.database_io import StoreFullError, StoreTooNewError
from field_app.sync.reasons import Reason, SyncProblem
from field_app.ui.environment_io import NoWindowError
from wire_contracts.errors import ContractError

_COMMAND_LINE = "command line"

_TOLD = (
    ConfigError,
    StoreTooNewError,
    StoreFullError,
    NoWindowError,
    ContractError,
    SyncProblem,
)
"""What a person can act on is told in one line, without a traceback."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status: 0 well, 1 no contact, 2 wrong use."""
    options = _parser().parse_args(arguments)
    settle_interpreter()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    try:
        config = _config(options)
        if options.headless is None:
            return _run_screens(config)
        return _run_headless(config, options)
    except _TOLD as error:
        print(f"field-app: {error}", file=sys.stderr)
        return 1 if isinstance(error, SyncProblem) else 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="field-app", description="The crew's tablet.")
    parser.add_argument("--version", action="version", version=f"field-app {APP_VERSION}")
    parser.add_argument("--config", type=Path, help="TOML file with the section [tablet]")
    parser.add_argument("--data", type=Path, help="folder of everything the tablet keeps")
    parser.add_argument("--server", help="address of the server, such as https://lamp.example.com")
    parser.add_argument(
        "--headless",
        choices=("enrol", "sync", "orders", "status"),
        help="do one thing without screens, then end",
    )
    parser.add_argument("--code", help="one-time code for --headless enrol")
    return parser


def _config(options: argparse.Namespace) -> TabletConfig:
    base = TabletConfig() if options.config is None else load_config(options.config)
    config = TabletConfig(
        data=options.data or base.data,
        server_url=options.server or base.server_url,
        device_name=base.device_name,
        language=base.language,
        timezone=base.timezone,
    )
    return check_config(_COMMAND_LINE, config)


def _run_screens(config: TabletConfig) -> int:
    # Kivy opens a window when it is imported: not before it is wanted
    from field_app.app import run_app  # noqa: PLC0415

    run_app(config)
    return 0


def _run_headless(config: TabletConfig, options: argparse.Namespace) -> int:
    crew = HeadlessCrew(config.data, SystemClock())
    try:
        if options.headless == "enrol":
            return _enrol(crew, config, options.code)
        if options.headless == "sync":
            return _sync(crew)
        if options.headless == "orders":
            return _print_orders(crew)
        return _print_status(crew)
    finally:
        crew.close()


def _enrol(crew: HeadlessCrew, config: TabletConfig, code: str | None) -> int:
    if not config.server_url:
        raise ConfigError(_COMMAND_LINE, "--server", "is missing", "give the server's address")
    if not code:
        raise ConfigError(_COMMAND_LINE, "--code", "is missing", "the office shows it once")
    crew.enrol(config.server_url, code, device_name=config.device_name)
    return _sync(crew)


def _sync(crew: HeadlessCrew) -> int:
    verdict = crew.sync_now()
    waiting = crew.status().outbox.waiting
    print(
        f"{verdict.reason}: {verdict.settled} settled, {waiting} waiting {verdict.detail}".strip()
    )
    return 0 if verdict.reason is Reason.NONE else 1


def _print_orders(crew: HeadlessCrew) -> int:
    for line in crew.open_orders():
        print(f"{line.number}\t{line.safety_class}\t{line.state}\t{line.title.en}\t{line.address}")
    return 0


def _print_status(crew: HeadlessCrew) -> int:
    status = crew.status()
    print(
        f"reason: {status.reason}\nwaiting: {status.outbox.waiting}\n"
        f"held: {status.outbox.held}\nneeds a look: {status.outbox.needs_look}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
