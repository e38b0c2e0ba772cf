"""Seals words as they are written: an envelope that the server alone can open (R4)."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from sqlalchemy import Connection, and_, bindparam, case, delete, func, select, update
from sqlalchemy.dialects import sqlite

from field_app.store import draft_store, lease_store
from field_app.store.among import is_among_bound
from field_app.store.record_states import WAITING
from field_app.store.tables import outbox_op, sealed_item
from field_app.store.told_of_taps import TOLD_TO_KEEP
from wire_contracts.fields import JsonObject
from wire_contracts.orders import FINDING_FORM
from wire_contracts.payloads import dump_json
from wire_contracts.sealed import LONGEST_ABOUT, Envelope, SealedKind, envelope_json

Seal = Callable[[bytes, SealedKind, str, bytes], Envelope | None]
"""(server's public key, kind, about, plaintext) -> the envelope, None when it cannot be made."""


class SealedKey(NamedTuple):
    """What names an envelope on this tablet: two people's drafts of one order are two."""

    kind: str
    about: str
    owner: str


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


IS_NAMED: Final = and_(
    sealed_item.c.kind == bindparam("of_kind"),
    sealed_item.c.about == bindparam("of_about"),
    sealed_item.c.owner == bindparam("of_owner"),
)
_FORMER: Final = select(sealed_item.c.envelope).where(IS_NAMED, sealed_item.c.is_alone == 1)
_PUT_BY: Final = (
    update(sealed_item)
    .where(IS_NAMED)
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
        if not is_draft_sealed(connection, draft):
            made += seal_draft(connection, seal, draft, at_ms)
    return made


_ENVELOPE_KEY = func.json_extract(sealed_item.c.envelope, "$.key")
IS_OF_KEY = case((func.json_valid(sealed_item.c.envelope) == 1, _ENVELOPE_KEY)) == bindparam(
    "key_id"
)
"""An envelope to a former key is as good as none while the words are here: a new server that was
set up without the old one's keys will never open it. So is one that is damaged: asked without
looking first it would stop every withdrawal."""


_UNSEALED: Final = (
    select(
        outbox_op.c.op_id,
        outbox_op.c.n,
        outbox_op.c.group_id,
        outbox_op.c.body,
        outbox_op.c.made_at_ms,
        TOLD_TO_KEEP,
    )
    .select_from(
        outbox_op.outerjoin(
            sealed_item,
            and_(
                sealed_item.c.kind == str(SealedKind.OPERATION),
                sealed_item.c.about == outbox_op.c.op_id,
                IS_OF_KEY,
            ),
        )
    )
    .where(outbox_op.c.status.in_(sorted(WAITING)), sealed_item.c.about.is_(None))
)


def is_draft_sealed(connection: Connection, draft: draft_store.DraftKey) -> bool:
    """Return whether a draft that is still readable here is sealed to the present key."""
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
    IS_OF_KEY,
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
            TOLD_TO_KEEP,
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


def named(key: SealedKey) -> dict[str, str | int]:
    """Return what `IS_NAMED` asks."""
    return {"of_kind": key.kind, "of_about": key.about, "of_owner": key.owner}
