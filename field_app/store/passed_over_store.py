"""Keeps which groups of the outbox are passed over, and finds what waits behind them.

The server answers them badly without a verdict; nothing is held for ever, they are tried again.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select

from field_app.store import settings_store
from field_app.store.record_states import OpStatus
from field_app.store.settings_store import Key
from field_app.store.tables import outbox_op


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What of the outbox stays behind.

    Attributes:
        groups: Passed over, or behind such a one about the same order.
        free: Passed over and queued, with nothing before them about their orders; oldest first.
        count: How many operations `groups` have.
    """

    groups: frozenset[str]
    free: Sequence[str]
    count: int


_WAITS: Final = (
    select(outbox_op.c.group_id, outbox_op.c.order_id, outbox_op.c.status)
    .where(outbox_op.c.status.in_([OpStatus.QUEUED, OpStatus.SENDING]))
    .order_by(outbox_op.c.n)
)


def load(connection: Connection) -> frozenset[str]:
    """Return the groups that are passed over, none at nearly all times."""
    text = settings_store.load_text(connection, Key.PASSED_OVER)
    return frozenset() if text is None else frozenset(str(each) for each in json.loads(text))


def save(connection: Connection, groups: Collection[str]) -> None:
    """Keep which groups are passed over."""
    text = json.dumps(sorted(groups)) if groups else None
    settings_store.save(connection, Key.PASSED_OVER, text)


def find_left(connection: Connection, passed: Collection[str]) -> Left:
    """Return what stays behind while `passed` are passed over.

    A group goes as a whole, so it takes all its orders with it: what is behind it about any of
    them waits, too.
    """
    orders: dict[str, set[str]] = {}
    counts: dict[str, int] = {}
    sending: set[str] = set()
    for group, order_id, status in connection.execute(_WAITS):
        orders.setdefault(group, set()).update({order_id} - {""})
        counts[group] = counts.get(group, 0) + 1
        if status == OpStatus.SENDING:
            sending.add(group)
    ahead: set[str] = set()
    closed: set[str] = set()
    groups: set[str] = set()
    free: list[str] = []
    for group, about in orders.items():
        if group in passed and group not in sending and about.isdisjoint(ahead):
            free.append(group)
        if group in passed or not about.isdisjoint(closed):
            groups.add(group)
            closed |= about
        ahead |= about
    return Left(
        groups=frozenset(groups), free=tuple(free), count=sum(counts[each] for each in groups)
    )


def count_left(connection: Connection) -> int:
    """Return how many operations wait though the server answers: passed over, or behind."""
    passed = load(connection)
    return find_left(connection, passed).count if passed else 0


def drop_gone(connection: Connection, passed: frozenset[str]) -> frozenset[str]:
    """Return those of `passed` that still wait, and keep these alone."""
    waiting = {row.group_id for row in connection.execute(_WAITS)} if passed else set[str]()
    kept = passed & waiting
    if kept != passed:
        save(connection, kept)
    return kept
