"""Modbus RTU units on a pty that hear only the speed they are set to."""

import contextlib
import os
import pty
import select
import termios
import threading
import tty
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from edge_gateway.links.ascii_frames import find_ascii
from edge_gateway.links.rtu_frames import crc16, rtu_frame

Answer = Callable[[bytes], bytes]
"""The payload of a request to the bytes that go out, if any."""

_SPEEDS = {termios.B2400: 2400, termios.B9600: 9600, termios.B19200: 19200}


def words(payload: bytes) -> bytes:
    """A meter that holds its unit in every word."""
    count = int.from_bytes(payload[4:6], "big")
    data = bytes((0, payload[0])) * count
    return rtu_frame(payload[:2] + bytes((len(data),)) + data)


def exception(code: int) -> Answer:
    return lambda payload: rtu_frame(bytes((payload[0], payload[1] | 0x80, code)))


def garbage(_payload: bytes) -> bytes:
    return b"\x55\xaa\x12\x99\x17"


@dataclass
class RtuUnits:
    """Units on one bus; `late` of them answer only when the next unit is asked."""

    units: Mapping[int, Answer]
    setting: str = ""
    late: frozenset[int] = frozenset()
    request_bytes: int = 8
    asked: list[int] = field(default_factory=list)
    settings_seen: list[str] = field(default_factory=list)
    _kept: bytes = b""

    def heard(self, data: bytes) -> bytes | None:
        """Return the payload of the request that these bytes end with, None: not whole yet."""
        request = data[-self.request_bytes :]
        return request[:-2] if len(request) == self.request_bytes and not crc16(request) else None

    def answer(self, payload: bytes) -> bytes:
        kept, self._kept = self._kept, b""
        self.asked.append(payload[0])
        make = self.units.get(payload[0])
        if make is None:
            return kept
        if payload[0] in self.late:
            self._kept = make(payload)
            return kept
        return kept + make(payload)


class AsciiUnits(RtuUnits):
    """The same with ASCII frames."""

    def heard(self, data: bytes) -> bytes | None:  # type: ignore[explicit-override]  # needs 3.12
        frame = find_ascii(data, None, is_final=True)
        return None if frame is None else frame.payload


@contextlib.contextmanager
def on_pty(bus: RtuUnits) -> Iterator[str]:
    """Serve the bus on a pty; yield the port's name."""
    inner, outer = pty.openpty()
    tty.setraw(outer)
    stop_read, stop_write = os.pipe()

    def serve() -> None:
        heard = b""
        while True:
            ready, _, _ = select.select([inner, stop_read], [], [])
            if stop_read in ready:
                return
            try:
                heard = (heard + os.read(inner, 256))[-64:]
            except OSError:
                return
            seen = setting_of(outer)
            bus.settings_seen.append(seen)
            if bus.setting not in {"", seen}:
                heard = b""
            elif (payload := bus.heard(heard)) is not None:
                heard = b""
                os.write(inner, bus.answer(payload))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield os.ttyname(outer)
    finally:
        os.write(stop_write, b"x")
        thread.join()
        for descriptor in (inner, outer, stop_read, stop_write):
            os.close(descriptor)


def setting_of(descriptor: int) -> str:
    """Return the speed that the port is set to; a pty keeps no parity."""
    speed = termios.tcgetattr(descriptor)[4]
    return str(_SPEEDS.get(speed, speed))
