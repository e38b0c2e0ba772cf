"""The port that one DTU dials in to: who may, who replaces whom, who waits, who is sent away.

A thread of its own answers the door, because a DTU dials when it likes and not when a meter is
due. What comes after the registration is read by the link's thread.
"""

import selectors
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

from edge_gateway.links.driver import Notice
from edge_gateway.links.dtu_port_io import DtuPort
from edge_gateway.links.dtu_rivals import (
    CERTAIN_AFTER_S,
    SETTLED_S,
    Rivals,
    Said,
    judge_greeting,
)
from edge_gateway.links.link_url import LONGEST_SIGN, ListenUrl
from edge_gateway.links.notices import DTU_CONTESTED

REGISTER_WITHIN_S = 30.0
"""Wall seconds in which a DTU must have said its registration; they do at once. Judgement."""

LEAST_KNOWN = 4
"""So many first bytes are enough to be those of the DTU served, though more was heard of that one:
it went on with a heartbeat. Judgement."""

MOST_WAITING = 8
"""Connections that may be waiting to be recognised; more are sent away at once."""

_LOOK_EVERY_S = 5.0
_LOOK_OFTEN_S = 0.1
"""While somebody has said the registration and is not served."""

_REMEDY = "give each DTU a registration of its own, and each its own port"


@dataclass(slots=True)
class _Caller:
    """Somebody who has dialled in and is not served.

    Attributes:
        connection: The connection.
        host: From where.
        until_s: When it is sent away, unless it has said the registration.
        said: What came.
        settled_s: When what it said is taken for all of its name.
        is_wanted: Whether that is the registration.
        waits_since_s: Since when it waits behind another DTU; None: it does not.
    """

    connection: socket.socket
    host: str
    until_s: float
    said: bytes = b""
    settled_s: float = inf
    is_wanted: bool = False
    waits_since_s: float | None = None


@dataclass(slots=True)
class _Door:
    """What the thread works with while it answers the door."""

    listener: socket.socket
    selector: selectors.BaseSelector
    wake: socket.socket
    callers: dict[socket.socket, _Caller] = field(default_factory=dict)


class DtuDoor:
    """Listens on one port and keeps the one DTU that may use it."""

    def __init__(self, url: ListenUrl) -> None:
        """Keep the settings; nothing listens before the first look for a connection."""
        self.port = url.port
        self.refused_count = 0
        self._url = url
        self._lock = threading.Lock()
        self._served: DtuPort | None = None
        self._rivals = Rivals()
        self._notices: list[Notice] = []
        self._thread: threading.Thread | None = None
        self._stop: socket.socket | None = None

    def connection(self) -> DtuPort:
        """Return the DTU's connection; start listening if nothing does.

        Raises:
            OSError: The port cannot be listened on, or no DTU has dialled in.
        """
        if self._thread is None:
            self._start()
        with self._lock:
            served = self._served
            if served is not None and served.is_alive():
                served.is_taken = True
                return served
        sent_away = f", {self.refused_count} sent away" if self.refused_count else ""
        message = f"no DTU has dialled in{sent_away}"
        raise OSError(message)

    def take_notices(self) -> Sequence[Notice]:
        """Return, once, what people should be told of the callers."""
        with self._lock:
            notices, self._notices = self._notices, []
        return notices

    def doubt(self) -> None:
        """Say that the meters behind the DTU that is served are not those of the settings."""
        with self._lock:
            if self._served is not None:
                self._rivals.doubt(self._served.host)
                self._served.is_doubted = True

    def close(self) -> None:
        """Hang up, stop listening and wait for the thread."""
        thread, stop = self._thread, self._stop
        if thread is None or stop is None:
            return
        stop.close()
        thread.join()
        self._thread = self._stop = None

    def _start(self) -> None:
        family = socket.AF_INET6 if ":" in self._url.bind else socket.AF_INET
        listener = socket.create_server((self._url.bind, self._url.port), family=family)
        wake, self._stop = socket.socketpair()
        door = _Door(listener, selectors.DefaultSelector(), wake)
        self._thread = threading.Thread(
            target=self._answer_door, args=(door,), name=f"dtu-{self._url.port}", daemon=True
        )
        self._thread.start()

    def _answer_door(self, door: _Door) -> None:
        door.listener.setblocking(False)  # noqa: FBT003  # the standard library's signature
        for one in (door.listener, door.wake):
            door.selector.register(one, selectors.EVENT_READ)
        is_open = True
        while is_open:
            has_known = any(caller.settled_s < inf for caller in door.callers.values())
            look_s = _LOOK_OFTEN_S if has_known else _LOOK_EVERY_S
            ready = {key.fileobj for key, _ in door.selector.select(look_s)}
            is_open = door.wake not in ready
            for caller in [*door.callers.values()]:
                if caller.connection in ready:
                    self._hear(door, caller)
                elif time.monotonic() > min(caller.until_s, caller.settled_s):
                    self._look_at(door, caller)
            if door.listener in ready:
                self._greet(door)
        self._shut(door)

    def _shut(self, door: _Door) -> None:
        for caller in [*door.callers.values()]:
            self._forget(door, caller)
            caller.connection.close()
        door.selector.close()
        door.listener.close()
        door.wake.close()
        with self._lock:
            served, self._served = self._served, None
        if served is not None:
            served.close()

    def _greet(self, door: _Door) -> None:
        """Take a new connection: served at once, listened to first, or sent away."""
        try:
            connection, address = door.listener.accept()
        except OSError:
            return
        caller = _Caller(connection, str(address[0]), time.monotonic() + REGISTER_WITHIN_S)
        if not self._url.registration and self._may_follow(caller):
            self._serve(caller)
            return
        door.callers[connection] = caller
        door.selector.register(connection, selectors.EVENT_READ)
        if len(door.callers) > MOST_WAITING:
            self._send_away(door, caller)

    def _may_follow(self, caller: _Caller) -> bool:
        """Return whether nobody is served, or the same DTU by its address."""
        with self._lock:
            served = self._served
        return served is None or not served.is_alive() or served.host == caller.host

    def _hear(self, door: _Door, caller: _Caller) -> None:
        try:
            heard = caller.connection.recv(LONGEST_SIGN + 1)
        except OSError:
            heard = b""
        if caller.waits_since_s is not None and heard:
            return  # its heartbeats, while another DTU has the line
        caller.said = (caller.said + heard)[: 2 * LONGEST_SIGN]
        if not heard or len(caller.said) == 2 * LONGEST_SIGN:
            self._send_away(door, caller)
            return
        said = self._judge(caller.said)
        caller.is_wanted = said is Said.WANTED
        caller.settled_s = inf if said is Said.UNDECIDED else time.monotonic() + SETTLED_S

    def _judge(self, said: bytes) -> Said:
        """Return whether a caller means the DTU of this line."""
        signs = [self._url.heartbeat]
        if wanted := self._url.registration:
            return judge_greeting(said, wanted, signs, is_told=True)
        served = self._greeting_served()
        if not served:
            return Said.OTHER
        found = judge_greeting(said, served, signs, is_told=False)
        heard_more = judge_greeting(served, said, signs, is_told=False) is Said.WANTED
        return Said.WANTED if heard_more and len(said) >= LEAST_KNOWN else found

    def _look_at(self, door: _Door, caller: _Caller) -> None:
        """Serve a caller who has said the registration, or have it wait; send any other away."""
        if not caller.is_wanted:
            self._send_away(door, caller)
            return
        now_s = time.monotonic()
        with self._lock:
            served = self._served
            is_first = served is None or self._is_before(caller, served)
        if served is None or is_first or not served.is_alive():
            self._forget(door, caller)
            self._serve(caller)
        elif served.silent_s() > self._rivals.longest_silence_s(caller.host, served.host, now_s):
            served.hang_up()
            if self._rivals.change(now_s):
                self._tell_of_turns(served.host, caller.host, now_s)
        elif caller.waits_since_s is None:
            caller.waits_since_s, caller.until_s = now_s, inf
            self._send_away_older(door, caller)
            served.look_closely()
        elif now_s - caller.waits_since_s > CERTAIN_AFTER_S:
            self._tell_of_two(served.host, caller.host, now_s)

    def _is_before(self, caller: _Caller, served: DtuPort) -> bool:
        """Return whether the meters behind the other one are more in doubt."""
        is_other = caller.host != served.host
        return self._rivals.is_before(caller.host, served.host) if is_other else served.is_doubted

    def _send_away_older(self, door: _Door, caller: _Caller) -> None:
        """Of one address the newest waits alone."""
        for other in [*door.callers.values()]:
            is_waiting = other is not caller and other.waits_since_s is not None
            if is_waiting and other.host == caller.host:
                self._send_away(door, other)

    def _tell_of_two(self, served: str, waiting: str, now_s: float) -> None:
        text = (
            f"port {self.port}: two DTUs say the registration of this line: the one at {served}"
            f" keeps it, the one at {waiting} waits; {_REMEDY}"
        )
        self._tell(text, now_s)

    def _tell_of_turns(self, served: str, waiting: str, now_s: float) -> None:
        text = (
            f"port {self.port}: connections from {served} and {waiting} take the line from each "
            "other, because no meter answers; look at the meters, and whether one DTU dials twice "
            f"or two say one registration: {_REMEDY}"
        )
        self._tell(text, now_s)

    def _tell(self, text: str, now_s: float) -> None:
        with self._lock:
            if self._rivals.may_tell(now_s):
                self._notices.append(Notice(kind=DTU_CONTESTED, text=text))

    def _greeting_served(self) -> bytes:
        with self._lock:
            return b"" if self._served is None else self._served.greeting

    def _serve(self, caller: _Caller) -> None:
        """Let a DTU in, in place of the one before it."""
        try:
            port = DtuPort(caller.connection, caller.host, caller.said)
        except OSError:
            caller.connection.close()
            return
        with self._lock:
            before, self._served = self._served, port
            is_taken = before is not None and before.is_taken
        if before is None:
            return
        if is_taken:
            before.hang_up()
        else:
            before.close()

    def _send_away(self, door: _Door, caller: _Caller) -> None:
        self.refused_count += 1
        self._forget(door, caller)
        caller.connection.close()

    def _forget(self, door: _Door, caller: _Caller) -> None:
        if door.callers.pop(caller.connection, None) is not None:
            door.selector.unregister(caller.connection)
