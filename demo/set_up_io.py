"""Prepares the town's data once: ports, secrets, database, people, past, settings files."""

import json
import os
import secrets
import shutil
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from demo.accounts import plan_accounts
from demo.broker_access import SERVER_ACCOUNT, digest
from demo.faults_io import TruthFile
from demo.gateway_configs_io import write_gateway_configs
from demo.history import Past, household_history, meter_history
from demo.inspections import plan_inspections
from demo.places import Places
from demo.seed_desk_io import seed_desk, seed_shared_order, seed_suspects
from demo.seed_server_io import (
    seed_assets,
    seed_customers,
    seed_inspections,
    seed_past,
    seed_people,
    seed_vans,
)
from demo.story import standing_faults
from demo.town import Town
from sync_server.access.passwords_io import hasher_for_drawn_passwords
from sync_server.db.engine_io import open_engine
from sync_server.db.migrate_io import migrate

SITE_NAME = "明川公用事业 Mingchuan Utilities"

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PastWanted:
    """How much past the town is given.

    Attributes:
        days: Days of quarter-hourly readings of the remotely read meters.
        has_homes: Whether the homes' 13 months are given, too, and last month's suspect meters.
        has_desk: Whether the service desk has lived through five weeks of calls.
    """

    days: int
    has_homes: bool = True
    has_desk: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The loopback ports of broker and server, and of the tablet's way to the server."""

    broker: int
    server: int
    network: int


def reader_language() -> str:
    """Return the language of who starts the demo, from the environment: `zh` or `en`."""
    named = os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    return "zh" if named.startswith("zh") else "en"


def free_ports(count: int) -> list[int]:
    """Return loopback ports that are free now, all different."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def is_set_up(places: Places) -> bool:
    """Return whether a former run has prepared everything."""
    return places.ready_mark.exists()


def forget_town(places: Places) -> None:
    """Delete the town's data."""
    if places.root.exists():
        shutil.rmtree(places.root)


def set_up(places: Places, town: Town, start_utc: datetime, wanted: PastWanted, tell: Tell) -> None:
    """Prepare everything; a half-prepared folder is begun afresh.

    Args:
        places: Where.
        town: Whose.
        start_utc: The moment at which the town's clock will start.
        wanted: How much past it is given.
        tell: Called with a line about what is being done.
    """
    forget_town(places)
    for file in (places.clock_file, places.broker_accounts_file, places.server_config):
        file.parent.mkdir(parents=True)
    _write_secrets(places, [str(box.gateway_id) for box in town.gateways])
    engine = open_engine(database_url(places))
    try:
        tell("making the database")
        migrate(engine)
        _seed(engine, places, town, start_utc)
        faults = standing_faults(town, start_utc)
        truth = TruthFile(places.truth_file)
        for fault in faults:
            truth.inject(fault)
        past = Past(town=town, until_utc=start_utc, days=wanted.days, faults=faults)
        tell(f"giving {len(town.meters)} meters {wanted.days} days of quarter-hourly readings")
        seed_past(engine, meter_history(past), start_utc)
        if wanted.has_homes:
            tell(f"giving {len(town.households)} homes 13 months of readings")
            seed_past(engine, household_history(past), start_utc)
            tell("looking for last month's suspect meters")
            seed_suspects(engine, start_utc)
        if wanted.has_desk:
            tell("letting the service desk live through five weeks of calls")
            seed_desk(engine, town, start_utc)
            seed_shared_order(engine, town, start_utc)
    finally:
        engine.dispose()
    places.ready_mark.write_text("set up\n", encoding="utf-8")


def choose_ports(places: Places, town: Town) -> Ports:
    """Choose free ports for this run and write every settings file that names one."""
    broker, server, network, *meters = free_ports(3 + len(town.gateways))
    by_gateway = {
        str(box.gateway_id): port for box, port in zip(town.gateways, meters, strict=True)
    }
    ports = Ports(
        broker=broker,
        server=_kept_port(places, "server", server),
        network=_kept_port(places, "network", network),
    )
    _write_json(places.meter_ports_file, by_gateway)
    _write_json(places.ports_file, asdict(ports))
    write_gateway_configs(town, places, ports.broker, by_gateway)
    places.server_config.write_text(_server_toml(places, ports), encoding="utf-8")
    return ports


def load_accounts(places: Places) -> Mapping[str, str]:
    """Return login to password of the demo's people."""
    accounts: dict[str, str] = json.loads(places.accounts_file.read_text(encoding="utf-8"))
    return accounts


def database_url(places: Places) -> str:
    """Return the URL of the server's database."""
    return f"sqlite:///{places.server_config.parent.resolve() / 'server.sqlite3'}"


def _kept_port(places: Places, name: str, fresh: int) -> int:
    """Return the former port when it is free, so that a bookmark and a tablet stay right."""
    if not places.ports_file.exists():
        return fresh
    former = int(json.loads(places.ports_file.read_text(encoding="utf-8"))[name])
    try:
        socket.create_server(("127.0.0.1", former)).close()
    except OSError:
        return fresh
    return former


def _write_json(file_path: Path, value: Mapping[str, int | str]) -> None:
    file_path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def _write_secrets(places: Places, gateway_ids: Iterable[str]) -> None:
    digests = {}
    for account in (SERVER_ACCOUNT, *gateway_ids):
        password = secrets.token_urlsafe(32)
        file = places.secret_file(account)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(password + "\n", encoding="utf-8")
        digests[account] = digest(password)
    _write_json(places.broker_accounts_file, digests)


def _seed(engine: Engine, places: Places, town: Town, start_utc: datetime) -> None:
    hasher = hasher_for_drawn_passwords()
    passwords = {account.login: secrets.token_urlsafe(9) for account in plan_accounts(town)}
    hashed = [(each, hasher.hash(passwords[each.login])) for each in plan_accounts(town)]
    places.accounts_file.touch(mode=0o600)
    _write_json(places.accounts_file, passwords)
    with engine.begin() as connection:
        seed_assets(connection, town, start_utc)
        seed_customers(connection, town, start_utc)
        seed_people(connection, town, hashed, start_utc, language=reader_language())
        seed_inspections(connection, plan_inspections(town, start_utc), start_utc)
        seed_vans(connection, town, start_utc)


def _server_toml(places: Places, ports: Ports) -> str:
    folder = places.server_config.parent.resolve()
    return f"""\
[server]
data = "{folder}"
listen_host = "127.0.0.1"
listen_port = {ports.server}
public_url = "http://127.0.0.1:{ports.server}"
language = "{reader_language()}"
site_name = "{SITE_NAME}"
timezone = "Asia/Shanghai"

[database]
url = "{database_url(places)}"

[mqtt]
host = "127.0.0.1"
port = {ports.broker}
username = "{SERVER_ACCOUNT}"
password_file = "{places.secret_file(SERVER_ACCOUNT).resolve()}"
"""
