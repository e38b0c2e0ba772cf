"""One broker session per partition that this replica holds; the locks say which those are.

Who holds the lock of a partition connects as `ingest-<pp>`: the broker keeps that session for
whoever comes next, with every message that was not confirmed. Two replicas that think they hold one
partition do no harm, because every transaction of the ingest finds out that it was overtaken; the
locks are for speed and for one voice towards each gateway.
"""

import itertools
import os
import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError
from structlog.typing import FilteringBoundLogger

from sync_server.config import BrokerConfig
from sync_server.db.advisory_io import AdvisoryLocks
from sync_server.readings.mqtt_io import (
    CHANNELS,
    WAITING_MESSAGES,
    BrokerLink,
    Feed,
    Message,
    close_links,
)
from sync_server.readings.partition_shares import to_give_back, to_try
from wire_contracts.acks import Ack
from wire_contracts.topics import PARTITION_COUNT, partition_of, partition_subscription

POLL_S = 0.5
"""Wall seconds between two looks at the locks: a partition is taken over within that and the time
of one connection to the broker."""

HOLDER_NAME = "lamplighter-ingest"
"""How replicas find and count each other in `pg_stat_activity`."""

_JOIN_S = 15.0
_LOG: FilteringBoundLogger = structlog.get_logger()


class PartitionSource(Protocol):
    """Where messages come from: `BrokerLink` for every partition, `PartitionLinks` for a share."""

    @property
    def is_shared(self) -> bool:
        """Whether other processes take messages in too."""
        ...

    @property
    def is_connected(self) -> bool:
        """Whether the broker has accepted us and not gone since."""
        ...

    @property
    def is_subscribed(self) -> bool:
        """Whether the broker has confirmed our subscriptions."""
        ...

    def start(self) -> None:
        """Begin to connect, in the background."""
        ...

    def take(self, timeout_s: float) -> Message | None:
        """Return the next message, None when there was none for so long."""
        ...

    def take_now(self) -> Message | None:
        """Return a message that is here already, None when there is none."""
        ...

    def waiting_count(self) -> int:
        """Return how many messages wait to be taken."""
        ...

    def confirm(self, message: Message) -> None:
        """Let the broker forget a message."""
        ...

    def serves(self, gateway_id: str) -> bool:
        """Return whether this process speaks to the gateway."""
        ...

    def publish_ack(self, gateway_id: str, ack: Ack) -> None:
        """Tell a gateway what is safe."""
        ...

    def publish_order(self, gateway_id: str, payload: bytes) -> bool:
        """Send a signed order; return whether the network took it."""
        ...

    def close(self) -> None:
        """Send what is waiting, say goodbye."""
        ...


class PartitionLinks:
    """The sessions of the partitions that this process holds; others hold the rest."""

    def __init__(self, config: BrokerConfig, locks: AdvisoryLocks) -> None:
        """Take the broker and the locks; `start` begins to hold partitions."""
        self._config = config
        self._locks = locks
        self._messages: queue.Queue[Message] = queue.Queue(WAITING_MESSAGES)
        self._numbers: Iterator[int] = itertools.count()
        self._links: Mapping[int, BrokerLink] = {}
        self._first = os.getpid() * 29 % PARTITION_COUNT
        self._stop = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="partitions")

    @property
    def held(self) -> Sequence[int]:
        """The partitions that this process holds, ascending."""
        return sorted(self._links)

    @property
    def is_shared(self) -> bool:
        """Whether other processes take messages in too: those that hold the other partitions."""
        return True

    @property
    def is_connected(self) -> bool:
        """Whether every partition held has its connection, and one is held at all."""
        links = self._links.values()
        return bool(links) and all(link.is_connected for link in links)

    @property
    def is_subscribed(self) -> bool:
        """Whether any partition held is subscribed: orders may go to its gateways."""
        return any(link.is_subscribed for link in self._links.values())

    def start(self) -> None:
        """Begin to hold partitions, in the background."""
        self._keeper.start()

    def take(self, timeout_s: float) -> Message | None:
        """Return the next message of any partition held, None when there was none for so long."""
        for link in self._links.values():
            link.mind()
        try:
            return self._messages.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def take_now(self) -> Message | None:
        """Return a message that is here already, None when there is none."""
        try:
            return self._messages.get_nowait()
        except queue.Empty:
            return None

    def waiting_count(self) -> int:
        """Return how many messages wait to be taken."""
        return self._messages.qsize()

    def confirm(self, message: Message) -> None:
        """Let the broker forget a message; one of a session given back comes to its next holder."""
        for link in self._links.values():
            if link.holds(message):
                link.confirm(message)

    def serves(self, gateway_id: str) -> bool:
        """Return whether the gateway's partition is held here."""
        link = self._links.get(partition_of(gateway_id))
        return link is not None and link.is_subscribed

    def publish_ack(self, gateway_id: str, ack: Ack) -> None:
        """Tell a gateway what is safe; whoever holds its partition by then tells it again."""
        link = self._links.get(partition_of(gateway_id))
        if link is not None:
            link.publish_ack(gateway_id, ack)

    def publish_order(self, gateway_id: str, payload: bytes) -> bool:
        """Send a signed order; return whether the network took it."""
        link = self._links.get(partition_of(gateway_id))
        return link is not None and link.publish_order(gateway_id, payload)

    def close(self) -> None:
        """Give every partition back, its session first and then its lock."""
        self._stop.set()
        if self._keeper.is_alive():
            self._keeper.join(_JOIN_S)
        self._leave(self.held)
        self._locks.close()

    def _keep(self) -> None:
        while not self._stop.is_set():
            try:
                self._look()
            except SQLAlchemyError as error:
                _LOG.warning("ingest.locks_lost", held=len(self._links), error=str(error)[:200])
                self._leave(self.held)
            self._stop.wait(POLL_S)

    def _look(self) -> None:
        """Give back what others wait for; take what nobody holds, up to the own share."""
        count = self._locks.holder_count()
        given = to_give_back(self._links, count)
        self._leave(given)
        for partition in given:
            self._locks.unlock(partition)
        taken: list[int] = []
        for partition in to_try(self._links, count, self._first):
            if not to_try([*self._links, *taken], count, self._first):
                break
            if self._locks.try_lock(partition):
                taken.append(partition)
        self._enter(taken)
        if given or taken:
            _LOG.info("ingest.partitions", held=len(self._links), replicas=count)

    def _enter(self, partitions: Sequence[int]) -> None:
        links = {partition: self._link(partition) for partition in partitions}
        for link in links.values():
            link.start()
        self._links = {**self._links, **links}

    def _link(self, partition: int) -> BrokerLink:
        config = replace(self._config, client_id=f"ingest-{partition:02d}")
        topics = [partition_subscription(partition, channel) for channel in CHANNELS]
        return BrokerLink(
            config, Feed(topics=topics, messages=self._messages, numbers=self._numbers)
        )

    def _leave(self, partitions: Sequence[int]) -> None:
        """End the sessions; what was not confirmed the broker keeps for the next holder."""
        left = [self._links[partition] for partition in partitions]
        gone = set(partitions)
        self._links = {each: link for each, link in self._links.items() if each not in gone}
        close_links(left)
