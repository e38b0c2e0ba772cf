"""What came sealed -> the ledger, the drafts and the photos; what cannot be opened is kept."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog
from sqlalchemy import Connection, Engine, func, insert, select, update

from sync_server.access.tablet_store import TabletIdentity, tablet_as_it_was
from sync_server.blobs.bounds import QUOTA_WINDOW, check_sealed_quota
from sync_server.blobs.intake import Intake
from sync_server.db.engine_io import reading
from sync_server.db.sync_tables import REVIEW_ITEM, SEALED_ITEM
from sync_server.sync.inbox import Broken, clean_text, read_operation
from sync_server.sync.push import take_sent
from sync_server.sync.review_store import NewReview, ReviewKind, add_review_once
from sync_server.sync.sealing_keys_io import SealingKeys
from sync_server.sync.senders import Sender
from wire_contracts.blobs import BlobMime, BlobOffer, BlobRole
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.fields import JsonValue
from wire_contracts.frames import ms_from_utc
from wire_contracts.operations import Operation, told_of
from wire_contracts.payloads import dump_json, read_json
from wire_contracts.sealed import (
    ROWS_DIFFER,
    Envelope,
    SealedKind,
    SealedResult,
    envelope_json,
    parse_envelope,
)

_LOG = structlog.get_logger("sync_server.sync.sealed")

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
"""First bytes of the two kinds of picture (PNG specification 5.2, JPEG B.1.1.3)."""

_LATER = frozenset({Code.DISK_FULL, Code.BLOB_QUOTA})
"""What a tablet is told instead of taking the photo from it: there is no room now."""

KEY_ENTITY = "sealing_key"
TABLET_ENTITY = "tablet"
DRAFT_ENTITY = "draft"


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedSender:
    """Which tablet sends, with which copy of its store, and whether its access was ended.

    `told`: what a server that was restored since had told of operations.
    """

    tablet: TabletIdentity
    replica_id: str
    is_revoked: bool
    told: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """An envelope with its content; None when it cannot be opened, or cannot be used.

    `is_key_here` tells the one from the other; `report` is what a tablet says of its damaged store.
    `is_early`: a step that waits for earlier ones, whose key is not here. `told_ms`: of an
    operation what the tablet is told of it (`SealedResult`).
    """

    envelope: Envelope
    envelope_hash: str
    content: bytes | None
    is_key_here: bool
    report: str = ""
    is_early: bool = False
    told_ms: int | None = None


class SealedRoom:
    """Opens envelopes and hands on what is inside; every envelope is safe before it is answered."""

    def __init__(self, engine: Engine, keys: SealingKeys, intake: Intake | None) -> None:
        """Work over one database with these keys; photos and damaged stores go to `intake`.

        Without an intake they stay sealed.
        """
        self._engine = engine
        self._keys = keys
        self._intake = intake

    def take(
        self, sender: SealedSender, envelopes: Sequence[Envelope], now_utc: datetime
    ) -> list[SealedResult]:
        """Return one result per envelope, in the order given.

        Operations go through the same ledger as a push, in the order of their taps whatever the
        order of the envelopes; what a revoked tablet did is shown to people. What cannot be opened
        or used is kept as it came, and a person hears of it.

        Raises:
            ContractError: There is no room now for a photo, or for what cannot be opened. Nothing
                is lost by sending all again.
        """
        opened = [self._open(envelope) for envelope in envelopes]
        kinds = [each.envelope.kind for each in opened]
        came: dict[SealedKind, Iterator[_Opened]] = {}
        for kind in sorted(set(kinds), key=list(SealedKind).index):  # operations first
            some = [each for each in opened if each.envelope.kind is kind]
            came[kind] = iter(self._use(kind, sender, some, now_utc))
        used = [next(came[kind]) for kind in kinds]
        with self._engine.begin() as connection:
            for each in used:
                self._keep(connection, sender, each, now_utc)
        return [
            SealedResult(
                kind=each.envelope.kind,
                about=each.envelope.about,
                is_opened=each.content is not None,
                told_ms=each.told_ms,
            )
            for each in used
        ]

    def _open(self, envelope: Envelope) -> _Opened:
        text = dump_json(envelope_json(envelope))
        return _Opened(
            envelope=envelope,
            envelope_hash=hashlib.sha256(text).hexdigest(),
            content=self._keys.open(envelope),
            is_key_here=envelope.key_id in self._keys.key_ids(),
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
        entries = sorted((entry for _, entry in read if entry is not None), key=_number)
        has_closed = any(not each.is_key_here for each in some) or self._has_closed(sender)
        told: dict[str, int | None] = {}
        if entries:
            pushing = Sender(
                tablet=sender.tablet,
                replica_id=sender.replica_id,
                now_utc=now_utc,
                is_revoked=sender.is_revoked,
                has_closed=has_closed,
                told=sender.told,
            )
            results = take_sent(self._engine, pushing, entries).results
            told = {each.op_id: told_of(each, ms_from_utc(now_utc)) for each in results}
        return [
            replace(each, told_ms=told[entry.op_id])
            if entry is not None and entry.op_id in told
            else replace(each, content=None, is_early=entry is not None)
            for each, entry in read
        ]

    def _has_closed(self, sender: SealedSender) -> bool:
        """Return whether taps of the store wait for a key that somebody may still put back."""
        cells = SEALED_ITEM.c
        closed = (
            select(cells.envelope_hash)
            .join(REVIEW_ITEM, REVIEW_ITEM.c.entity_id == cells.key_id)
            .where(
                cells.tablet_id == sender.tablet.tablet_id,
                cells.replica_id == sender.replica_id,
                cells.kind == str(SealedKind.OPERATION),
                cells.is_opened.is_(False),
                cells.key_id.not_in(self._keys.key_ids()),
                REVIEW_ITEM.c.kind == str(ReviewKind.SEALED_UNREAD),
                REVIEW_ITEM.c.resolved_at_ms.is_(None),
            )
        )
        with reading(self._engine) as connection:
            return connection.execute(closed).first() is not None

    def _keep_store(self, opened: _Opened) -> _Opened:
        """Keep a damaged store that is what its name says; anything else stays sealed."""
        content, name = opened.content, opened.envelope.about
        if content is None:
            return opened
        is_named = hashlib.sha256(content).hexdigest() == name
        report = self._intake.stores.keep(name, content) if self._intake and is_named else None
        if report is None:
            return replace(opened, content=None)
        return replace(opened, report=report)

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
            if error.code in _LATER:
                raise  # the tablet keeps it, as it keeps what it sends readable
            _LOG.warning("sealed_photo_kept_as_it_came", sha256=sha256, code=error.code)
            return False

    def _keep(
        self, connection: Connection, sender: SealedSender, opened: _Opened, now_utc: datetime
    ) -> None:
        """Keep an envelope once, within the tablet's share, and ask a person to look."""
        body = _body(opened)
        if not _is_kept(connection, opened):
            if body is not None:
                self._check_share(connection, sender, len(body), now_utc)
            connection.execute(insert(SEALED_ITEM).values(_cells(sender, opened, body, now_utc)))
        elif opened.content is None or not _put_opened(connection, opened, body):
            return
        _ask_about(connection, sender, opened, now_utc)

    def _check_share(
        self, connection: Connection, sender: SealedSender, size_bytes: int, now_utc: datetime
    ) -> None:
        """Raise ContractError when the body has no room on the disk or in the tablet's day."""
        if self._intake is not None:
            self._intake.check_room_for(size_bytes)
        cells = SEALED_ITEM.c
        since_ms = ms_from_utc(now_utc - QUOTA_WINDOW)
        query = select(func.coalesce(func.sum(cells.size_bytes), 0)).where(
            cells.tablet_id == sender.tablet.tablet_id, cells.received_at_ms >= since_ms
        )
        check_sealed_quota(int(connection.execute(query).scalar_one()), size_bytes)

    def open_waiting(self, now_utc: datetime) -> int:
        """Return how many envelopes that had to wait could be opened now, with keys put back.

        All taps of a copy of a store are taken together, whenever their envelopes came. What finds
        no room waits on.
        """
        with self._engine.begin() as connection:
            waiting = _waiting(connection, self._keys.key_ids())
        return sum(self._open_kept(kept, now_utc) for kept in waiting)

    def _open_kept(self, kept: "_Kept", now_utc: datetime) -> int:
        with self._engine.begin() as connection:
            envelopes = [_load(connection, each) for each in kept.envelope_hashes]
        try:
            results = self.take(kept.sender, envelopes, now_utc)
        except ContractError as error:
            _LOG.warning("sealed_things_wait_on", about=envelopes[0].about, code=error.code)
            return 0
        return sum(each.is_opened for each in results)


def _operation_in(opened: _Opened) -> Operation | Broken | None:
    """Return the operation, None when there is none under this name."""
    if opened.content is None:
        return None
    try:
        entry = read_operation(read_json("sealed operation", opened.content))
    except ContractError:
        return None
    return entry if entry.op_id == opened.envelope.about else None


def _number(entry: Operation | Broken) -> int:
    """Return the place of an operation among the taps of its tablet; a broken one has none."""
    return 0 if isinstance(entry, Broken) else entry.n


def _is_draft(_sender: SealedSender, _about: str, content: bytes) -> bool:
    try:
        read_json("sealed draft", content)
    except ContractError:
        return False
    return True


def _is_kept(connection: Connection, opened: _Opened) -> bool:
    mine = SEALED_ITEM.c.envelope_hash == opened.envelope_hash
    return connection.execute(select(SEALED_ITEM.c.is_opened).where(mine)).first() is not None


def _put_opened(connection: Connection, opened: _Opened, body: str | None) -> bool:
    """Put what was inside in the place of a kept envelope; return whether it was closed so far."""
    cells = SEALED_ITEM.c
    closed = (cells.envelope_hash == opened.envelope_hash) & cells.is_opened.is_(False)
    put = (
        update(SEALED_ITEM)
        .where(closed)
        .values(is_opened=True, body=body, size_bytes=len(body or ""))
    )
    return connection.execute(put).rowcount > 0


def _cells(
    sender: SealedSender, opened: _Opened, body: str | None, now_utc: datetime
) -> dict[str, str | int | None]:
    envelope = opened.envelope
    return {
        "envelope_hash": opened.envelope_hash,
        "tablet_id": sender.tablet.tablet_id,
        "replica_id": sender.replica_id,
        "kind": str(envelope.kind),
        "about": clean_text(envelope.about),
        "key_id": clean_text(envelope.key_id),
        "is_opened": opened.content is not None,
        "body": body,
        "size_bytes": len(body or ""),
        "received_at_ms": ms_from_utc(now_utc),
    }


def _ask_about(
    connection: Connection, sender: SealedSender, opened: _Opened, now_utc: datetime
) -> None:
    """Ask a person to look where nothing else does."""
    envelope, is_opened = opened.envelope, opened.content is not None
    if opened.is_early:
        return  # of the key that is away somebody has been asked
    if not is_opened and opened.is_key_here:
        _ask(connection, ReviewKind.SEALED_UNUSED, str(envelope.kind), envelope.about, now_utc)
    elif not is_opened:
        _ask(connection, ReviewKind.SEALED_UNREAD, KEY_ENTITY, envelope.key_id, now_utc)
    elif envelope.kind is SealedKind.DRAFT:
        _ask(connection, ReviewKind.REVOKED_TABLET, DRAFT_ENTITY, envelope.about, now_utc)
    elif envelope.kind is SealedKind.STORE:
        kind = _kind_of(opened.report)
        _ask(connection, kind, TABLET_ENTITY, sender.tablet.tablet_id, now_utc)


def _kind_of(report: str) -> ReviewKind:
    """Return what a tablet reports: a damaged file, unless it says that rows differ."""
    try:
        told = json.loads(report)
    except ValueError:
        return ReviewKind.STORE_DAMAGED
    is_of_rows = isinstance(told, dict) and told.get("kind") == ROWS_DIFFER
    return ReviewKind.ROWS_DIFFER if is_of_rows else ReviewKind.STORE_DAMAGED


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
    ReviewKind.ROWS_DIFFER: Code.STORE_DAMAGED,
    ReviewKind.SEALED_UNUSED: Code.PAYLOAD_FORM,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What is to be taken at once: the operations of one store, or one other thing alone."""

    sender: SealedSender
    envelope_hashes: list[str]


def _waiting(connection: Connection, key_ids: Sequence[str]) -> list[_Kept]:
    """Return what waits and has its key; the envelopes, which may be large, are read one by one."""
    cells = SEALED_ITEM.c
    query = (
        select(cells.envelope_hash, cells.tablet_id, cells.replica_id, cells.kind)
        .where(cells.is_opened.is_(False), cells.key_id.in_(key_ids))
        .order_by(cells.received_at_ms, cells.envelope_hash)
    )
    found: dict[tuple[str, ...], _Kept] = {}
    for row in connection.execute(query).all():
        tablet, is_revoked = tablet_as_it_was(connection, row.tablet_id)
        sender = SealedSender(tablet=tablet, replica_id=row.replica_id, is_revoked=is_revoked)
        is_operation = row.kind == str(SealedKind.OPERATION)
        alone = () if is_operation else (row.envelope_hash,)
        kept = _Kept(sender=sender, envelope_hashes=[])
        kept = found.setdefault((row.tablet_id, row.replica_id, *alone), kept)
        kept.envelope_hashes.append(row.envelope_hash)
    return list(found.values())


def _load(connection: Connection, envelope_hash: str) -> Envelope:
    mine = SEALED_ITEM.c.envelope_hash == envelope_hash
    body = connection.execute(select(SEALED_ITEM.c.body).where(mine)).scalar_one()
    return parse_envelope(read_json("kept envelope", body.encode()))


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
