"""The loop of the ingest: take what is here, commit it in one transaction, then acknowledge."""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError
from structlog.typing import FilteringBoundLogger

from sync_server.db.engine_io import reading
from sync_server.db.feed_store import Topic, append_feed
from sync_server.gateways.health_store import note_health
from sync_server.gateways.order_store import due_orders, hurry, mark_sent, note_result
from sync_server.readings.fresh import AnyBatch
from sync_server.readings.health import IngestMetrics
from sync_server.readings.inbox import (
    Dropped,
    GatewayWord,
    Item,
    Unusable,
    read_message,
    read_split,
)
from sync_server.readings.mqtt_io import Message
from sync_server.readings.partition_links_io import PartitionSource
from sync_server.readings.quality_event_store import (
    QualityEvent,
    QualityEventKind,
    is_event_known,
    write_quality_events,
)
from sync_server.readings.quarantine_store import keep_payload
from sync_server.readings.reading_store import ReadingStore, Stored
from sync_server.traces_io import Spoken, span
from wire_contracts.acks import Ack, EpochAck
from wire_contracts.clock import Clock
from wire_contracts.codes import Code
from wire_contracts.frame_columns import SplitBatch
from wire_contracts.frames import Batch, ms_from_utc
from wire_contracts.gateway_commands import CommandResult
from wire_contracts.gateway_health import GatewayHealth
from wire_contracts.topics import Channel

AFTER_COMMIT = "server.after_commit"
"""Named point: the frames are in the database, no acknowledgement has been sent yet."""

MAX_MESSAGES = {"sqlite": 40, "postgresql": 200}
"""Messages in one transaction, of 50 frames at most: on SQLite more gains little and makes readers
wait; on PostgreSQL the newest and the hour of a meter are written once for all of its frames."""

LONGEST_NAME = 64
"""Characters of an event's name; a longer one is none."""

_IDLE_S = 0.25
_RETRY_S = 1.0
_ORDERS_EVERY_S = 1.0
_LOG: FilteringBoundLogger = structlog.get_logger()


_Taken = Item | SplitBatch


def _read(message: Message) -> _Taken:
    """Return what a message is; ordinary frames as columns."""
    split = read_split(message.topic, message.payload)
    return read_message(message.topic, message.payload) if split is None else split


def _tell(told: Spoken, items: Sequence[_Taken]) -> None:
    """Say of a span how much it took in, and whose."""
    batches = [item for item in items if isinstance(item, AnyBatch)]
    told.note("lamplighter.messages", len(items))
    told.note("lamplighter.frames", sum(batch.frame_count for batch in batches))
    told.note("lamplighter.gateway_ids", sorted({batch.gateway_id for batch in batches}))


class IngestLoop:
    """Moves messages from the broker into the database until it is told to stop."""

    def __init__(
        self,
        engine: Engine,
        link: PartitionSource,
        clock: Clock,
        metrics: IngestMetrics,
        reached: Callable[[str], None],
    ) -> None:
        """Take the parts; `run` does the work."""
        self._engine = engine
        self._link = link
        self._clock = clock
        self._metrics = metrics
        self._reached = reached
        self._store = ReadingStore(is_shared=link.is_shared)
        self._orders_due_s = 0.0
        self._most = MAX_MESSAGES[engine.dialect.name]

    def run(self, server_epoch: int, stop: threading.Event) -> None:
        """Work until `stop`; what was taken is committed and acknowledged before it returns."""
        while not stop.is_set():
            first = self._link.take(_IDLE_S)
            self._metrics.is_connected.set(self._link.is_connected)
            if first is not None:
                self._handle(self._gather(first), server_epoch, stop)
            self._send_orders()

    def _send_orders(self) -> None:
        """Publish the signed orders that are due, at most once a second."""
        now_s = time.monotonic()
        if not self._link.is_subscribed or now_s < self._orders_due_s:
            return
        self._orders_due_s = now_s + _ORDERS_EVERY_S
        now_utc = self._clock.now_utc()
        try:
            with reading(self._engine) as connection:
                due = due_orders(connection, now_utc)
            ours = [each for each in due if self._link.serves(each.gateway_id)]
            sent = [
                each for each in ours if self._link.publish_order(each.gateway_id, each.payload)
            ]
            if sent:
                with self._engine.begin() as connection:
                    mark_sent(connection, sent, now_utc)
        except OperationalError as error:
            _LOG.warning("ingest.orders_wait", error=str(error.orig))

    def _gather(self, first: Message) -> Sequence[Message]:
        messages = [first]
        while len(messages) < self._most:
            following = self._link.take_now()
            if following is None:
                break
            messages.append(following)
        self._metrics.waiting.set(self._link.waiting_count())
        return messages

    def _handle(
        self, messages: Sequence[Message], server_epoch: int, stop: threading.Event
    ) -> None:
        with span("ingest.batch") as told:
            items = [_read(message) for message in messages]
            stored = self._commit_until_done(messages, items, stop)
            if told.is_on:
                _tell(told, items)
        if stored is None:
            return
        self._reached(AFTER_COMMIT)
        for each in stored:
            for gateway_id, epochs in each.acks.items():
                self._answer(gateway_id, server_epoch, epochs)
            self._metrics.count(each)
        for item in items:
            if isinstance(item, GatewayWord) and item.is_online():
                self._answer(item.gateway_id, server_epoch, ())
        for message in messages:
            self._link.confirm(message)

    def _answer(self, gateway_id: str, server_epoch: int, epochs: Sequence[EpochAck]) -> None:
        """Say what is committed, and what time it is: some gateways know it from nowhere else."""
        now_ms = ms_from_utc(self._clock.now_utc())
        ack = Ack(server_epoch=server_epoch, epochs=epochs, server_at_ms=now_ms)
        self._link.publish_ack(gateway_id, ack)

    def _commit_until_done(
        self,
        messages: Sequence[Message],
        items: Sequence[_Taken],
        stop: threading.Event,
    ) -> Sequence[Stored] | None:
        """Return what was stored; None when we are stopped while the database is away."""
        try:
            return self._commit_when_there(items, stop)
        except Exception:  # noqa: BLE001  # one message must not end the ingest of a whole town
            _LOG.exception("ingest.transaction_failed", messages=len(messages))
            return self._commit_one_by_one(messages, items, stop)

    def _commit_when_there(
        self, items: Sequence[_Taken], stop: threading.Event
    ) -> Sequence[Stored] | None:
        """Commit, again and again while the database is away; None when we are stopped then."""
        while True:
            try:
                return self._commit(items)
            except OperationalError as error:
                _LOG.warning("ingest.database_away", error=str(error.orig))
                if stop.wait(_RETRY_S):
                    return None

    def _commit(self, items: Sequence[_Taken]) -> Sequence[Stored]:
        now_utc = self._clock.now_utc()
        batches = [item for item in items if isinstance(item, AnyBatch)]
        started_s = time.perf_counter()
        with self._engine.begin() as connection:
            stored = [self._store.store_batches(connection, batches, now_utc)] if batches else []
            for item in items:
                self._note(connection, item, now_utc)
        self._metrics.commit_s.observe(time.perf_counter() - started_s)
        self._metrics.newest_at_s.set(now_utc.timestamp())
        return stored

    def _note(self, connection: Connection, item: _Taken, now_utc: datetime) -> None:
        """Keep what is not a batch."""
        match item:
            case Unusable():
                self._keep(connection, item, now_utc)
            case GatewayWord():
                _note_word(connection, item, now_utc)
            case GatewayHealth():
                note_health(connection, item, now_utc)
            case CommandResult():
                if note_result(connection, item, now_utc):
                    append_feed(connection, Topic.GATEWAY, item.gateway_id, now_utc)
            case Dropped():
                _LOG.warning("ingest.word_dropped", gateway=item.gateway_id, reason=item.reason)
            case Batch() | SplitBatch():
                return

    def _commit_one_by_one(
        self,
        messages: Sequence[Message],
        items: Sequence[_Taken],
        stop: threading.Event,
    ) -> Sequence[Stored] | None:
        """Find the message that cannot be stored, and keep that one as it came."""
        stored: list[Stored] = []
        for message, item in zip(messages, items, strict=True):
            try:
                found = self._commit_when_there([item], stop)
            except Exception as error:  # noqa: BLE001  # whatever it breaks, it is kept as it came
                _LOG.exception("ingest.message_failed", topic=message.topic)
                unusable = _unstorable(item.gateway_id, message.payload, error)
                found = self._commit_when_there([unusable], stop)
            if found is None:
                return None
            stored += found
        return stored

    def _keep(self, connection: Connection, item: Unusable, now_utc: datetime) -> None:
        _LOG.warning("ingest.payload_refused", gateway=item.gateway_id, reason=item.reason)
        self._metrics.payloads_refused.inc()
        keep_payload(
            connection,
            gateway_id=item.gateway_id,
            payload=item.payload,
            code=item.code,
            reason=item.reason,
            received_at_utc=now_utc,
        )


def _unstorable(gateway_id: str, payload: bytes, error: Exception) -> Unusable:
    problem = error.orig if isinstance(error, DBAPIError) else error
    return Unusable(
        gateway_id=gateway_id,
        payload=payload,
        code=Code.OPERATION_FAILED,
        reason=f"gateway {gateway_id}: payload: cannot be stored ({str(problem)[:200]!a}); "
        "report it",
    )


def _note_word(connection: Connection, word: GatewayWord, now_utc: datetime) -> None:
    append_feed(connection, Topic.GATEWAY, word.gateway_id, now_utc)
    if word.is_online():
        hurry(connection, word.gateway_id, now_utc)
    if word.channel is Channel.EVENT:
        _keep_event(connection, word, now_utc)


def _keep_event(connection: Connection, word: GatewayWord, now_utc: datetime) -> None:
    """Keep what happened in a gateway, once: it is sent until the broker has confirmed it."""
    name = word.values.get("id")
    is_named = isinstance(name, str) and len(name) <= LONGEST_NAME
    if is_named and is_event_known(connection, word.gateway_id, str(name), now_utc):
        return
    event = QualityEvent(
        at_utc=now_utc,
        kind=QualityEventKind.GATEWAY,
        gateway_id=word.gateway_id,
        meter_id=None,
        detail=word.values,
    )
    write_quality_events(connection, [event])
