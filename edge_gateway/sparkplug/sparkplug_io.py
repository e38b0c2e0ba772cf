"""The Sparkplug output: its own connection, its own cursor on the queue, one thread.

Sparkplug has no acknowledgement: data goes with QoS 0, and what was on its way when a connection
broke is lost for the host. Therefore the cursor on disk follows `SETTLE_S` behind what was sent,
and after a break what is behind it goes again, flagged historical. The lifeline to the server is
`uplink`; nothing is ever marked or deleted from here.
"""

import contextlib
import json
import os
import queue
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.broker_tls_io import TlsFileError
from edge_gateway.config import SparkplugConfig
from edge_gateway.queue.queue_store import QueueStore
from edge_gateway.queue.queued import StoredFrame
from edge_gateway.sparkplug.host import HostState, hear_host, state_topic
from edge_gateway.sparkplug.node import (
    SEQUENCE,
    Message,
    Node,
    NodeName,
    asks_rebirth,
    bear_node,
    tell_frame,
)
from edge_gateway.sparkplug.payload import PayloadError, parse_payload
from edge_gateway.sparkplug.sparkplug_mqtt_io import (
    Closed,
    Heard,
    Inbox,
    Opened,
    SparkplugClient,
)
from wire_contracts.clock import Clock
from wire_contracts.errors import ContractError
from wire_contracts.frames import Frame, ms_from_utc, parse_frame
from wire_contracts.payloads import unpack

CURSOR = "sparkplug"
"""Name of the cursor on the queue."""

MEMORY_FILE = "sparkplug.json"
"""Beside the queue: the last bdSeq, which must go on after a restart (section 6.4.29)."""

SETTLE_S = 10.0
"""Wall seconds after which a connection that still stands has carried what was sent (judgement:
a third of the keep-alive of 30 s is enough for TCP to notice a dead peer under traffic)."""

FRAMES_AT_ONCE = 50
REBIRTH_PAUSE_S = 1.0
"""A host that asks for rebirth again within this is answered once."""

_PAUSES_S = (1.0, 30.0)
_LONGEST_WAIT_S = 0.3
_CONNECT_WITHIN_S = 15.0
_LOG: FilteringBoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class SparkplugParts:
    """What the output works with.

    Attributes:
        config: Whom to tell, under which name.
        queue: The durable queue, read only.
        clock: The gateway's clock.
        folder: Where its memory file lies.
    """

    config: SparkplugConfig
    queue: QueueStore
    clock: Clock
    folder: Path


class SparkplugOutput:
    """Tells a SCADA host what the queue holds; sessions follow each other until stopped."""

    def __init__(self, parts: SparkplugParts) -> None:
        """Prepare; `run` connects."""
        self._parts = parts
        self._name = NodeName(group_id=parts.config.group_id, node_id=parts.config.node_id)
        self._problem = ""
        self._devices = Node(name=self._name, bd_seq=0).devices

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop, then say goodbye."""
        pause_s = _PAUSES_S[0]
        while not stop.is_set():
            was_born = self._hold_session(stop)
            pause_s = _PAUSES_S[0] if was_born else min(_PAUSES_S[1], pause_s * 2)
            stop.wait(pause_s)

    def _hold_session(self, stop: threading.Event) -> bool:
        """Return whether the node was born in one more session."""
        try:
            session = _Session(self._parts, self._node())
        except TlsFileError as error:
            self._report(str(error))
            return False
        was_born = session.run(stop)
        self._devices = session.node.devices
        self._report(session.problem)
        return was_born

    def _node(self) -> Node:
        """Return the node of the next session, whose number is on disk before it is used."""
        memory = self._parts.folder / MEMORY_FILE
        last = -1
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            last = int(json.loads(memory.read_text(encoding="utf-8"))["bd_seq"])
        node = Node(name=self._name, bd_seq=(last + 1) % SEQUENCE, devices=self._devices)
        _replace_file(memory, json.dumps({"bd_seq": node.bd_seq}))
        return node

    def _report(self, problem: str) -> None:
        """Log why a session ended, once for each reason."""
        if problem and problem != self._problem:
            _LOG.warning("sparkplug.ended", host=self._parts.config.mqtt.host, problem=problem)
        self._problem = problem


def _replace_file(path: Path, text: str) -> None:
    """Write a small file so that a crash leaves the old one or the new one."""
    fresh = path.with_suffix(".new")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


class _Session:
    """One connection, from its CONNECT to its death."""

    def __init__(self, parts: SparkplugParts, node: Node) -> None:
        self.node = node
        self.problem = ""
        self._parts = parts
        self._inbox: Inbox = queue.SimpleQueue()
        self._client = SparkplugClient(parts.config, node, self._inbox)
        self._host = HostState()
        self._is_open = self._is_born = self._is_over = False
        self._sent: deque[tuple[float, int]] = deque()
        self._epoch = parts.queue.epoch
        self._position = parts.queue.cursor(CURSOR).seq
        self._reborn_at_s = float("-inf")

    def run(self, stop: threading.Event) -> bool:
        """Return whether the node was born in this session."""
        self._client.start()
        give_up_s = time.monotonic() + _CONNECT_WITHIN_S
        try:
            while not (stop.is_set() or self._is_over):
                self._hear()
                if not self._is_open and time.monotonic() > give_up_s:
                    self._end("the broker does not answer")
                elif self._is_born:
                    self._tell(stop)
                    self._settle(SETTLE_S)
        finally:
            self._say_goodbye()
        return self._is_born

    def _end(self, problem: str) -> None:
        self.problem = problem
        self._is_over = True

    def _hear(self) -> None:
        """Wait for the first word, briefly, and handle all that have come."""
        try:
            self._handle(self._inbox.get(timeout=_LONGEST_WAIT_S))
            while True:
                self._handle(self._inbox.get_nowait())
        except queue.Empty:
            return

    def _handle(self, event: Opened | Closed | Heard) -> None:
        match event:
            case Opened():
                self._is_open = True
                if self._parts.config.primary_host is None:
                    self._bear()
            case Closed():
                self._is_open = False
                self._end(event.problem)
            case Heard():
                self._heard(event)

    def _heard(self, event: Heard) -> None:
        host = self._parts.config.primary_host
        if host is not None and event.topic == state_topic(host):
            self._host = hear_host(self._host, event.payload)
            if self._host.is_online and not self._is_born:
                self._bear()
            elif not self._host.is_online and self._is_born:
                self._end(f"the primary host {host} is not there")
            return
        try:
            is_rebirth = asks_rebirth(parse_payload(event.payload))
        except PayloadError as error:
            _LOG.warning("sparkplug.command_refused", problem=str(error))
            return
        now_s = time.monotonic()
        if is_rebirth and self._is_born and now_s - self._reborn_at_s >= REBIRTH_PAUSE_S:
            self._reborn_at_s = now_s
            self._bear()

    def _bear(self) -> None:
        now_ms = ms_from_utc(self._parts.clock.now_utc())
        self.node, messages = bear_node(self.node, now_ms)
        self._is_born = self._publish(messages)
        _LOG.info("sparkplug.born", node=self._parts.config.node_id, bd_seq=self.node.bd_seq)

    def _tell(self, stop: threading.Event) -> None:
        """Send what is new in the queue; the network sets the pace."""
        self._follow_epoch()
        while not (stop.is_set() or self._client.is_busy()):
            stored = self._parts.queue.read_after(self._position, FRAMES_AT_ONCE)
            if not stored:
                return
            for each in stored:
                if not self._tell_one(each):
                    return
            self._sent.append((time.monotonic(), self._position))
            if not self._inbox.empty():
                return

    def _follow_epoch(self) -> None:
        """Begin with the first number of a new queue file that has replaced a damaged one."""
        if self._parts.queue.epoch != self._epoch:
            self._epoch = self._parts.queue.epoch
            self._position = 0
            self._sent.clear()

    def _tell_one(self, stored: StoredFrame) -> bool:
        frame = _frame(stored)
        if frame is not None:
            now_ms = ms_from_utc(self._parts.clock.now_utc())
            node, messages = tell_frame(self.node, frame, now_ms)
            if not self._publish(messages):
                return False
            self.node = node
        self._position = stored.seq
        return True

    def _publish(self, messages: Sequence[Message]) -> bool:
        for message in messages:
            if not self._client.publish(message):
                self._end("the connection broke")
                return False
        return True

    def _settle(self, after_s: float) -> None:
        """Move the cursor on disk behind what was sent long enough ago."""
        reached = None
        while self._sent and time.monotonic() - self._sent[0][0] >= after_s:
            reached = self._sent.popleft()[1]
        if reached is not None:
            with contextlib.suppress(sqlite3.OperationalError):  # the disk refuses: later then
                self._parts.queue.move_cursor(CURSOR, reached)

    def _say_goodbye(self) -> None:
        """Publish the death ourselves, because a clean DISCONNECT keeps the will unsaid."""
        if self._is_open and self._client.say_death():
            self._settle(0.0)
        self._client.close()


def _frame(stored: StoredFrame) -> Frame | None:
    """Return the frame of a stored body, None for one that a newer version wrote."""
    try:
        return parse_frame(unpack("queue", stored.body))
    except ContractError as error:
        _LOG.warning("sparkplug.unreadable", seq=stored.seq, problem=str(error))
        return None
