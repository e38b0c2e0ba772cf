"""Misbehaving Modbus meters on every kind of line; each word tells whose it is and where it stands.

A unit's behaviour yields steps: payloads that the line's framing wraps, raw bytes, pauses, ends of
the connection. Requests queue, as they do in a serial server.
"""

import contextlib
import os
import pty
import select
import socket
import struct
import threading
import time
import tty
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Protocol

from edge_gateway.links.ascii_frames import ascii_frame
from edge_gateway.links.rtu_frames import crc16, rtu_frame
from tests.edge_gateway.rig import LOOPBACK, register_of


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One request as a unit hears it; `before` are the earlier ones to that unit."""

    unit: int
    function: int
    address: int
    count: int
    transaction: int = 0
    raw: bytes = b""
    number: int = 0
    before: tuple["Ask", ...] = ()

    def data(self, *, count: int | None = None) -> bytes:
        addresses = range(self.address, self.address + (self.count if count is None else count))
        return b"".join(register_of(self.unit, at).to_bytes(2, "big") for at in addresses)


@dataclass(frozen=True)
class Say:
    """A payload (unit, function, data) that the framing wraps."""

    payload: bytes
    transaction: int | None = None


@dataclass(frozen=True)
class Raw:
    """Bytes as they are."""

    data: bytes


@dataclass(frozen=True)
class Cut:
    """A part of a wrapped payload, given as shares of its length."""

    say: Say
    start: float
    end: float


@dataclass(frozen=True)
class Damaged:
    """A wrapped payload with a wrong checksum."""

    say: Say


@dataclass(frozen=True)
class Wait:
    """Seconds without a byte."""

    seconds: float


class End(Enum):
    """How a connection ends."""

    CLOSE = "close"
    RESET = "reset"


Step = Say | Raw | Cut | Damaged | Wait | End
Behave = Callable[[Ask], Iterable[Step]]


class Framing(Protocol):
    """How payloads stand on a line."""

    def wrap(self, payload: bytes, transaction: int) -> bytes: ...

    def damage(self, frame: bytes) -> bytes: ...

    def split(self, data: bytes) -> tuple[list[tuple[int, bytes, bytes]], bytes]:
        """The requests in the bytes: transaction, payload, raw; and the rest."""
        ...


class Rtu:
    def wrap(self, payload: bytes, transaction: int) -> bytes:
        del transaction
        return rtu_frame(payload)

    def damage(self, frame: bytes) -> bytes:
        return frame[:-2] + bytes((frame[-2] ^ 1, frame[-1]))

    def split(self, data: bytes) -> tuple[list[tuple[int, bytes, bytes]], bytes]:
        found = []
        while len(data) >= 8:
            raw, data = data[:8], data[8:]
            if not crc16(raw):
                found.append((0, raw[:-2], raw))
        return found, data


class Ascii:
    def wrap(self, payload: bytes, transaction: int) -> bytes:
        del transaction
        return ascii_frame(payload)

    def damage(self, frame: bytes) -> bytes:
        return frame[:-3] + (b"0" if frame[-3:-2] != b"0" else b"1") + frame[-2:]

    def split(self, data: bytes) -> tuple[list[tuple[int, bytes, bytes]], bytes]:
        *lines, rest = data.split(b"\r\n")
        raws = [line + b"\r\n" for line in lines]
        return [(0, bytes.fromhex(raw[1:-4].decode()), raw) for raw in raws], rest


class Mbap:
    def wrap(self, payload: bytes, transaction: int) -> bytes:
        return struct.pack(">HHH", transaction, 0, len(payload)) + payload

    def damage(self, frame: bytes) -> bytes:
        return frame[:2] + b"\x07\x07" + frame[4:]

    def split(self, data: bytes) -> tuple[list[tuple[int, bytes, bytes]], bytes]:
        found = []
        while len(data) >= 12:
            raw, data = data[:12], data[12:]
            found.append((int.from_bytes(raw[:2], "big"), raw[6:], raw))
        return found, data


class Stream(Protocol):
    """What a slave hears and says."""

    def hear(self) -> bytes: ...

    def say(self, data: bytes) -> None: ...

    def end(self, how: End) -> None: ...


class SocketStream:
    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def hear(self) -> bytes:
        with contextlib.suppress(OSError):
            return self._socket.recv(4096)
        return b""

    def say(self, data: bytes) -> None:
        self._socket.sendall(data)

    def end(self, how: End) -> None:
        if how is End.RESET:
            linger = struct.pack("ii", 1, 0)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self._socket.close()
            return
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@dataclass
class Bus:
    """Units behind one line, and what they have been asked; a unit that is not there is silent."""

    units: Mapping[int, Behave]
    framing: Framing
    asked: list[Ask] = field(default_factory=list)
    is_noted: bool = True
    history: dict[int, tuple[Ask, ...]] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def serve(self, stream: Stream) -> None:
        """Answer until the stream ends."""
        rest = b""
        with contextlib.suppress(OSError):
            while heard := stream.hear():
                requests, rest = self.framing.split(rest + heard)
                for transaction, payload, raw in requests:
                    steps = self._steps(transaction, payload, raw)
                    if not self._answer(stream, steps, transaction):
                        return

    def _steps(self, transaction: int, payload: bytes, raw: bytes) -> Iterable[Step]:
        unit, function, address, count = struct.unpack(">BBHH", payload)
        with self.lock:
            before = self.history.get(unit, ())
            ask = Ask(
                unit=unit,
                function=function,
                address=address,
                count=count,
                transaction=transaction,
                raw=raw,
                number=before[-1].number + 1 if before else 0,
                before=before,
            )
            self.history[unit] = (*before[-7:], replace(ask, before=()))
            if self.is_noted:
                self.asked.append(ask)
        behave = self.units.get(unit)
        return () if behave is None else behave(ask)

    def _answer(self, stream: Stream, steps: Iterable[Step], transaction: int) -> bool:
        """Return whether the line goes on; what no pause divides leaves in one piece."""
        burst = b""
        for step in steps:
            match step:
                case Say() | Raw() | Cut() | Damaged():
                    burst += self.bytes_of(step, transaction)
                    continue
                case Wait():
                    stream.say(burst)
                    burst = b""
                    if self.stop.wait(step.seconds):
                        return False
                case End():
                    stream.say(burst)
                    stream.end(step)
                    return False
        stream.say(burst)
        return True

    def bytes_of(self, step: Say | Raw | Cut | Damaged, transaction: int) -> bytes:
        match step:
            case Raw():
                return step.data
            case Say():
                number = transaction if step.transaction is None else step.transaction
                return self.framing.wrap(step.payload, number)
            case Damaged():
                return self.framing.damage(self.bytes_of(step.say, transaction))
            case Cut():
                whole = self.bytes_of(step.say, transaction)
                return whole[int(len(whole) * step.start) : int(len(whole) * step.end)]


@contextlib.contextmanager
def on_tcp(bus: Bus) -> Iterator[int]:
    """The bus behind a TCP port; several connections share it."""
    listener = socket.create_server((LOOPBACK, 0))
    open_now: set[socket.socket] = set()
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with connection:
            bus.serve(SocketStream(connection))
        open_now.discard(connection)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                open_now.add(connection)
                threads[:] = [thread for thread in threads if thread.is_alive()]
                threads.append(threading.Thread(target=serve, args=(connection,)))
                threads[-1].start()

    door = threading.Thread(target=accept)
    door.start()
    try:
        yield listener.getsockname()[1]
    finally:
        bus.stop.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        door.join()
        for connection in tuple(open_now):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()


class PtyStream:
    """The meter's end of a pty; it hears until it is told to stop."""

    def __init__(self, descriptor: int, stop: threading.Event) -> None:
        self._descriptor = descriptor
        self._stop = stop

    def hear(self) -> bytes:
        while not self._stop.is_set():
            if select.select([self._descriptor], [], [], 0.02)[0]:
                with contextlib.suppress(OSError):
                    return os.read(self._descriptor, 4096)
        return b""

    def say(self, data: bytes) -> None:
        os.write(self._descriptor, data)

    def end(self, how: End) -> None:
        del how
        self._stop.wait()


@contextlib.contextmanager
def on_pty(bus: Bus) -> Iterator[str]:
    """The bus behind a serial device; gives the device's path."""
    ours, theirs = pty.openpty()
    tty.setraw(ours)
    tty.setraw(theirs)
    thread = threading.Thread(target=bus.serve, args=(PtyStream(ours, bus.stop),))
    thread.start()
    try:
        yield os.ttyname(theirs)
    finally:
        bus.stop.set()
        thread.join()
        os.close(ours)
        os.close(theirs)


@dataclass
class Dtu:
    """A 4G DTU that dials in, with its bus behind it, and dials again when it is cut off."""

    bus: Bus
    port: int
    registration: bytes = b""
    source: str = LOOPBACK
    dials: int = 0
    _socket: socket.socket | None = None

    @contextlib.contextmanager
    def dialling(self) -> Iterator["Dtu"]:
        """Dial until the end of the block."""
        thread = threading.Thread(target=self._dial)
        thread.start()
        try:
            yield self
        finally:
            self.bus.stop.set()
            self.hang_up()
            thread.join()

    def hang_up(self) -> None:
        """Cut the connection, as a radio does."""
        with contextlib.suppress(OSError, AttributeError):
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)

    def say(self, data: bytes) -> None:
        """Send bytes of the DTU's own."""
        with contextlib.suppress(OSError):
            if self._socket is not None:
                self._socket.sendall(data)

    def _dial(self) -> None:
        while not self.bus.stop.is_set():
            try:
                connection = socket.create_connection(
                    (LOOPBACK, self.port), 5, source_address=(self.source, 0)
                )
            except OSError:
                self.bus.stop.wait(0.02)
                continue
            with connection:
                connection.settimeout(None)
                self.dials += 1
                self._socket = connection
                if self.bus.stop.is_set():
                    return  # the block ended while it dialled: nobody hangs this one up
                with contextlib.suppress(OSError):
                    connection.sendall(self.registration)
                    self.bus.serve(SocketStream(connection))
            self.bus.stop.wait(0.01)


def answer(ask: Ask, *, count: int | None = None) -> Say:
    """The right answer, or one with another count of words."""
    data = ask.data(count=count)
    return Say(bytes((ask.unit, ask.function, len(data))) + data)


def good(ask: Ask) -> Iterable[Step]:
    """A meter without fault."""
    return (answer(ask),)


def exception(code: int) -> Behave:
    """A meter that refuses with a code."""
    return lambda ask: (Say(bytes((ask.unit, ask.function | 0x80, code))),)


def as_unit(ask: Ask, unit: int) -> Say:
    """The answer that another unit would give."""
    return Say(bytes((unit, *answer(ask).payload[1:])))


def late(seconds: float) -> Behave:
    """A meter that thinks for a while; its requests queue."""
    return lambda ask: (Wait(seconds), answer(ask))


def first_late(seconds: float) -> Behave:
    """A sleepy meter: its first answer is late."""
    return lambda ask: (answer(ask),) if ask.before else (Wait(seconds), answer(ask))


def every_third_late(seconds: float) -> Behave:
    """A meter whose every third answer is late."""
    return lambda ask: (answer(ask),) if ask.number % 3 else (Wait(seconds), answer(ask))


def one_behind(ask: Ask) -> Iterable[Step]:
    """A meter that answers the request before, under the number of this one."""
    return (answer(ask.before[-1] if ask.before else ask),)


def one_behind_from_silence(ask: Ask) -> Iterable[Step]:
    """A serial server that is one answer behind for ever, since it lost its first."""
    return (answer(ask.before[-1]),) if ask.before else ()


def lying(ask: Ask, by: int) -> Say:
    """An answer whose byte count is not its length; the checksum is right."""
    payload = answer(ask).payload
    return Say(payload[:2] + bytes(((payload[2] + by) & 0xFF,)) + payload[3:])


def dribble(ask: Ask) -> Iterable[Step]:
    """An answer that comes in twenty pieces."""
    return tuple(Cut(answer(ask), at / 20, (at + 1) / 20) for at in range(20))


def collided(ask: Ask) -> Iterable[Step]:
    """Two meters with one id that speak at the same time."""
    mine, other = answer(ask).payload, as_unit(ask, ask.unit).payload
    mixed = bytes(a & b ^ 0x5A for a, b in zip(mine, reversed(other), strict=True))
    return (Damaged(Say(mine[:2] + mixed[2:])),)


def second_speaker(ask: Ask) -> Iterable[Step]:
    """Two meters with one id, the second right behind the first."""
    other = bytes(byte ^ 0xFF for byte in answer(ask).payload[3:])
    return (answer(ask), Say(answer(ask).payload[:3] + other))


def pause_until(condition: Callable[[], bool], *, within_s: float = 60.0) -> bool:
    """Whether a condition came true in time."""
    deadline_s = time.monotonic() + within_s
    never = threading.Event()
    while not condition():
        if time.monotonic() > deadline_s:
            return False
        never.wait(0.005)
    return True
