"""The sync conversation in-process: what `wire_contracts.sync.SyncApi` promises to a tablet."""

from dataclasses import dataclass, replace

from sqlalchemy import Engine

from sync_server.access.tablet_store import TabletIdentity
from sync_server.db.engine_io import reading
from sync_server.db.server_store import server_epoch
from sync_server.sync.inbox import ReadPush
from sync_server.sync.pull import PullRequest, read_changes
from sync_server.sync.push import take_push
from sync_server.sync.scope import buckets_of_tablet
from sync_server.sync.tokens import parse_token
from wire_contracts.clock import Clock
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.frames import ms_from_utc
from wire_contracts.operations import PushAnswer, PushRequest
from wire_contracts.pulls import PullAnswer
from wire_contracts.sync import OLDEST_PROTOCOL, PROTOCOL, agreed_protocol


class SyncService:
    """One per process, over one database."""

    def __init__(
        self, engine: Engine, clock: Clock, *, oldest_protocol: int = OLDEST_PROTOCOL
    ) -> None:
        """Take what the conversation needs; nothing is opened yet."""
        self._engine = engine
        self._clock = clock
        self._oldest_protocol = oldest_protocol
        self._has_epoch = False

    def for_tablet(self, tablet: TabletIdentity, protocol: int = PROTOCOL) -> "TabletSync":
        """Return the conversation with one tablet of that version; it implements SyncApi."""
        return TabletSync(service=self, tablet=tablet, protocol=protocol)

    def check_protocol(self, protocol: int) -> None:
        """Raise ContractError when the app is too old to be understood; its outbox stays."""
        if protocol < self._oldest_protocol:
            raise ContractError(
                place="sync",
                field="protocol",
                problem=f"{protocol} is older than {self._oldest_protocol}",
                remedy="update the app; what is not sent yet stays and is sent afterwards",
                code=Code.APP_TOO_OLD,
            )

    def pull(
        self, tablet: TabletIdentity, token: str | None, limit: int, protocol: int = PROTOCOL
    ) -> PullAnswer:
        """Return the changes after `token` as a tablet of that version reads them.

        They come from one snapshot of the database. Raises ContractError when the app is too old.
        """
        self.check_protocol(protocol)
        cursor = None if token is None else parse_token(token)
        self._draw_epoch_once()
        with reading(self._engine) as connection:
            if connection.dialect.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ")
            request = PullRequest(
                cursor=cursor,
                buckets=buckets_of_tablet(connection, tablet),
                limit=limit,
                server_epoch=server_epoch(connection),
                server_now_ms=ms_from_utc(self._clock.now_utc()),
            )
            answer = read_changes(connection, request)
        return replace(answer, protocol=agreed_protocol(protocol))

    def push(self, tablet: TabletIdentity, push: ReadPush) -> PushAnswer:
        """Return one permanent outcome per operation, in the order sent."""
        self.check_protocol(push.protocol)
        outcome = take_push(self._engine, tablet, push, self._clock.now_utc())
        self._draw_epoch_once()
        with reading(self._engine) as connection:
            epoch = server_epoch(connection)
        return PushAnswer(
            server_epoch=epoch,
            server_now_ms=ms_from_utc(self._clock.now_utc()),
            results=outcome.results,
            must_renew_replica=outcome.must_renew_replica,
            protocol=agreed_protocol(push.protocol),
        )

    def _draw_epoch_once(self) -> None:
        """See to it that the database has an epoch, so that a reader never has to write one."""
        if not self._has_epoch:
            with self._engine.begin() as connection:
                server_epoch(connection)
            self._has_epoch = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TabletSync:
    """The conversation with one tablet, in-process."""

    service: SyncService
    tablet: TabletIdentity
    protocol: int = PROTOCOL

    def pull(self, token: str | None, limit: int) -> PullAnswer:
        """Return the changes after `token` (None: from nothing), at most about `limit` rows."""
        return self.service.pull(self.tablet, token, limit, self.protocol)

    def push(self, request: PushRequest) -> PushAnswer:
        """Return one permanent outcome per operation."""
        push = ReadPush(
            protocol=request.protocol,
            replica_id=request.replica_id,
            entries=tuple(request.operations),
        )
        return self.service.push(self.tablet, push)
