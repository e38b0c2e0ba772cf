"""The sync conversation in-process: what `wire_contracts.sync.SyncApi` promises to a tablet."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import structlog
from sqlalchemy import Connection, Engine

from sync_server.access.tablet_store import TabletIdentity
from sync_server.blobs.intake import Intake
from sync_server.db.change_store import head_and_horizon, is_area_bucket, note_buckets
from sync_server.db.engine_io import reading
from sync_server.db.server_store import server_epoch
from sync_server.sync.inbox import ReadPush, clean_text, open_push
from sync_server.sync.page_bytes import WrittenAnswer, written_answer
from sync_server.sync.page_shelf import PageShelf
from sync_server.sync.pull import PullRequest, read_changes, seen_of, written_changes
from sync_server.sync.push import take_push
from sync_server.sync.review_store import NewReview, ReviewKind, add_review_once
from sync_server.sync.scope import buckets_of_tablet
from sync_server.sync.sealed_room import SealedRoom, SealedSender
from sync_server.sync.sealing_keys_io import SealingKeys
from sync_server.sync.tokens import parse_token
from sync_server.traces_io import span
from wire_contracts.clock import Clock
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc
from wire_contracts.operations import Operation, PushAnswer, WrittenPush, dump_written
from wire_contracts.orders import ENTITY
from wire_contracts.pulls import PollAnswer, PullAnswer
from wire_contracts.sealed import SealedAnswer, SealedRequest, key_id_of
from wire_contracts.sync import (
    OLDEST_PROTOCOL,
    PROTOCOL,
    Feature,
    agreed_protocol,
    has_feature,
)

_LOG = structlog.get_logger("sync_server.sync.service")

LEASE = timedelta(days=7)
"""How long a tablet keeps received personal data without a contact (RULINGS R4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncTerms:
    """On which terms tablets are served.

    Attributes:
        oldest_protocol: An older app is told to update; its outbox stays.
        lease: See LEASE.
        keys: What tablets seal to; without a folder nothing sealed can be opened.
        intake: Takes the photos that come sealed; None: they are kept as they came.
    """

    oldest_protocol: int = OLDEST_PROTOCOL
    lease: timedelta = LEASE
    keys: SealingKeys = field(default_factory=lambda: SealingKeys(None))
    intake: Intake | None = None


class SyncService:
    """One per process, over one database."""

    def __init__(self, engine: Engine, clock: Clock, terms: SyncTerms | None = None) -> None:
        """Take what the conversation needs; nothing is opened yet."""
        self._engine = engine
        self._clock = clock
        self._terms = terms or SyncTerms()
        self._has_epoch = False
        self._noted_areas: set[str] = set()
        self._shelf = PageShelf()

    def for_tablet(self, tablet: TabletIdentity, protocol: int = PROTOCOL) -> "TabletSync":
        """Return the conversation with one tablet of that version; it implements SyncApi."""
        return TabletSync(service=self, tablet=tablet, protocol=protocol)

    def check_protocol(self, protocol: int) -> None:
        """Raise ContractError when the app is too old to be understood; its outbox stays."""
        if protocol < self._terms.oldest_protocol:
            raise ContractError(
                place="sync",
                field="protocol",
                problem=f"{protocol} is older than {self._terms.oldest_protocol}",
                remedy="update the app; what is not sent yet stays and is sent afterwards",
                code=Code.APP_TOO_OLD,
            )

    def pull(
        self, tablet: TabletIdentity, token: str | None, limit: int, protocol: int = PROTOCOL
    ) -> PullAnswer:
        """Return the changes after `token` as a tablet of that version reads them.

        They come from one snapshot of the database. Raises ContractError when the app is too old.
        """
        with self._asked(tablet, token, limit, protocol) as (connection, request):
            answer = _with_seen(connection, request, read_changes(connection, request), protocol)
        return self._agreed(answer, request, protocol)

    def pull_written(
        self, tablet: TabletIdentity, token: str | None, limit: int, protocol: int = PROTOCOL
    ) -> WrittenAnswer:
        """Return what `pull` does as it goes over the wire."""
        with self._asked(tablet, token, limit, protocol) as (connection, request):
            agreed = agreed_protocol(protocol)
            answer, pages = written_changes(connection, request, self._shelf, agreed)
            answer = _with_seen(connection, request, answer, protocol)
        return written_answer(self._agreed(answer, request, protocol), pages, token)

    def poll(self, tablet: TabletIdentity, seen: str, protocol: int = PROTOCOL) -> PollAnswer:
        """Return whether anything that the tablet may see changed since it was told `seen`.

        Raises ContractError when the app is too old.
        """
        with self._asked(tablet, None, 1, protocol) as (connection, request):
            is_unchanged = seen_of(connection, request) == seen
        return PollAnswer(
            server_now_ms=request.server_now_ms,
            has_news=not is_unchanged,
            lease_until_ms=self._lease_until_ms(protocol),
            protocol=agreed_protocol(protocol),
        )

    @contextmanager
    def _asked(
        self, tablet: TabletIdentity, token: str | None, limit: int, protocol: int
    ) -> Generator[tuple[Connection, PullRequest]]:
        """Yield one snapshot of the database, and what is asked of it."""
        self.check_protocol(protocol)
        cursor = None if token is None else parse_token(token)
        sealing_key = self._sealing_key(protocol)
        self._draw_epoch_once()
        with reading(self._engine) as connection:
            if connection.dialect.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ")
            buckets = buckets_of_tablet(connection, tablet, protocol)
            head, horizon = head_and_horizon(connection)
            request = PullRequest(
                cursor=cursor,
                buckets=buckets,
                limit=limit,
                head=head,
                horizon=horizon,
                server_epoch=server_epoch(connection),
                server_now_ms=ms_from_utc(self._clock.now_utc()),
                key_id="" if sealing_key is None else key_id_of(sealing_key),
            )
            yield connection, request
        self._note_areas(buckets)
        if request.is_of_another_life:
            self._ask_for_new_epoch(tablet, request)

    def _ask_for_new_epoch(self, tablet: TabletIdentity, request: PullRequest) -> None:
        """Say that this database was put back without a new epoch: work may be missing here."""
        _LOG.error("sync.put_back_unsaid", tablet_id=tablet.tablet_id, head=request.head)
        new = NewReview(
            kind=ReviewKind.SELF_CHECK,
            op_id=None,
            entity="server_epoch",
            entity_id=str(request.server_epoch),
            code=Code.PULL_RESET,
        )
        with self._engine.begin() as connection:
            add_review_once(connection, new, self._clock.now_utc())

    def _sealing_key(self, protocol: int) -> bytes | None:
        return self._terms.keys.public_key if has_feature(protocol, Feature.SEALED) else None

    def _agreed(self, answer: PullAnswer, request: PullRequest, protocol: int) -> PullAnswer:
        """Return the answer with what a tablet of that version is told beside the changes."""
        cursor = request.cursor
        needs_key = cursor is None or cursor.key_id != request.key_id
        return replace(
            answer,
            protocol=agreed_protocol(protocol),
            lease_until_ms=self._lease_until_ms(protocol),
            sealing_key=self._sealing_key(protocol) if needs_key else None,
        )

    def _lease_until_ms(self, protocol: int) -> int | None:
        if not has_feature(protocol, Feature.LEASE):
            return None
        return ms_from_utc(self._clock.now_utc() + self._terms.lease)

    def _note_areas(self, buckets: Sequence[str]) -> None:
        """Remember areas by name: a token has only their marks, and an area may be taken away.

        Crews and people need it not: their rows are never deleted.
        """
        new = {each for each in buckets if is_area_bucket(each)} - self._noted_areas
        if new:
            with self._engine.begin() as connection:
                note_buckets(connection, new)
            self._noted_areas |= new

    def push(self, tablet: TabletIdentity, push: ReadPush) -> PushAnswer:
        """Return one permanent outcome per operation, in the order sent."""
        self.check_protocol(push.protocol)
        with span("sync.push") as told:
            if told.is_on:
                told.note("lamplighter.tablet_id", tablet.tablet_id)
                told.note("lamplighter.order_ids", _orders_named(push))
            outcome = take_push(self._engine, tablet, push, self._clock.now_utc())
        return PushAnswer(
            server_epoch=outcome.server_epoch,
            server_now_ms=ms_from_utc(self._clock.now_utc()),
            results=outcome.results,
            must_renew_replica=outcome.must_renew_replica,
            protocol=agreed_protocol(push.protocol),
        )

    def take_sealed(
        self, tablet: TabletIdentity, request: SealedRequest, *, is_revoked: bool
    ) -> SealedAnswer:
        """Return one result per envelope: each is safe here, opened or as it came."""
        self.check_protocol(request.protocol)
        replica_id = clean_text(request.replica_id)
        sender = SealedSender(
            tablet=tablet,
            replica_id=replica_id,
            is_revoked=is_revoked,
            told=request.told,
        )
        room = SealedRoom(self._engine, self._terms.keys, self._terms.intake)
        results = room.take(sender, request.envelopes, self._clock.now_utc())
        self._draw_epoch_once()
        with reading(self._engine) as connection:
            epoch = server_epoch(connection)
        return SealedAnswer(
            server_epoch=epoch,
            server_now_ms=ms_from_utc(self._clock.now_utc()),
            protocol=agreed_protocol(request.protocol),
            results=results,
        )

    def _draw_epoch_once(self) -> None:
        """See to it that the database has an epoch, so that a reader never has to write one."""
        if not self._has_epoch:
            with self._engine.begin() as connection:
                server_epoch(connection)
            self._has_epoch = True


def _with_seen(
    connection: Connection, request: PullRequest, answer: PullAnswer, protocol: int
) -> PullAnswer:
    """Name what a tablet of that version has seen when it has taken the last page."""
    if answer.has_more or not has_feature(protocol, Feature.SEEN):
        return answer
    return replace(answer, seen=seen_of(connection, request))


@dataclass(frozen=True, slots=True, kw_only=True)
class TabletSync:
    """The conversation with one tablet, in-process."""

    service: SyncService
    tablet: TabletIdentity
    protocol: int = PROTOCOL

    def pull(self, token: str | None, limit: int) -> PullAnswer:
        """Return the changes after `token` (None: from nothing), at most about `limit` rows."""
        return self.service.pull(self.tablet, token, limit, self.protocol)

    def push(self, push: WrittenPush) -> PushAnswer:
        """Return one permanent outcome per operation."""
        read = open_push(f"push of tablet {self.tablet.tablet_id}", dump_written(push))
        return self.service.push(self.tablet, read)


def _orders_named(push: ReadPush) -> list[str]:
    """Return the orders that a push is about, for a trace."""
    found = [each for each in push.entries if isinstance(each, Operation)]
    return sorted({each.entity_id for each in found if each.entity == ENTITY})
