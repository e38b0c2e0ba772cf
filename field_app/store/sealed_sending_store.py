"""Maps the envelopes that go to the server as they are, and what it said of them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection, Integer, Row, and_, bindparam, case, delete, func, select, update

from field_app.store.sealed_store import IS_NAMED, SealedKey, named
from field_app.store.tables import sealed_item
from field_app.store.told_of_taps import BY_ITS_WORDS, WAITS_FOR_KEY
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader
from wire_contracts.sealed import Envelope, SealedKind, SealedResult, parse_envelope

HISTORY = timedelta(days=90)
"""How long an envelope stays after the server had it: its backups may be older (RULINGS R1)."""

_PLACE = "sealed item"


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedItem:
    """One envelope of this tablet under its own name here; `group` is the operation's.

    `told_ms`: what a server had told of it, None while none has. `is_asked_again`: one has it that
    could not open it.
    """

    key: SealedKey
    envelope: Envelope
    group: str = ""
    told_ms: int | None = None
    is_asked_again: bool = False


HELD: Final = -1
"""In `acked_at_ms`: the server refuses it, or nobody can read it; in nobody's way until a person
tries again."""

_WAITS_ALONE = and_(sealed_item.c.is_alone == 1, sealed_item.c.acked_at_ms == 0)
_NOT_ARRIVED = and_(sealed_item.c.is_alone == 1, sealed_item.c.acked_at_ms <= 0)


def count_alone(connection: Connection) -> int:
    """Return how many envelopes are not at the server whose words are no longer here."""
    return connection.execute(_COUNT_ALONE).scalar_one()


_COUNT_ALONE: Final = select(func.count()).select_from(sealed_item).where(_NOT_ARRIVED)


def next_alone(connection: Connection, limit: int) -> list[SealedItem]:
    """Return the envelopes to be sent as they are: operations as they were tapped, then the rest.

    Never by the wall clock, which may have been set back; a finding is fact, fields and step of one
    millisecond, and the step is refused before the others are there. One that cannot be read is
    left out: `hold_unreadable` sets it aside.
    """
    found = [_item(row) for row in connection.execute(_ALONE, {"most": limit})]
    return [each for each in found if each is not None]


def is_any_waiting(connection: Connection) -> bool:
    """Return whether envelopes are to be sent, readable or not."""
    return connection.execute(_ALONE, {"most": 1}).first() is not None


def hold_unreadable(connection: Connection) -> int:
    """Set aside what waits and cannot be read, so that it stops nothing; return how many."""
    rows = connection.execute(_ALONE, {"most": _ALL}).all()
    return hold(connection, [_key(row) for row in rows if _item(row) is None])


def _item(row: Row[*tuple[str, ...]]) -> SealedItem | None:
    try:
        envelope = parse_envelope(FieldReader(place=_PLACE, values=json.loads(row.envelope)))
    except (ContractError, ValueError):
        return None
    return SealedItem(
        key=_key(row),
        envelope=envelope,
        group=row.group_id,
        told_ms=None if row.told_ms is None or row.told_ms < 0 else row.told_ms,
        is_asked_again=row.told_ms == WAITS_FOR_KEY,
    )


def _key(row: Row[*tuple[str, ...]]) -> SealedKey:
    return SealedKey(kind=row.kind, about=row.about, owner=row.owner)


_ALL: Final = -1
"""As a limit: none (SQLite, LIMIT)."""

_ALONE: Final = (
    select(
        sealed_item.c.kind,
        sealed_item.c.about,
        sealed_item.c.owner,
        sealed_item.c.envelope,
        sealed_item.c.group_id,
        sealed_item.c.told_ms,
    )
    .where(_WAITS_ALONE)
    .order_by(sealed_item.c.n == 0, sealed_item.c.n, sealed_item.c.made_at_ms, sealed_item.c.about)
    .limit(bindparam("most", type_=Integer))
)


def hold(connection: Connection, keys: Sequence[SealedKey]) -> int:
    """Set envelopes aside until a person tries again; return how many were."""
    return sum(connection.execute(_HOLD, named(key)).rowcount for key in keys)


_HOLD: Final = update(sealed_item).where(IS_NAMED, _WAITS_ALONE).values(acked_at_ms=HELD)


def release_held(connection: Connection) -> None:
    """Let wait again what was set aside."""
    held = update(sealed_item).where(sealed_item.c.acked_at_ms == HELD)
    connection.execute(held.values(acked_at_ms=0))


def settle_alone(
    connection: Connection,
    sent: Sequence[SealedItem],
    results: Sequence[SealedResult],
    at_ms: int,
) -> int:
    """Note what the server holds now, in the order sent; return how many.

    `at_ms` is the server's clock. The envelopes stay for a restored server, with what is told of
    them.
    """
    done = 0
    for item, result in zip(sent, results, strict=False):
        envelope = item.envelope
        if (envelope.kind, envelope.about) != (result.kind, result.about):
            continue  # an answer about something else: it is asked again
        is_closed = envelope.kind is SealedKind.OPERATION and not result.is_opened
        asked = {**named(item.key), "done_at_ms": max(at_ms, 1), "told": result.told_ms}
        done += connection.execute(_SETTLE, {**asked, "closed": int(is_closed)}).rowcount
        if item.is_asked_again and not is_closed:  # the key is there: of the others, too
            connection.execute(_ASK_ALL, {"before_ms": at_ms - _ASK_ALL_AFTER_MS})
    before_ms = at_ms - HISTORY // timedelta(milliseconds=1)
    is_old = and_(sealed_item.c.acked_at_ms > 0, sealed_item.c.acked_at_ms < before_ms)
    connection.execute(delete(sealed_item).where(is_old))
    return done


ASK_AGAIN_AFTER: Final = timedelta(days=1)
"""A key that the server lacks is put back by a person: no sooner than somebody comes to work."""

_ASK_ALL_AFTER_MS: Final = timedelta(hours=1) // timedelta(milliseconds=1)


def first_closed(connection: Connection, server_now_ms: int) -> SealedKey | None:
    """Return the first tap that the server could not open, None: nothing is to be asked for.

    That one alone, once a day: with its key come those of the others, and no tap overtakes an
    earlier one.
    """
    row = connection.execute(_FIRST_CLOSED).one_or_none()
    before_ms = server_now_ms - ASK_AGAIN_AFTER // timedelta(milliseconds=1)
    return None if row is None or row.acked_at_ms >= before_ms else _key(row)


def ask_again(connection: Connection, key: SealedKey) -> None:
    """Let a thing wait again that the server has and could not open.

    It answers what became of it, once it has the key: at the next restore that has to be told.
    """
    connection.execute(_ASK, named(key))


_WAITS_CLOSED: Final = and_(
    sealed_item.c.is_alone == 1,
    sealed_item.c.told_ms == WAITS_FOR_KEY,
    sealed_item.c.acked_at_ms > 0,
)
_FIRST_CLOSED: Final = (
    select(sealed_item.c.kind, sealed_item.c.about, sealed_item.c.owner, sealed_item.c.acked_at_ms)
    .where(_WAITS_CLOSED)
    .order_by(sealed_item.c.n, sealed_item.c.made_at_ms)
    .limit(1)
)
_ASK: Final = update(sealed_item).where(IS_NAMED).values(acked_at_ms=0)
_ASK_ALL: Final = (
    update(sealed_item)
    .where(_WAITS_CLOSED, sealed_item.c.acked_at_ms < bindparam("before_ms"))
    .values(acked_at_ms=0)
)

_NEW_TOLD: Final = bindparam("told", type_=Integer)
_TOLD_BEFORE: Final = sealed_item.c.told_ms
_KNOWS_NOTHING: Final = _TOLD_BEFORE.is_(None) | (_TOLD_BEFORE == WAITS_FOR_KEY)
_SETTLE: Final = (
    update(sealed_item)
    .where(IS_NAMED)
    .values(
        acked_at_ms=bindparam("done_at_ms", type_=Integer),
        told_ms=case(
            ((bindparam("closed", type_=Integer) == 1) & _KNOWS_NOTHING, WAITS_FOR_KEY),
            (_NEW_TOLD.is_(None) & _KNOWS_NOTHING, None),
            (_NEW_TOLD.is_(None), _TOLD_BEFORE),
            (_TOLD_BEFORE > 0, _TOLD_BEFORE),
            ((_TOLD_BEFORE == BY_ITS_WORDS) & (_NEW_TOLD > 0), BY_ITS_WORDS),
            else_=_NEW_TOLD,
        ),
    )
)


def has_acked(connection: Connection) -> bool:
    """Return whether envelopes are kept that a restored server may ask for again."""
    return connection.execute(_ANY_ACKED).first() is not None


_ANY_ACKED: Final = select(sealed_item.c.about).where(sealed_item.c.acked_at_ms > 0).limit(1)


def queue_all_again(connection: Connection) -> None:
    """Let everything wait again: the server was restored (RULINGS R1).

    What it had neither taken nor refused counts by its words from then on.
    """
    connection.execute(update(sealed_item).where(_KNOWS_NOTHING).values(told_ms=BY_ITS_WORDS))
    again = update(sealed_item).where(sealed_item.c.acked_at_ms > 0)
    connection.execute(again.values(acked_at_ms=0))
