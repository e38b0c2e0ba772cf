"""The commands that order gateways about: keys, configuration revisions, single orders."""

import argparse
import getpass
import re
import threading
import time
import tomllib
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine

from sync_server.db.engine_io import reading
from sync_server.gateways.broker_acl import BrokerKind, broker_acl
from sync_server.gateways.health_store import load_health
from sync_server.gateways.order_store import (
    OrderRecord,
    add_order,
    get_order,
    list_orders,
    next_number,
)
from sync_server.gateways.signing_io import KeyFileError, load_key, new_key, sign
from wire_contracts.clock import Clock
from wire_contracts.errors import ContractError
from wire_contracts.gateway_commands import (
    LONGEST_LIFE,
    ApplyConfig,
    Command,
    GetConfig,
    IdentifyMeter,
    Order,
    Ping,
    ReadNow,
    RevisionProfile,
    RollbackConfig,
    SignedText,
    WriteRegister,
    dump_command,
    dump_signed,
    parse_command,
)
from wire_contracts.payloads import MAX_WIRE_BYTES, pack, read_json
from wire_contracts.texts import printable
from wire_contracts.topics import check_gateway_id

DEFAULT_LIFE = "1h"
_LIFE = re.compile(r"([1-9][0-9]{0,4})(m|h|d)")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_POLL_S = 0.2


class OrderError(ValueError):
    """An order that cannot be given, or that was not carried out; the text says why."""


AddCommand = Callable[[str, str], argparse.ArgumentParser]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDesk:
    """What the commands work with.

    Attributes:
        engine: The database.
        clock: What time it is.
        say: Takes a line for the person who typed the command.
    """

    engine: Engine
    clock: Clock
    say: Callable[[str], None]


def add_gateway_commands(add: AddCommand) -> None:
    """Add the three commands to the parser of `sync-server`."""
    keys = add("gateway-keys", "keys with which people sign orders to gateways")
    inner = keys.add_subparsers(dest="subcommand", required=True)
    new = inner.add_parser("new", help="make a key; prints the line that gateways must trust")
    new.add_argument("file", type=Path, help="where the private half goes")
    config = add("gateway-config", "settings of gateways, as signed revisions")
    inner = config.add_subparsers(dest="subcommand", required=True)
    push = inner.add_parser("push", help="sign a file of settings and have it sent")
    push.add_argument("gateway")
    push.add_argument("file", type=Path, help="TOML: [[link]], [queue], intervals")
    push.add_argument(
        "--profile", type=Path, action="append", default=[], help="ID@REVISION.toml to go with it"
    )
    _add_signing(push)
    status = inner.add_parser("status", help="which settings gateways have, and what was ordered")
    status.add_argument("gateway", nargs="?")
    _add_orders(add("gateway-command", "one signed order to a gateway"))
    acl = add("broker-acl", "print the broker's rules: each gateway its own topics")
    acl.add_argument("--broker", type=BrokerKind, choices=list(BrokerKind), default="mosquitto")
    acl.add_argument("--server-name", default="server", help="the server's name at the broker")


def _add_orders(command: argparse.ArgumentParser) -> None:
    inner = command.add_subparsers(dest="subcommand", required=True)

    def order(name: str, text: str, *values: str) -> argparse.ArgumentParser:
        parser = inner.add_parser(name, help=text)
        for value in ("gateway", *values):
            parser.add_argument(value)
        _add_signing(parser)
        return parser

    order("ping", "is it there?")
    order("get-config", "which settings are in force?")
    order("read-now", "read a meter at once", "meter").add_argument("--group")
    order("identify", "what answers at a meter's address?", "meter")
    order("write", "write a value into a meter", "meter", "register", "value")
    order("rollback-config", "leave a revision", "number")


def _add_signing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--key", type=Path, required=True, help="file with the private key")
    parser.add_argument("--expires", default=DEFAULT_LIFE, help="30m, 1h, 7d; 30d at most")
    parser.add_argument("--by", default="", help="who orders it, for the audit")
    parser.add_argument("--wait", type=int, default=0, help="seconds to wait for the answer")


def acl_lines(options: argparse.Namespace) -> str:
    """Return the broker's rules as text."""
    return "\n".join(broker_acl(BrokerKind(options.broker), options.server_name))


def make_key(options: argparse.Namespace) -> str:
    """Make a key; return the setting with which gateways trust it."""
    return f'trusted_keys = ["{new_key(options.file)}"]'


def run_config(desk: OrderDesk, options: argparse.Namespace) -> None:
    """Push a revision, or show where gateways stand."""
    if options.subcommand == "status":
        _show_status(desk, options.gateway)
        return
    settings = _settings(options.file)
    profiles = tuple(_profile(path) for path in options.profile)

    def revision(connection: Connection) -> Order:
        number = next_number(connection, options.gateway)
        return ApplyConfig(number=number, settings=settings, profiles=profiles)

    _give(desk, options, revision)


def run_order(desk: OrderDesk, options: argparse.Namespace) -> None:
    """Give one order."""
    order = _ORDERS[options.subcommand](options)
    _give(desk, options, lambda _connection: order)


_ORDERS: Mapping[str, Callable[[argparse.Namespace], Order]] = {
    "ping": lambda _: Ping(),
    "get-config": lambda _: GetConfig(),
    "read-now": lambda options: ReadNow(meter=options.meter, group=options.group),
    "identify": lambda options: IdentifyMeter(meter=options.meter),
    "write": lambda options: WriteRegister(
        meter=options.meter, register=options.register, value=options.value
    ),
    "rollback-config": lambda options: RollbackConfig(number=_whole(options.number)),
}


def _whole(text: str) -> int:
    if not text.isdecimal():
        message = f"number: {text!r} is no revision; see `sync-server gateway-config status`"
        raise OrderError(message)
    return int(text)


def _settings(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
        tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        message = f"{path}: file: is no TOML ({error}); correct it, the gateway judges the rest"
        raise OrderError(message) from None
    return text


def _profile(path: Path) -> RevisionProfile:
    try:
        return RevisionProfile(file_name=path.name, text=path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path}: file: cannot be read ({error}); give a profile file"
        raise OrderError(message) from None


def _life(text: str) -> timedelta:
    found = _LIFE.fullmatch(text)
    life = int(found[1]) * _UNITS[found[2]] if found is not None else timedelta(0)
    if not timedelta(0) < life <= LONGEST_LIFE:
        message = f"--expires: is {text!r}; give a length such as 30m, 1h, 7d, at most 30d"
        raise OrderError(message)
    return life


def _give(
    desk: OrderDesk, options: argparse.Namespace, make: Callable[[Connection], Order]
) -> None:
    """Sign an order, keep it to be sent, and wait for the answer when asked to."""
    key = load_key(options.key)
    with desk.engine.begin() as connection:
        command = _command(desk, options, make(connection))
        add_order(connection, command, _signed(command, key), desk.clock.now_utc())
    order = command.order
    what = f"revision {order.number}" if isinstance(order, ApplyConfig) else str(command.kind)
    desk.say(f"{what} for {command.gateway_id}: order {command.command_id}")
    if options.wait:
        _say_answer(desk, _wait(desk, command.command_id, options.wait))


def _command(desk: OrderDesk, options: argparse.Namespace, order: Order) -> Command:
    now_utc = desk.clock.now_utc().replace(microsecond=0)
    return Command(
        command_id=str(uuid.uuid4()),
        gateway_id=check_gateway_id(options.gateway, place="sync-server", field="gateway"),
        created_at_utc=now_utc,
        expires_at_utc=now_utc + _life(options.expires),
        by=options.by or getpass.getuser(),
        order=order,
    )


def _signed(command: Command, key: Ed25519PrivateKey) -> SignedText:
    """Return the signed order, once it is sure that a gateway can take it."""
    parse_command(read_json("sync-server order", dump_command(command).encode()))
    signed = sign(command, key)
    size = len(pack(dump_signed(signed)))
    if size > MAX_WIRE_BYTES:
        message = (
            f"{command.gateway_id}: order: takes {size} bytes; a gateway takes {MAX_WIRE_BYTES}, "
            "leave out profiles that it has already"
        )
        raise OrderError(message)
    return signed


def _wait(desk: OrderDesk, command_id: str, wait_s: int) -> OrderRecord:
    deadline_s = time.monotonic() + wait_s
    pause = threading.Event()
    while time.monotonic() < deadline_s:
        with reading(desk.engine) as connection:
            record = get_order(connection, command_id)
        if record is not None and record.is_ended:
            return record
        pause.wait(_POLL_S)
    message = (
        f"order {command_id}: answer: none within {wait_s} s; it stays valid until it expires, "
        "see `sync-server gateway-config status`"
    )
    raise OrderError(message)


def _say_answer(desk: OrderDesk, record: OrderRecord) -> None:
    result = record.result
    if result is None:
        return
    said = f"{result.outcome}: {result.text}" if result.text else str(result.outcome)
    desk.say(printable(said))
    for name, value in sorted(result.facts.items()):
        desk.say(printable(f"  {name:<24} {value}"))
    if result.code:
        message = printable(f"order {record.command_id}: {result.code}: {result.text}")
        raise OrderError(message)


def _show_status(desk: OrderDesk, gateway_id: str | None) -> None:
    with reading(desk.engine) as connection:
        health = load_health(connection)
        orders = list_orders(connection, gateway_id)
    for name in sorted(health):
        if gateway_id not in (None, name):
            continue
        settings = health[name].settings
        state = "on trial" if settings.is_on_trial else "in force"
        at = health[name].at_utc.isoformat()
        desk.say(f"{name}: revision {settings.revision} {state}, {settings.fingerprint[:12]}, {at}")
    _say_orders(desk, orders)


def _say_orders(desk: OrderDesk, orders: Sequence[OrderRecord]) -> None:
    now_utc = desk.clock.now_utc()
    for order in orders:
        number = "" if order.number is None else f" {order.number}"
        if order.result is not None:
            state = f"{order.result.outcome} {order.result.text}"
        elif order.expires_at_utc <= now_utc:
            state = f"expired, sent {order.sent_count} times, no answer"
        else:
            state = f"waiting, sent {order.sent_count} times"
        at = order.created_at_utc.isoformat()
        what = f"{order.kind}{number}"
        line = f"{at} {order.gateway_id} {what:<18} {order.ordered_by:<12} {state.rstrip()}"
        desk.say(printable(line))


REFUSALS = (OrderError, KeyFileError, ContractError)
"""What ends one of these commands with its text."""
