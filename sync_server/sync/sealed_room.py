"""What came sealed -> the ledger, the drafts and the photos; what cannot be opened is kept."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

import structlog
from sqlalchemy import Connection, Engine, insert, select, update

from sync_server.access.tablet_store import TabletIdentity, tablet_as_it_was
from sync_server.blobs.intake import Intake
from sync_server.db.sync_tables import SEALED_ITEM
from sync_server.sync.inbox import Broken, ReadPush, clean_text, read_operation
from sync_server.sync.push import take_push
from sync_server.sync.review_store import NewReview, ReviewKind, add_review_once
from sync_server.sync.sealing_keys_io import SealingKeys
from wire_contracts.blobs import BlobMime, BlobOffer, BlobRole
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.fields import JsonValue
from wire_contracts.frames import ms_from_utc
from wire_contracts.operations import Operation
from wire_contracts.payloads import dump_json, read_json
from wire_contracts.sealed import (
    Envelope,
    SealedKind,
    SealedResult,
    envelope_json,
    parse_envelope,
)

_LOG = structlog.get_logger("sync_server.sync.sealed")

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
"""First bytes of the two kinds of picture (PNG specification 5.2, JPEG B.1.1.3)."""

KEY_ENTITY = "sealing_key"
TABLET_ENTITY = "tablet"
DRAFT_ENTITY = "draft"


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedSender:
    """Which tablet sends, with which copy of its store, and whether its access was ended."""

    tablet: TabletIdentity
    replica_id: str
    is_revoked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """An envelope with its content; None when it cannot be opened, or cannot be used.

    `report` is what a tablet says of its damaged store.
    """

    envelope: Envelope
    envelope_hash: str
    content: bytes | None
    report: str = ""


class SealedRoom:
    """Opens envelopes and hands on what is inside; every envelope is safe before it is answered."""

    def __init__(self, engine: Engine, keys: SealingKeys, intake: Intake | None) -> None:
        """Work over one database with these keys; photos go to `intake`."""
        self._engine = engine
        self._keys = keys
        self._intake = intake

    def take(
        self, sender: SealedSender, envelopes: Sequence[Envelope], now_utc: datetime
    ) -> list[SealedResult]:
        """Return one result per envelope, in the order given.

        Operations go through the same ledger as a push; what a revoked tablet did is shown to
        people. What cannot be opened or used is kept as it came, and a person hears of it.
        """
        opened = [self._open(envelope) for envelope in envelopes]
        used: list[_Opened] = []
        for kind, some in groupby(opened, key=lambda each: each.envelope.kind):
            used += self._use(kind, sender, list(some), now_utc)
        with self._engine.begin() as connection:
            for each in used:
                _keep(connection, sender, each, now_utc)
        return [
            SealedResult(
                kind=each.envelope.kind,
                about=each.envelope.about,
                is_opened=each.content is not None,
            )
            for each in used
        ]

    def _open(self, envelope: Envelope) -> _Opened:
        text = dump_json(envelope_json(envelope))
        return _Opened(
            envelope=envelope,
            envelope_hash=hashlib.sha256(text).hexdigest(),
            content=self._keys.open(envelope),
        )

    def _use(
        self, kind: SealedKind, sender: SealedSender, some: Sequence[_Opened], now_utc: datetime
    ) -> list[_Opened]:
        """Hand on what is inside; an envelope whose content is of no use loses it here."""
        if kind is SealedKind.OPERATION:
            return self._push(sender, some, now_utc)
        if kind is SealedKind.STORE:
            return [self._keep_store(each) for each in some]
        is_usable = self._take_photo if kind is SealedKind.BLOB else _is_draft
        return [
            each
            if each.content is None or is_usable(sender, each.envelope.about, each.content)
            else replace(each, content=None)
            for each in some
        ]

    def _push(
        self, sender: SealedSender, some: Sequence[_Opened], now_utc: datetime
    ) -> list[_Opened]:
        read = [(each, _operation_in(each)) for each in some]
        entries = tuple(entry for _, entry in read if entry is not None)
        if entries:
            push = ReadPush(protocol=0, replica_id=sender.replica_id, entries=entries)
            take_push(self._engine, sender.tablet, push, now_utc, is_revoked=sender.is_revoked)
        return [each if entry is not None else replace(each, content=None) for each, entry in read]

    def _keep_store(self, opened: _Opened) -> _Opened:
        """Keep a damaged store that is what its name says; anything else is only noted."""
        content, name = opened.content, opened.envelope.about
        if content is None or self._intake is None or hashlib.sha256(content).hexdigest() != name:
            return opened
        return replace(opened, report=self._intake.stores.keep(name, content))

    def _take_photo(self, sender: SealedSender, sha256: str, content: bytes) -> bool:
        is_picture = content.startswith((_PNG, _JPEG))
        is_named = hashlib.sha256(content).hexdigest() == sha256
        if self._intake is None or not is_picture or not is_named:
            return False
        offer = BlobOffer(
            sha256=sha256,
            size_bytes=len(content),
            mime=BlobMime.PNG if content.startswith(_PNG) else BlobMime.JPEG,
            role=BlobRole.PHOTO,
        )
        try:
            return self._intake.take_whole(sender.tablet, offer, content)
        except ContractError as error:
            _LOG.warning("sealed_photo_kept_as_it_came", sha256=sha256, code=error.code)
            return False

    def open_waiting(self, now_utc: datetime) -> int:
        """Return how many envelopes that had to wait could be opened now, with keys put back."""
        with self._engine.begin() as connection:
            waiting = _waiting(connection, self._keys.key_ids())
        count = 0
        for sender, envelope in waiting:
            results = self.take(sender, [envelope], now_utc)
            count += sum(each.is_opened for each in results)
        return count


def _operation_in(opened: _Opened) -> Operation | Broken | None:
    """Return the operation, None when there is none under this name."""
    if opened.content is None:
        return None
    try:
        entry = read_operation(read_json("sealed operation", opened.content))
    except ContractError:
        return None
    return entry if entry.op_id == opened.envelope.about else None


def _is_draft(_sender: SealedSender, _about: str, content: bytes) -> bool:
    try:
        read_json("sealed draft", content)
    except ContractError:
        return False
    return True


def _keep(connection: Connection, sender: SealedSender, opened: _Opened, now_utc: datetime) -> None:
    """Keep an envelope once, and ask a person to look where nothing else does."""
    envelope, is_opened = opened.envelope, opened.content is not None
    key = SEALED_ITEM.c.envelope_hash == opened.envelope_hash
    known = connection.execute(select(SEALED_ITEM.c.is_opened).where(key)).scalar_one_or_none()
    if known is not None and (known or not is_opened):
        return
    if known is not None:
        body = _body(opened)
        connection.execute(update(SEALED_ITEM).where(key).values(is_opened=True, body=body))
    else:
        connection.execute(
            insert(SEALED_ITEM).values(
                envelope_hash=opened.envelope_hash,
                tablet_id=sender.tablet.tablet_id,
                replica_id=sender.replica_id,
                kind=str(envelope.kind),
                about=clean_text(envelope.about),
                key_id=clean_text(envelope.key_id),
                is_opened=is_opened,
                body=_body(opened),
                received_at_ms=ms_from_utc(now_utc),
            )
        )
    if not is_opened:
        _ask(connection, ReviewKind.SEALED_UNREAD, KEY_ENTITY, envelope.key_id, now_utc)
    elif envelope.kind is SealedKind.DRAFT:
        _ask(connection, ReviewKind.REVOKED_TABLET, DRAFT_ENTITY, envelope.about, now_utc)
    elif envelope.kind is SealedKind.STORE:
        tablet_id = sender.tablet.tablet_id
        _ask(connection, ReviewKind.STORE_DAMAGED, TABLET_ENTITY, tablet_id, now_utc)


def _body(opened: _Opened) -> str | None:
    """Return what is kept: the envelope while it is closed, the text of a draft or a report."""
    if opened.content is None:
        return dump_json(envelope_json(opened.envelope)).decode()
    if opened.report:
        return clean_text(opened.report)
    is_draft = opened.envelope.kind is SealedKind.DRAFT
    return clean_text(opened.content.decode()) if is_draft else None


_CODES = {
    ReviewKind.REVOKED_TABLET: Code.TOKEN_REVOKED,
    ReviewKind.STORE_DAMAGED: Code.STORE_DAMAGED,
}


def _ask(
    connection: Connection, kind: ReviewKind, entity: str, entity_id: str, now_utc: datetime
) -> None:
    """Make a review item, unless an open one of the same says so already."""
    code = _CODES.get(kind, Code.NOT_FOUND)
    new = NewReview(
        kind=kind, op_id=None, entity=entity, entity_id=clean_text(entity_id), code=code
    )
    add_review_once(connection, new, now_utc)


def _waiting(connection: Connection, key_ids: Sequence[str]) -> list[tuple[SealedSender, Envelope]]:
    query = (
        select(SEALED_ITEM)
        .where(SEALED_ITEM.c.is_opened.is_(False), SEALED_ITEM.c.key_id.in_(key_ids))
        .order_by(SEALED_ITEM.c.received_at_ms, SEALED_ITEM.c.envelope_hash)
    )
    found = []
    for row in connection.execute(query).all():
        tablet, is_revoked = tablet_as_it_was(connection, row.tablet_id)
        sender = SealedSender(tablet=tablet, replica_id=row.replica_id, is_revoked=is_revoked)
        found.append((sender, parse_envelope(read_json("kept envelope", row.body.encode()))))
    return found


def kept_drafts(connection: Connection, about: str) -> list[JsonValue]:
    """Return the drafts of one record that came sealed, the oldest first.

    A draft of the office's forms is named after its record and a colon.
    """
    is_about = SEALED_ITEM.c.about == about
    query = (
        select(SEALED_ITEM.c.body)
        .where(
            is_about | SEALED_ITEM.c.about.startswith(f"{about}:", autoescape=True),
            SEALED_ITEM.c.kind == str(SealedKind.DRAFT),
            SEALED_ITEM.c.is_opened,
        )
        .order_by(SEALED_ITEM.c.received_at_ms)
    )
    return [json.loads(body) for body in connection.execute(query).scalars() if body]
