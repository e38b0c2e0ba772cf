"""`sync-server check-sync`, `sealing-keys`, `erase-person`: an operator looks after the sync."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine

from sync_server.access.account_store import SYSTEM, account_of_login, erase_account
from sync_server.access.refusals import not_found
from sync_server.blobs.files_io import BlobFiles
from sync_server.blobs.intake import Intake
from sync_server.customers.customer_store import erase_customer
from sync_server.db.engine_io import reading
from sync_server.db.forgetting_io import empty_log_wholly
from sync_server.service_desk.erasing_store import erase_callers
from sync_server.staff.notice_store import empty_naming
from sync_server.sync.photo_reviews import review_refused_photo
from sync_server.sync.sealed_room import SealedRoom
from sync_server.sync.sealing_keys_io import SealingKeyError, SealingKeys
from sync_server.sync.self_check import RULES, check_all
from sync_server.work_orders.order import OrderFilter
from sync_server.work_orders.order_store import list_orders
from sync_server.work_orders.person_store import erase_persons, orders_with
from wire_contracts.clock import Clock

Say = Callable[[str], None]


class BrokenSyncError(RuntimeError):
    """Something that the sync keeps does not fit together; each thing was named before."""


REFUSALS = (BrokenSyncError, SealingKeyError)
"""What ends one of these commands with status 1 and its text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncDesk:
    """What the commands work with."""

    engine: Engine
    clock: Clock
    say: Say
    sealing_folder: Path
    blob_folder: Path


def add_sync_commands(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """Add the commands to the parser of `sync-server`."""
    add("check-sync", "do sums, operations, effects, paths and reviews fit together?")
    keys = add("sealing-keys", "the keys to which tablets seal what they have not sent")
    keys.add_argument("what", choices=("list", "rotate", "open"))
    erase = add("erase-person", "erase a customer, or a colleague whose access has ended")
    who = erase.add_mutually_exclusive_group(required=True)
    who.add_argument("--order", help="number of the order at which the customer is met")
    who.add_argument("--customer", nargs=2, metavar=("NAME", "PHONE"), help="at every order")
    who.add_argument("--account", metavar="LOGIN", help="log-in name of the colleague")


def check_sync(desk: SyncDesk, _options: argparse.Namespace) -> None:
    """Print what does not fit together; raise BrokenSyncError when there is anything."""
    with reading(desk.engine) as connection:
        findings = check_all(connection)
    for finding in findings:
        desk.say(f"{finding.rule}: {finding.subject}")
    if findings:
        message = (
            f"sync: {len(findings)} things do not fit together; "
            "keep this database, compare it with the last backup, and ask the maker"
        )
        raise BrokenSyncError(message)
    desk.say(f"{len(RULES)} rules, everything fits together")


def sealing_keys(desk: SyncDesk, options: argparse.Namespace) -> None:
    """List the keys, make a new one, or open what had to wait for a key."""
    keys = SealingKeys(desk.sealing_folder)
    if options.what == "rotate":
        desk.say(f"{keys.rotate(desk.clock.now_utc())}: tablets get it at their next pull")
    elif options.what == "open":
        files = BlobFiles(desk.blob_folder)
        intake = Intake(desk.engine, files, desk.clock, review_refused_photo)
        count = SealedRoom(desk.engine, keys, intake).open_waiting(desk.clock.now_utc())
        desk.say(f"{count} sealed things were opened")
    else:
        for key_id in keys.key_ids():
            desk.say(key_id)


def erase_person(desk: SyncDesk, options: argparse.Namespace) -> None:
    """Erase a customer or a colleague; raise ContractError when nobody is found."""
    with desk.engine.begin() as connection:
        erase = _erase_colleague if options.account else _erase_customer
        said = erase(connection, options, desk.clock.now_utc())
    desk.say(said)
    if not empty_log_wholly(desk.engine):
        desk.say("somebody reads in the database: its log forgets when the server empties it next")


def _erase_colleague(connection: Connection, options: argparse.Namespace, now_utc: datetime) -> str:
    account_id = account_of_login(connection, options.account)
    erase_account(connection, account_id, SYSTEM, now_utc)
    return f"{options.account} is erased; the work stays under its id"


def _erase_customer(connection: Connection, options: argparse.Namespace, now_utc: datetime) -> str:
    name, phone = options.customer or ("", "")
    if options.order:
        wanted = OrderFilter(number=options.order.upper(), has_evidence=False)
        order_ids = [each.order_id for each in list_orders(connection, wanted)]
    else:
        order_ids = orders_with(connection, name=name, phone=phone)
    requests = erase_callers(
        connection, name=name, phone=phone, order_ids=order_ids, actor=SYSTEM, now_utc=now_utc
    )
    files = erase_customer(connection, name, phone, SYSTEM, now_utc) if name else 0
    notes = empty_naming(connection, name, phone, SYSTEM, now_utc) if name else 0
    count = erase_persons(connection, order_ids, SYSTEM, now_utc)
    if not count + requests + files + notes:
        raise not_found("customer", "person at an order, a request or a home")
    return (
        f"the customer is erased from {count} orders, {requests} requests, {files} homes and "
        f"{notes} messages to staff; tablets forget at their next pull"
    )
