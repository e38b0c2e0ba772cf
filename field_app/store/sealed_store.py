"""Maps what is unsent in sealed form: made with the words, and all that a wipe leaves (R4)."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NamedTuple

from sqlalchemy import (
    Connection,
    Integer,
    Row,
    and_,
    bindparam,
    case,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import sqlite

from field_app.store import draft_store, lease_store
from field_app.store.among import is_among_bound
from field_app.store.record_states import WAITING, WITHOUT_EFFECT
from field_app.store.tables import draft_answer, outbox_op, sealed_item
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonObject
from wire_contracts.operations import NO_EFFECT
from wire_contracts.orders import FINDING_FORM
from wire_contracts.payloads import dump_json
from wire_contracts.sealed import (
    LONGEST_ABOUT,
    Envelope,
    SealedKind,
    SealedResult,
    envelope_json,
    parse_envelope,
)

Seal = Callable[[bytes, SealedKind, str, bytes], Envelope | None]
"""(server's public key, kind, about, plaintext) -> the envelope, None when it cannot be made."""

HISTORY = timedelta(days=90)
"""How long an envelope stays after the server had it: its backups may be older (RULINGS R1)."""

_PLACE = "sealed item"


class SealedKey(NamedTuple):
    """What names an envelope on this tablet: two people's drafts of one order are two."""

    kind: str
    about: str
    owner: str


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


def seal_nothing(public_key: bytes, kind: SealedKind, about: str, plain: bytes) -> Envelope | None:
    """Seal nothing: this tablet has no vault."""
    del public_key, kind, about, plain
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToSeal:
    """What is to be sealed: `about` names it outside, `owner` made it.

    `acked_at_ms`: the server's clock when it had it, 0 while it waits. `n` and `group` of an
    operation say in which order envelopes leave, and which of them together; `told_ms`, what a
    server had told of it.
    """

    kind: SealedKind
    about: str
    owner: str
    plain: bytes
    made_at_ms: int
    acked_at_ms: int = 0
    n: int = 0
    group: str = ""
    told_ms: int | None = None


def keep_sealed(connection: Connection, seal: Seal, thing: ToSeal) -> bool:
    """Seal a thing to the server and keep it; return False without a key or a vault."""
    public_key = lease_store.load_sealing_key(connection)
    if public_key is None:
        return False
    envelope = seal(public_key, thing.kind, thing.about, thing.plain)
    if envelope is None:
        return False
    if thing.kind is SealedKind.DRAFT:
        _put_by(connection, thing)
    cells = {
        "kind": str(thing.kind),
        "about": thing.about,
        "owner": thing.owner,
        "envelope": dump_json(envelope_json(envelope)).decode(),
        "made_at_ms": thing.made_at_ms,
        "is_alone": 0,
        "acked_at_ms": thing.acked_at_ms,
        "n": thing.n,
        "group_id": thing.group,
        "told_ms": thing.told_ms,
    }
    connection.execute(_KEEP, cells)
    return True


_NEW: Final = sqlite.insert(sealed_item)
_KEEP: Final = _NEW.on_conflict_do_update(
    index_elements=["kind", "about", "owner"],
    set_={
        name: _NEW.excluded[name]
        for name in (
            "envelope",
            "made_at_ms",
            "is_alone",
            "acked_at_ms",
            "n",
            "group_id",
            "told_ms",
        )
    },
)
"""Built once, as what every push asks."""


def _put_by(connection: Connection, thing: ToSeal) -> None:
    """Give the former draft of a withdrawal another name: it is the only copy of its words."""
    key = {"of_kind": str(thing.kind), "of_about": thing.about, "of_owner": thing.owner}
    former = connection.execute(_FORMER, key).scalar_one_or_none()
    if former is not None:
        name = f"{thing.owner}#{_short_hash(former)}"
        connection.execute(_PUT_BY, {**key, "new_owner": name})


_IS_MINE: Final = and_(
    sealed_item.c.kind == bindparam("of_kind"),
    sealed_item.c.about == bindparam("of_about"),
    sealed_item.c.owner == bindparam("of_owner"),
)
_FORMER: Final = select(sealed_item.c.envelope).where(_IS_MINE, sealed_item.c.is_alone == 1)
_PUT_BY: Final = (
    update(sealed_item)
    .where(_IS_MINE)
    .prefix_with("OR REPLACE", dialect="sqlite")
    .values(owner=bindparam("new_owner"))
)


def draft_about(draft: draft_store.DraftKey) -> str:
    """Return what names a draft's envelope: its record, and the form where it is the office's.

    A record whose name is too long for that is shortened; the draft inside names it in full.
    """
    form = "" if draft.form == FINDING_FORM else f":{_short_hash(draft.form)}"
    record, room = draft.order_id, LONGEST_ABOUT - len(form)
    if len(record) > room:
        mark = f"~{_short_hash(record)}"
        record = record[: room - len(mark)] + mark
    return record + form


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def seal_draft(connection: Connection, seal: Seal, draft: draft_store.DraftKey, at_ms: int) -> bool:
    """Seal the answers of a draft as they stand; one that is gone is forgotten."""
    answers = draft_store.load_draft(connection, draft).answers
    if not answers:
        forget_sealed(connection, SealedKind.DRAFT, [draft_about(draft)], draft.author)
        return True
    body: JsonObject = {
        "order_id": draft.order_id,
        "form": draft.form,
        "actor": draft.author,
        "saved_at": at_ms,
        "answers": dict(answers),
    }
    thing = ToSeal(
        kind=SealedKind.DRAFT,
        about=draft_about(draft),
        owner=draft.author,
        plain=dump_json(body),
        made_at_ms=at_ms,
    )
    return keep_sealed(connection, seal, thing)


def seal_missing(connection: Connection, seal: Seal) -> int:
    """Seal what waits and is not sealed to the present key; return how many.

    It was made before the key was known, or sealed to a former one, which may be lost. Nothing is
    done without a key; a second call finds nothing more to do.
    """
    rows = connection.execute(_UNSEALED, {"key_id": lease_store.sealing_key_id(connection)}).all()
    things = [
        ToSeal(
            kind=SealedKind.OPERATION,
            about=row.op_id,
            owner=str(json.loads(row.body)["actor"]),
            plain=row.body.encode(),
            made_at_ms=row.made_at_ms,
            n=row.n,
            group=row.group_id,
            told_ms=row.told_ms,
        )
        for row in rows
    ]
    made = sum(keep_sealed(connection, seal, thing) for thing in things)
    for draft, at_ms in draft_store.drafts(connection):
        if not _is_sealed(connection, draft):
            made += seal_draft(connection, seal, draft, at_ms)
    return made


_ENVELOPE_KEY = func.json_extract(sealed_item.c.envelope, "$.key")
_IS_OF_KEY = case((func.json_valid(sealed_item.c.envelope) == 1, _ENVELOPE_KEY)) == bindparam(
    "key_id"
)
"""An envelope to a former key is as good as none while the words are here: a new server that was
set up without the old one's keys will never open it. So is one that is damaged: asked without
looking first it would stop every withdrawal."""

NEVER_TAKEN: Final = -1
"""In `taken_at_ms`: a server said that it has no effect, and none has taken it."""

BY_ITS_WORDS: Final = -2
"""In `taken_at_ms` and `told_ms`: no server had taken or refused it when one was restored. The
restored one takes it by its words, later maybe than what are later words: that proves nothing to
the next.
"""

WAITS_FOR_KEY: Final = -3
"""In `told_ms`: the server holds it and cannot open it; what becomes of it is asked for."""

SAYS_NOTHING: Final = outbox_op.c.outcome.is_(None) | ~(
    outbox_op.c.outcome.in_(sorted(WITHOUT_EFFECT))
    & outbox_op.c.code.is_distinct_from(str(Code.GONE))
)
"""No answer, or one that says not whose the order was (`wire_contracts.operations.told_of`)."""

_TAKEN: Final = outbox_op.c.taken_at_ms
TOLD_MS: Final = case(
    (_TAKEN > 0, _TAKEN),
    (_TAKEN == NEVER_TAKEN, NO_EFFECT),
    (_TAKEN == BY_ITS_WORDS, None),
    (
        outbox_op.c.outcome.in_(sorted(WITHOUT_EFFECT))
        & outbox_op.c.code.is_distinct_from(str(Code.GONE)),
        NO_EFFECT,
    ),
).label("told_ms")
"""What servers have told of an operation (`wire_contracts.operations.told_of`).

Once one has taken it, that is said ever after: a restored server may refuse it, because of what it
learnt first, and be restored in its turn. So is a refusal, which a server that does not know the
order (`gone`) says nothing of.
"""

_TO_KEEP: Final = case((_TAKEN == BY_ITS_WORDS, BY_ITS_WORDS), else_=TOLD_MS.element).label(
    "told_ms"
)
"""What an envelope keeps of it."""


def taken_at_ms(known: int, told: int | None) -> int:
    """Return what is kept as `taken_at_ms` after an answer, from what was known before it."""
    if told is None or known > 0:
        return known
    if told == NO_EFFECT:
        return NEVER_TAKEN
    return known if known == BY_ITS_WORDS else told


_UNSEALED: Final = (
    select(
        outbox_op.c.op_id,
        outbox_op.c.n,
        outbox_op.c.group_id,
        outbox_op.c.body,
        outbox_op.c.made_at_ms,
        _TO_KEEP,
    )
    .select_from(
        outbox_op.outerjoin(
            sealed_item,
            and_(
                sealed_item.c.kind == str(SealedKind.OPERATION),
                sealed_item.c.about == outbox_op.c.op_id,
                _IS_OF_KEY,
            ),
        )
    )
    .where(outbox_op.c.status.in_(sorted(WAITING)), sealed_item.c.about.is_(None))
)


def _is_sealed(connection: Connection, draft: draft_store.DraftKey) -> bool:
    asked = {
        "draft": draft_about(draft),
        "author": draft.author,
        "key_id": lease_store.sealing_key_id(connection),
    }
    return connection.execute(_SEALED_DRAFT, asked).first() is not None


_SEALED_DRAFT: Final = select(sealed_item.c.about).where(
    sealed_item.c.kind == str(SealedKind.DRAFT),
    sealed_item.c.about == bindparam("draft"),
    sealed_item.c.owner == bindparam("author"),
    sealed_item.c.is_alone == 0,
    _IS_OF_KEY,
)


def seal_history(connection: Connection, seal: Seal) -> int:
    """Seal what the server has confirmed and may lose again with a restored backup (R1).

    Call it before the readable words go; return how many were sealed.
    """
    rows = connection.execute(
        select(
            outbox_op.c.n,
            outbox_op.c.group_id,
            outbox_op.c.body,
            outbox_op.c.made_at_ms,
            outbox_op.c.acked_at_ms,
            _TO_KEEP,
        ).where(outbox_op.c.status.not_in(sorted(WAITING)))
    ).all()
    made = 0
    for row in rows:
        body = json.loads(row.body)
        thing = ToSeal(
            kind=SealedKind.OPERATION,
            about=str(body["op_id"]),
            owner=str(body["actor"]),
            plain=row.body.encode(),
            made_at_ms=row.made_at_ms,
            acked_at_ms=max(row.acked_at_ms, 1),
            n=row.n,
            group=row.group_id,
            told_ms=row.told_ms,
        )
        made += keep_sealed(connection, seal, thing)
    return made


def leave_lost_words_alone(connection: Connection) -> int:
    """Let go sealed whose readable words a damage took, with what was tapped before; count them.

    A tablet sends in the order of its taps: what can be read of before goes sealed, too, and is a
    repeat when it comes again. A draft counts as lost when none of its answers is here.
    """
    newest_lost = connection.execute(_NEWEST_LOST).scalar_one()
    count = 0
    if newest_lost is not None:
        count += connection.execute(_LEAVE_UP_TO, {"newest": newest_lost}).rowcount
    here = {(draft_about(each), each.author) for each, _ in draft_store.drafts(connection)}
    for row in connection.execute(_DRAFTS).all():
        if (row.about, row.owner) not in here:
            key = SealedKey(str(SealedKind.DRAFT), row.about, row.owner)
            count += connection.execute(_LEAVE_ALONE, _named(key)).rowcount
    return count


_IS_WORD: Final = and_(sealed_item.c.kind == str(SealedKind.OPERATION), sealed_item.c.is_alone == 0)
_NEWEST_LOST: Final = select(func.max(sealed_item.c.n)).where(
    _IS_WORD, sealed_item.c.about.not_in(select(outbox_op.c.op_id))
)
_LEAVE_UP_TO: Final = (
    update(sealed_item).where(_IS_WORD, sealed_item.c.n <= bindparam("newest")).values(is_alone=1)
)
_DRAFTS: Final = select(sealed_item.c.about, sealed_item.c.owner).where(
    sealed_item.c.kind == str(SealedKind.DRAFT), sealed_item.c.is_alone == 0
)


def highest_n(connection: Connection) -> int:
    """Return the highest running number of a sealed operation, 0 when there is none."""
    return connection.execute(select(func.max(sealed_item.c.n))).scalar() or 0


def forget_sealed(
    connection: Connection, kind: SealedKind, abouts: Sequence[str], owner: str | None = None
) -> None:
    """Forget envelopes: the server has what is inside, or the readable words replaced them.

    Of somebody's drafts those of which nothing else is left stay: no later draft replaces them.
    """
    if not abouts:
        return
    asked = {"of_kind": str(kind), "abouts": json.dumps(abouts)}
    if owner is None:
        connection.execute(_FORGET, asked)
    else:
        connection.execute(_FORGET_OWN, {**asked, "of_owner": owner})


_FORGET: Final = delete(sealed_item).where(
    sealed_item.c.kind == bindparam("of_kind"), is_among_bound(sealed_item.c.about, "abouts")
)
_FORGET_OWN: Final = _FORGET.where(
    sealed_item.c.owner == bindparam("of_owner"), sealed_item.c.is_alone == 0
)


def leave_sealed_only(connection: Connection) -> int:
    """Remove the readable words of all that is sealed to the present key; return how many stay.

    What could not be sealed stays as it is, sent or not: nothing unsent is ever wiped, and what was
    sent may be wanted again by a restored server (RULINGS R1).
    """
    kind = sealed_item.c.kind
    key = {"key_id": lease_store.sealing_key_id(connection)}
    operations = select(sealed_item.c.about).where(kind == str(SealedKind.OPERATION), _IS_OF_KEY)
    unsealed = outbox_op.c.op_id.not_in(operations)
    left = connection.execute(select(func.count()).select_from(outbox_op).where(unsealed), key)
    count = left.scalar_one()
    sealed = [each for each, _ in draft_store.drafts(connection) if _is_sealed(connection, each)]
    connection.execute(
        update(sealed_item)
        .where(or_(kind == str(SealedKind.OPERATION), kind == str(SealedKind.DRAFT)))
        .values(is_alone=1)
    )
    connection.execute(delete(outbox_op).where(~unsealed), key)
    for draft in sealed:
        draft_store.forget_draft(connection, draft)
    count += connection.execute(select(func.count(draft_answer.c.order_id.distinct()))).scalar_one()
    return count


def leave_drafts_alone(connection: Connection, seal: Seal) -> None:
    """Leave every draft in sealed form only, to be sent: the tablet is given to another crew.

    One that cannot be sealed stays as it is.
    """
    for draft, at_ms in draft_store.drafts(connection):
        leave_draft_alone(connection, seal, draft, at_ms)


def leave_draft_alone(
    connection: Connection, seal: Seal, draft: draft_store.DraftKey, at_ms: int
) -> None:
    """Leave one draft in sealed form only, to be sent; as it is, where it cannot be sealed."""
    if not _is_sealed(connection, draft):
        seal_draft(connection, seal, draft, at_ms)
    if _is_sealed(connection, draft):
        key = SealedKey(str(SealedKind.DRAFT), draft_about(draft), draft.author)
        connection.execute(_LEAVE_ALONE, _named(key))
        draft_store.forget_draft(connection, draft)


def _named(key: SealedKey) -> dict[str, str | int]:
    """Return what `_IS_MINE` asks."""
    return {"of_kind": key.kind, "of_about": key.about, "of_owner": key.owner}


_LEAVE_ALONE: Final = update(sealed_item).where(_IS_MINE).values(is_alone=1)

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
    return sum(connection.execute(_HOLD, _named(key)).rowcount for key in keys)


_HOLD: Final = update(sealed_item).where(_IS_MINE, _WAITS_ALONE).values(acked_at_ms=HELD)


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
        asked = {**_named(item.key), "done_at_ms": max(at_ms, 1), "told": result.told_ms}
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
    connection.execute(_ASK, _named(key))


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
_ASK: Final = update(sealed_item).where(_IS_MINE).values(acked_at_ms=0)
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
    .where(_IS_MINE)
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
