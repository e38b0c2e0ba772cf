"""A push -> transactions of whole groups: all that comes of them, or none of it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from traceback import extract_tb

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError, OperationalError

from sync_server.access.tablet_store import TabletIdentity
from sync_server.db.server_store import server_epoch
from sync_server.sync.inbox import Broken, Entry, ReadPush
from sync_server.sync.late_judgement import judge_late_work
from sync_server.sync.ledger_store import is_replica_retired, note_replica
from sync_server.sync.order_copy_store import keep_copies
from sync_server.sync.push_job import PushJob
from sync_server.sync.senders import PushOutcome, Sender
from sync_server.sync.server_trouble import is_servers_trouble
from wire_contracts.operations import Operation, OperationResult
from wire_contracts.orders import FactType

_LOG = structlog.get_logger("sync_server.sync.push")

TRIES = 3
"""A group that lost a race (the same push sent twice at once, a deadlock) is applied again."""


def take_push(
    engine: Engine,
    tablet: TabletIdentity,
    push: ReadPush,
    now_utc: datetime,
) -> PushOutcome:
    """Return the permanent outcome of every operation of a tablet in service, as `take_sent`.

    What it tells of orders is kept once they cannot have come with the operations.
    """
    sender = Sender(tablet=tablet, replica_id=push.replica_id, now_utc=now_utc, told=push.told)
    outcome = take_sent(engine, sender, push.entries)
    if push.orders:
        with engine.begin() as connection:
            keep_copies(connection, tablet, push.orders, now_utc)
    return outcome


def take_sent(engine: Engine, sender: Sender, entries: Sequence[Entry]) -> PushOutcome:
    """Return the permanent outcome of every operation.

    All groups commit together; when that fails, each group commits before the next begins, so
    that one poison group delays no other. Only a database that cannot be written raises: then the
    tablet asks again, and what was committed answers as before.
    """
    groups = _groups(entries)
    outcome = _take_together(engine, sender, groups)
    if outcome is None:
        results = [result for group in groups for result in _take_group(engine, sender, group)]
        with engine.begin() as connection:
            outcome = _closed(connection, sender, groups, results)
    if any(map(_asks_for_order, entries)):
        judge_late_work(engine, sender.now_utc)
    return outcome


def _asks_for_order(entry: Entry) -> bool:
    return isinstance(entry, Operation) and entry.field == FactType.ORDER_REQUEST


def _closed(
    connection: Connection,
    sender: Sender,
    groups: Sequence[Sequence[Entry]],
    results: Sequence[OperationResult],
) -> PushOutcome:
    """Return the outcome, after noting how far the numbers of this copy of the store went."""
    numbers = [each.n for group in groups for each in group if isinstance(each, Operation)]
    last_n = max(numbers, default=0)
    tablet_id = sender.tablet.tablet_id
    note_replica(connection, sender.replica_id, tablet_id, last_n, sender.now_utc)
    return PushOutcome(
        results=results,
        must_renew_replica=is_replica_retired(connection, sender.replica_id),
        server_epoch=server_epoch(connection),
    )


def _groups(entries: Iterable[Entry]) -> list[list[Entry]]:
    """Neighbours of one group stay together; an unreadable operation stands alone."""
    keyed = groupby(
        entries, key=lambda each: each.op_id if isinstance(each, Broken) else each.group
    )
    return [list(group) for _, group in keyed]


def _take_together(
    engine: Engine, sender: Sender, groups: Sequence[Sequence[Entry]]
) -> PushOutcome | None:
    """Return the outcomes of all groups in one transaction, None when that is not possible."""
    try:
        with engine.begin() as connection:
            results = PushJob(connection, sender).run(groups)
            return _closed(connection, sender, groups, results)
    except Exception as error:  # the groups are tried one by one, each with its own verdict
        if is_servers_trouble(error):
            raise
        _LOG.info("push_taken_apart", groups=len(groups), error=type(error).__name__)
        return None


def _take_group(engine: Engine, sender: Sender, group: list[Entry]) -> list[OperationResult]:
    for attempt in range(1, TRIES + 1):
        try:
            with engine.begin() as connection:
                return PushJob(connection, sender).run([group])
        except OperationalError:
            if attempt == TRIES:
                raise
        except IntegrityError as error:
            if attempt == TRIES:
                _log_refusal(group, error)
        except Exception as error:  # a poison group is refused, kept, logged
            if is_servers_trouble(error):
                raise
            _log_refusal(group, error)
            break
    with engine.begin() as connection:
        return PushJob(connection, sender).refuse(group)


def _log_refusal(group: list[Entry], error: Exception) -> None:
    """Name the operations and the place; an error's own text may hold a customer's words."""
    places = [f"{frame.filename}:{frame.lineno}" for frame in extract_tb(error.__traceback__)]
    _LOG.error(
        "group_refused",
        ops=[entry.op_id for entry in group],
        error=type(error).__name__,
        place=places[-1] if places else "",
        ours=[place for place in places if "sync_server" in place][-1:],
    )
