"""`sync-server export-person`: what is held on one person, as a file."""

import argparse
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, Engine

from sync_server.access.account_store import SYSTEM, account_of_login
from sync_server.access.refusals import not_found
from sync_server.exports.person_copy_store import (
    PersonCopy,
    copy_json,
    copy_of_account,
    copy_of_customer,
    note_taken,
    person_at_order,
)
from sync_server.private_files_io import write_whole
from sync_server.work_orders.order import OrderFilter
from sync_server.work_orders.order_store import list_orders
from wire_contracts.clock import Clock

Say = Callable[[str], None]


def add_export_commands(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """Add the command to the parser of `sync-server`."""
    command = add("export-person", "write everything that is held on one person to a file (JSON)")
    who = command.add_mutually_exclusive_group(required=True)
    who.add_argument("--order", help="number of the order at which the customer is met")
    who.add_argument("--customer", nargs=2, metavar=("NAME", "PHONE"), help="everywhere")
    who.add_argument("--account", metavar="LOGIN", help="log-in name of a colleague")
    command.add_argument(
        "file", type=Path, help="for nobody else to read; a former one is replaced"
    )


def export_person(engine: Engine, clock: Clock, options: argparse.Namespace, say: Say) -> None:
    """Write the copy and keep in the audit that it was taken.

    Raises:
        ContractError: Nobody is found.
        OSError: The file cannot be written.
    """
    now_utc = clock.now_utc()
    with engine.begin() as connection:
        copy = _copy(connection, options)
        note_taken(connection, copy, SYSTEM, now_utc)
        write_whole(options.file, copy_json(copy, now_utc))
    say(f"{copy.row_count} rows to {options.file}")


def _copy(connection: Connection, options: argparse.Namespace) -> PersonCopy:
    if options.account:
        return copy_of_account(connection, account_of_login(connection, options.account))
    if options.customer:
        name, phone = options.customer
        return copy_of_customer(connection, name, phone)
    wanted = OrderFilter(number=options.order.upper(), has_evidence=False)
    found = list_orders(connection, wanted)
    if not found:
        raise not_found(f"order {options.order}", "order")
    return copy_of_customer(connection, *person_at_order(connection, found[0].order_id))
