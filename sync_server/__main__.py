"""The command `sync-server`: serve, back up, add meters, correct readings, check, order."""

import argparse
import getpass
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine

from sync_server.access.account_store import NewAccount, account_of_login, create_account
from sync_server.access.factor_desk import FactorDesk
from sync_server.access.passwords_io import PasswordHasherIo
from sync_server.access.roles import Role
from sync_server.archive import commands_io as archive_commands
from sync_server.assets.assets import AssetError
from sync_server.assets.import_io import import_meters
from sync_server.assets.network_import_io import import_network
from sync_server.authority import commands_io as authority_commands
from sync_server.balances import commands_io as balance_commands
from sync_server.clock_io import SystemClock
from sync_server.config import SERVER_VERSION, ConfigError, ServerConfig
from sync_server.config_io import load_config, parse_config
from sync_server.customers.import_io import import_homes
from sync_server.db.engine_io import open_engine, reading
from sync_server.db.migrate_io import migrate
from sync_server.exports import commands_io as export_commands
from sync_server.forms import commands_io as form_commands
from sync_server.gateways import commands_io as gateway_commands
from sync_server.logs_io import configure_logs
from sync_server.readings.corrections import CorrectionRule, describe
from sync_server.readings.corrections_io import (
    ApplyOrder,
    CorrectionFileError,
    Listener,
    apply_corrections,
    export_raw,
)
from sync_server.readings.raw_export_store import Wanted
from sync_server.run import ALL_PARTS, Part, run_server
from sync_server.run_site import blob_folder, sealing_folder
from sync_server.safekeeping import commands_io as safe_commands
from sync_server.sync import commands_io as sync_commands
from sync_server.trials import commands_io as trial_commands
from sync_server.vans.van_import_io import import_detectors, import_parts
from wire_contracts.errors import ContractError

_PASSWORD_VARIABLE = "LAMPLIGHTER_NEW_PASSWORD"  # noqa: S105  # a variable's name, not a secret


class UnusedCorrectionsError(RuntimeError):
    """Some lines of a file of corrections were not used; each was named before."""


_REFUSALS = (
    ConfigError,
    AssetError,
    ContractError,
    CorrectionFileError,
    UnusedCorrectionsError,
    *authority_commands.REFUSALS,
    *archive_commands.REFUSALS,
    *safe_commands.REFUSALS,
    *sync_commands.REFUSALS,
    *form_commands.REFUSALS,
    *gateway_commands.REFUSALS,
    *trial_commands.REFUSALS,
    *balance_commands.REFUSALS,
)
"""What ends a command with status 1 and its text."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the exit status: 0 done, 1 refused with the reason printed."""
    options = _parser().parse_args(arguments)
    try:
        config = _config(options.config, options.data)
        _COMMANDS[options.command](config, options)
    except _REFUSALS as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sync-server", description=__doc__)
    parser.add_argument("--version", action="version", version=f"%(prog)s {SERVER_VERSION}")
    parser.set_defaults(config=None, data=Path("var"))
    _add_place(parser)
    commands = parser.add_subparsers(dest="command", required=True)

    def add(name: str, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text)
        _add_place(command)
        return command

    serve = add("serve", "run the server until SIGTERM or Ctrl-C")
    serve.add_argument(
        "--only",
        action="append",
        type=Part,
        choices=list(Part),
        help="do this part alone; may be repeated. Without it one process does everything. A "
        "large site gives ingest a process of its own, and the other parts another one, over the "
        "same database, so that the pages stay quick while many frames come in",
    )
    serve.add_argument(
        "--health-port",
        type=int,
        help="port on which a process without the part `pages` answers /health/live,"
        " /health/ready and, to this machine, /metrics; without it such a process answers nobody",
    )
    serve.add_argument("--pretty", action="store_true", help="log for the eye instead of as JSON")
    safe_commands.add_safe_commands(add)
    archive_commands.add_archive_commands(add)
    meters = add("import-meters", "add meters from a CSV file")
    meters.add_argument("file", type=Path)
    network = add("import-network", "put pipes, wells, valves and boxes onto the map, from GeoJSON")
    network.add_argument("file", type=Path)
    homes = add("import-customers", "add homes with their customers from a CSV file")
    homes.add_argument("file", type=Path)
    parts = add("import-van-parts", "put the parts of crews' vans onto their lists, from CSV")
    parts.add_argument("file", type=Path)
    detectors = add("import-detectors", "add gas detectors with their calibration, from CSV")
    detectors.add_argument("file", type=Path)
    account = add("create-account", "add a person; asks for the password")
    account.add_argument("login")
    account.add_argument("--role", type=Role, choices=list(Role), required=True)
    account.add_argument("--name", default="")
    account.add_argument("--language", choices=("zh", "en"), default="zh")
    account.add_argument("--crew")
    lost = add("reset-second-factor", "take a second factor away whose device is lost")
    lost.add_argument("login")
    _add_corrections(add)
    sync_commands.add_sync_commands(add)
    export_commands.add_export_commands(add)
    authority_commands.add_authority_command(add)
    gateway_commands.add_gateway_commands(add)
    form_commands.add_form_commands(add)
    trial_commands.add_trial_commands(add)
    balance_commands.add_balance_commands(add)
    return parser


def _add_corrections(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    export = add("export-raw", "write the register words of readings to a file, to decode again")
    export.add_argument("file", type=Path)
    export.add_argument("--profile", help="what decoded them, such as tuf_2000m@1")
    export.add_argument("--device", help="serial number of one device")
    export.add_argument("--from", dest="from_utc", type=_moment, help="2026-11-01T00:00Z")
    export.add_argument("--to", dest="to_utc", type=_moment, help="up to here, itself left out")
    apply = add("apply-corrections", "take readings decoded again by a higher profile revision")
    apply.add_argument("file", type=Path)
    apply.add_argument(
        "--dry-run", action="store_true", help="change nothing, print the difference"
    )
    apply.add_argument(
        "--other-profile", action="store_true", help="the meters were read with the wrong profile"
    )
    apply.add_argument(
        "--over", default="", metavar="P@REV", help="a revision that was a mistake, to be replaced"
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        message = f"{text!r} has no time zone; write it like 2026-11-01T00:00Z"
        raise argparse.ArgumentTypeError(message)
    return moment.astimezone(UTC)


def _add_place(parser: argparse.ArgumentParser) -> None:
    """Let `--config` and `--data` stand before the command or behind it."""
    unset = argparse.SUPPRESS
    parser.add_argument("--config", type=Path, default=unset, help="settings file (TOML)")
    parser.add_argument("--data", type=Path, default=unset, help="data folder without one")


def _config(path: Path | None, data: Path) -> ServerConfig:
    if path is not None:
        return load_config(path)
    return parse_config(
        f'[server]\ndata = "{data.resolve().as_posix()}"', place="--data", folder=Path()
    )


def _serve(config: ServerConfig, options: argparse.Namespace) -> None:
    configure_logs(is_pretty=options.pretty)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    parts = options.only or ALL_PARTS
    run_server(
        config,
        SystemClock(),
        stop,
        announce=_print_link,
        parts=parts,
        health_port=options.health_port,
    )


def _print_link(url: str) -> None:
    print(f"Open this link once to set the administrator: {url}", flush=True)


def _safe_desk(
    work: Callable[[safe_commands.SafeDesk, argparse.Namespace], None],
) -> Callable[[ServerConfig, argparse.Namespace], None]:
    def run(config: ServerConfig, options: argparse.Namespace) -> None:
        desk = safe_commands.SafeDesk(
            database_url=config.database_url,
            blob_folder=blob_folder(config),
            sealing_folder=sealing_folder(config),
            say=print,
            anchor_file=config.anchor_file,
        )
        work(desk, options)

    return run


def _archive_desk(
    work: Callable[[archive_commands.ArchiveDesk, argparse.Namespace], None],
) -> Callable[[ServerConfig, argparse.Namespace], None]:
    def run(config: ServerConfig, options: argparse.Namespace) -> None:
        desk = archive_commands.ArchiveDesk(
            database_url=config.database_url,
            folder=config.archive_folder,
            zone=config.timezone,
            say=print,
        )
        work(desk, options)

    return run


def _import(
    work: Callable[[Connection, Path, datetime], int], what: str
) -> Callable[[ServerConfig, argparse.Namespace], None]:
    """Return the command that brings a file in, in one transaction, and says how many of what."""

    def run(config: ServerConfig, options: argparse.Namespace) -> None:
        engine = open_engine(config.database_url)
        try:
            migrate(engine)
            with engine.begin() as connection:
                count = work(connection, options.file, SystemClock().now_utc())
        finally:
            engine.dispose()
        print(f"{count} {what}")

    return run


def _import_network(config: ServerConfig, options: argparse.Namespace) -> None:
    engine = open_engine(config.database_url)
    try:
        migrate(engine)
        with engine.begin() as connection:
            found = import_network(connection, options.file, SystemClock().now_utc())
    finally:
        engine.dispose()
    print(f"{found.areas} areas, {found.pipes} pipes, {found.points} points")


def _create_account(config: ServerConfig, options: argparse.Namespace) -> None:
    password = os.environ.get(_PASSWORD_VARIABLE) or getpass.getpass("Password: ")
    account = NewAccount(
        login=options.login,
        display_name=options.name or options.login,
        role=options.role,
        password_hash=PasswordHasherIo().hash(password),
        language=options.language,
        crew_id=options.crew,
    )
    engine = open_engine(config.database_url)
    try:
        migrate(engine)
        with engine.begin() as connection:
            create_account(connection, account, SystemClock().now_utc())
    finally:
        engine.dispose()
    print(f"{options.login} may log in")


def _reset_second_factor(config: ServerConfig, options: argparse.Namespace) -> None:
    """Take a person's second factor away: for the last administrator who lost the device."""
    engine = open_engine(config.database_url)
    try:
        migrate(engine)
        with reading(engine) as connection:
            account_id = account_of_login(connection, options.login)
        is_removed = FactorDesk(engine, SystemClock()).take_away(account_id, "command")
    finally:
        engine.dispose()
    had = "has no second factor any more" if is_removed else "had none"
    print(f"{options.login} {had}")


def _export_raw(config: ServerConfig, options: argparse.Namespace) -> None:
    wanted = Wanted(
        profile=options.profile,
        device=options.device,
        from_utc=options.from_utc,
        to_utc=options.to_utc,
    )
    engine = open_engine(config.database_url)
    try:
        migrate(engine)
        count = export_raw(engine, wanted, options.file, _LISTENER)
    finally:
        engine.dispose()
    print(f"{count} lines to {options.file}")


def _apply_corrections(config: ServerConfig, options: argparse.Namespace) -> None:
    engine = open_engine(config.database_url)
    try:
        migrate(engine)
        applied = apply_corrections(
            engine,
            options.file,
            SystemClock(),
            _LISTENER,
            order=ApplyOrder(
                is_dry_run=options.dry_run,
                rule=CorrectionRule(is_other_profile=options.other_profile, over=options.over),
            ),
        )
    finally:
        engine.dispose()
    for line in describe(applied.tally, is_dry_run=options.dry_run):
        print(line)
    if applied.unused_count:
        message = f"{options.file}: {applied.unused_count} lines were not used; see above"
        raise UnusedCorrectionsError(message)


def _complain(text: str) -> None:
    print(text, file=sys.stderr)


def _show_progress(count: int) -> None:
    """Tell a person at a terminal how far long work is; a log file is spared."""
    if sys.stderr.isatty():
        print(f"\r{count} lines ", end="", file=sys.stderr, flush=True)


_LISTENER = Listener(complain=_complain, progress=_show_progress)


def _sync_desk(
    work: Callable[[sync_commands.SyncDesk, argparse.Namespace], None],
) -> Callable[[ServerConfig, argparse.Namespace], None]:
    def run(config: ServerConfig, options: argparse.Namespace) -> None:
        engine = open_engine(config.database_url)
        try:
            migrate(engine)
            desk = sync_commands.SyncDesk(
                engine=engine,
                clock=SystemClock(),
                say=print,
                sealing_folder=sealing_folder(config),
                blob_folder=blob_folder(config),
            )
            work(desk, options)
        finally:
            engine.dispose()

    return run


def _forms_desk(
    work: Callable[[form_commands.FormsDesk, argparse.Namespace], None],
) -> Callable[[ServerConfig, argparse.Namespace], None]:
    def run(config: ServerConfig, options: argparse.Namespace) -> None:
        config.data.mkdir(parents=True, exist_ok=True)
        engine = open_engine(config.database_url)
        try:
            migrate(engine)
            work(form_commands.FormsDesk(engine=engine, clock=SystemClock(), say=print), options)
        finally:
            engine.dispose()

    return run


def _authority(config: ServerConfig, options: argparse.Namespace) -> None:
    folder = config.data / "authority"
    desk = authority_commands.AuthorityDesk(folder=folder, clock=SystemClock(), say=print)
    authority_commands.run_authority(desk, options)


def _gateway_keys(_config: ServerConfig, options: argparse.Namespace) -> None:
    print(gateway_commands.make_key(options))


def _broker_acl(_config: ServerConfig, options: argparse.Namespace) -> None:
    print(gateway_commands.acl_lines(options))


def _gateway_config(config: ServerConfig, options: argparse.Namespace) -> None:
    _at_order_desk(config, options, gateway_commands.run_config)


def _gateway_command(config: ServerConfig, options: argparse.Namespace) -> None:
    _at_order_desk(config, options, gateway_commands.run_order)


def _at_order_desk(
    config: ServerConfig,
    options: argparse.Namespace,
    work: Callable[[gateway_commands.OrderDesk, argparse.Namespace], None],
) -> None:
    engine = open_engine(config.database_url)
    try:
        migrate(engine)
        work(gateway_commands.OrderDesk(engine=engine, clock=SystemClock(), say=print), options)
    finally:
        engine.dispose()


def _export_person(engine: Engine, options: argparse.Namespace, say: export_commands.Say) -> None:
    export_commands.export_person(engine, SystemClock(), options, say)


def _replay(_config: ServerConfig, options: argparse.Namespace) -> None:
    trial_commands.run_replay(options, print)


def _trial(
    work: Callable[[Engine, argparse.Namespace, trial_commands.Say], None],
) -> Callable[[ServerConfig, argparse.Namespace], None]:
    def run(config: ServerConfig, options: argparse.Namespace) -> None:
        engine = open_engine(config.database_url)
        try:
            migrate(engine)
            work(engine, options, print)
        finally:
            engine.dispose()

    return run


def _at_site(
    work: Callable[[Engine, argparse.Namespace, balance_commands.Site], None],
) -> Callable[[ServerConfig, argparse.Namespace], None]:
    def run(config: ServerConfig, options: argparse.Namespace) -> None:
        engine = open_engine(config.database_url)
        try:
            migrate(engine)
            now_utc = SystemClock().now_utc()
            site = balance_commands.Site(zone=config.timezone, now_utc=now_utc, say=print)
            work(engine, options, site)
        finally:
            engine.dispose()

    return run


_COMMANDS: Mapping[str, Callable[[ServerConfig, argparse.Namespace], None]] = {
    "serve": _serve,
    "backup": _safe_desk(safe_commands.run_backup),
    "restore": _safe_desk(safe_commands.run_restore),
    "copy-photos": _safe_desk(safe_commands.run_copy_photos),
    "new-epoch": _safe_desk(safe_commands.run_new_epoch),
    "verify-audit": _safe_desk(safe_commands.run_verify_audit),
    "migrate-database": _safe_desk(safe_commands.run_migrate_database),
    "archive-readings": _archive_desk(archive_commands.run_archive_readings),
    "retention": _archive_desk(archive_commands.run_retention),
    "import-meters": _import(import_meters, "meters"),
    "import-customers": _import(import_homes, "homes"),
    "import-van-parts": _import(import_parts, "parts"),
    "import-detectors": _import(import_detectors, "detectors"),
    "import-network": _import_network,
    "create-account": _create_account,
    "reset-second-factor": _reset_second_factor,
    "export-raw": _export_raw,
    "apply-corrections": _apply_corrections,
    "check-sync": _sync_desk(sync_commands.check_sync),
    "sealing-keys": _sync_desk(sync_commands.sealing_keys),
    "erase-person": _sync_desk(sync_commands.erase_person),
    "export-person": _trial(_export_person),
    "forms": _forms_desk(form_commands.list_all),
    "add-form": _forms_desk(form_commands.add_form),
    "publish-form": _forms_desk(form_commands.publish),
    "withdraw-form": _forms_desk(form_commands.withdraw),
    "export-answers": _forms_desk(form_commands.export_answers),
    "ca": _authority,
    "gateway-keys": _gateway_keys,
    "gateway-config": _gateway_config,
    "gateway-command": _gateway_command,
    "broker-acl": _broker_acl,
    "replay": _replay,
    "backtest": _trial(trial_commands.run_backtest),
    "relearn": _trial(trial_commands.run_relearn),
    "yearly-balances": _at_site(balance_commands.run_yearly_balances),
    "export-cases": _trial(trial_commands.run_export_cases),
    "note-meter": _trial(trial_commands.run_note_meter),
    "import-weather": _trial(trial_commands.run_import_weather),
    "import-meter-traits": _trial(trial_commands.run_import_traits),
    "import-stations": _trial(trial_commands.run_import_stations),
    "import-prices": _trial(trial_commands.run_import_prices),
}


if __name__ == "__main__":
    sys.exit(main())
