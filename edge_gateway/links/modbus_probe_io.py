"""Asks unit after unit whether anybody is there, and hears whoever answers, in time or late.

A scan takes no values, so it need not be as strict as a link: every whole frame tells that its
unit exists, whichever request it answers.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from edge_gateway.links.answers import NO_MODBUS
from edge_gateway.links.ascii_frames import ascii_frame, find_ascii
from edge_gateway.links.bus_time import rtu_silence_s
from edge_gateway.links.dtu_signs import is_text
from edge_gateway.links.link_url import (
    RtuOverTcpUrl,
    SerialKind,
    SerialLine,
    SerialUrl,
    TcpLine,
    TcpUrl,
)
from edge_gateway.links.mbap_frames import find_mbap
from edge_gateway.links.modbus_frames import BROKEN, Frame
from edge_gateway.links.ports_io import BytePort, open_port
from edge_gateway.links.rtu_frames import find_rtu, rtu_frame

SERIAL_WAIT_S = 0.15
"""Wall seconds for one unit at 9600 baud, request and answer included: 247 units take 37 s
(gateway notes 5). Slower lines get what their characters take longer."""

TCP_WAIT_S = 0.5
"""Wall seconds for one unit behind a network: a serial server asks its meter meanwhile."""

SECOND_WAIT_S = 0.1
"""Wall seconds behind an answer in which a second meter at the address answers too. Judgement: two
of one make differ by milliseconds, of two makes by some tens; slower ones are heard with the next
unit."""

GREETING_S = 0.05
"""Wall seconds in which another service says its name behind a new connection (judgement)."""

UNREACHABLE = frozenset({10, 11})
"""Exceptions of a serial server: nobody answered it. Modbus application protocol 1.1b3, 7."""

_PROBE = bytes((3, 0, 0, 0, 1))
"""Read one holding register at 0: whoever has none says so, and has answered."""

_CHARS = 15
_CHAR_9600_S = 10 / 9600
_LONGEST = 4096
_SHORTEST_ANSWER = 3
_LEAST_TEXT = 4
_SHOWN = 40


class Sighting(StrEnum):
    """What shows that somebody is there."""

    WORDS = "words"
    EXCEPTION = "exception"
    GARBLED = "garbled"
    STRANGER = "another unit"
    TWICE = "two answers"
    FOREIGN = "no Modbus"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One sign of life.

    Attributes:
        unit: Whose; of garbled bytes, and of an answer of a unit that nobody has asked, the unit
            that was asked.
        sighting: What it was.
        exception: The exception code, 0 when there is none.
        milliseconds: Since the request, 0 when it was late.
        is_late: Whether it came after its time.
        text: What garbled or foreign bytes look like, for people.
    """

    unit: int
    sighting: Sighting
    exception: int = 0
    milliseconds: float = 0.0
    is_late: bool = False
    text: str = ""


class ModbusProbe:
    """One open line on which units are asked; used by one thread."""

    def __init__(self, url: TcpUrl | SerialUrl | RtuOverTcpUrl, wait_s: float | None) -> None:
        """Open the line.

        Args:
            url: The line.
            wait_s: Wall seconds for one unit; None: what suits the line.

        Raises:
            OSError: It cannot be opened; the text is the reason.
        """
        line = url.line if isinstance(url, SerialUrl) else TcpLine(host=url.host, port=url.port)
        is_ascii = isinstance(url, SerialUrl) and url.kind is SerialKind.ASCII
        self._framing = "tcp" if isinstance(url, TcpUrl) else "ascii" if is_ascii else "rtu"
        self._wait_s = wait_s or _wait_s(line)
        self._is_serial = not isinstance(line, TcpLine)
        self._silence_s = 0.0 if isinstance(line, TcpLine) else rtu_silence_s(line)
        self._port: BytePort = open_port(line, timeout_s=max(1.0, self._wait_s))
        self._number = 0
        self._asked: set[int] = set()
        self._answered: dict[int, bytes] = {}
        self.lost: OSError | None = None
        """How the line ended behind the last answer; None: it is open."""

    def close(self) -> None:
        """Close the line."""
        self._port.close()

    def probe(self, unit: int) -> Sequence[Heard]:
        """Return the signs of life that came within the time of one unit.

        Raises:
            OSError: The line is gone, and nothing came before; else `lost` says so.
        """
        request = self._request(unit)
        heard = self._unasked()
        self._asked.add(unit)
        try:
            self._port.write(request)
        except OSError as error:
            if not heard:
                raise
            self.lost = error
        asked_s = time.monotonic()
        taken_ms, until_s = 0.0, 0.0 if self.lost else asked_s + self._wait_s
        while (left_s := until_s - time.monotonic()) > 0:
            try:
                heard += self._port.read(left_s)
            except OSError as error:
                if not heard:
                    raise
                self.lost = error
                until_s = 0.0
            if not taken_ms and any(f.payload[0] == unit for f in self._frames(heard, request)):
                now_s = time.monotonic()
                taken_ms = 1000 * (now_s - asked_s)
                until_s = 0.0 if self.lost else now_s + SECOND_WAIT_S
        if heard:
            time.sleep(self._silence_s)
        return list(self._judged(heard, request, unit, taken_ms))

    def _unasked(self) -> bytes:
        """Return what came before a request; behind a new network line a greeting is waited for."""
        is_new = not (self._is_serial or self._asked)
        return self._port.read(GREETING_S if is_new else 0.0)

    def listen(self) -> Sequence[Heard]:
        """Return who answers late, after the last unit was asked."""
        until_s = time.monotonic() + self._wait_s
        heard = b""
        while (left_s := until_s - time.monotonic()) > 0:
            heard += self._port.read(left_s)
        return [each for each in self._judged(heard, b"", 0, 0.0) if each.unit]

    def _request(self, unit: int) -> bytes:
        payload = bytes((unit,)) + _PROBE
        if self._framing == "rtu":
            return rtu_frame(payload)
        if self._framing == "ascii":
            return ascii_frame(payload)
        self._number += 1
        return self._number.to_bytes(2, "big") + b"\0\0" + len(payload).to_bytes(2, "big") + payload

    def _frames(self, heard: bytes, request: bytes) -> Iterator[Frame]:
        """Yield every whole frame that is not our own request come back."""
        find = {"rtu": find_rtu, "ascii": find_ascii, "tcp": find_mbap}[self._framing]
        rest = heard[-_LONGEST:]
        while (frame := find(rest, None, is_final=True)) is not None:
            rest = rest[frame.end :]
            if frame.raw != request and len(frame.payload) >= _SHORTEST_ANSWER:
                yield frame

    def _judged(self, heard: bytes, request: bytes, unit: int, taken_ms: float) -> Iterator[Heard]:
        frames = list(self._frames(heard, request))
        for frame in frames:
            if self._is_second(frame, unit):
                yield _second(frame, self._answered[frame.payload[0]])
                continue
            code = frame.payload[2] if frame.payload[1] & BROKEN else 0
            if code in UNREACHABLE:
                continue
            is_own = frame.payload[0] == unit
            if not is_own and not self._is_late(frame):
                text = f"an answer that says it is of unit {frame.payload[0]}"
                yield Heard(unit=unit, sighting=Sighting.STRANGER, text=text)
                continue
            yield Heard(
                unit=frame.payload[0],
                sighting=Sighting.EXCEPTION if code else Sighting.WORDS,
                exception=code,
                milliseconds=taken_ms if is_own else 0.0,
                is_late=not is_own,
            )
        rest = heard.replace(request, b"", 1) if request else heard
        if rest and not frames and self._is_foreign(rest, request):
            text = f"what came from there ({rest[:_SHOWN]!r}) {NO_MODBUS}"
            yield Heard(unit=unit, sighting=Sighting.FOREIGN, text=text)
        elif rest and not frames:
            text = f"{len(rest)} bytes that are no whole frame"
            yield Heard(unit=unit, sighting=Sighting.GARBLED, text=text)

    def _is_foreign(self, heard: bytes, request: bytes) -> bool:
        """Return whether bytes from a network are those of another service, not of a meter."""
        if self._is_serial or not request:
            return False
        is_words = len(heard) >= _LEAST_TEXT and is_text(heard)
        return is_words or (self._framing == "tcp" and not request.startswith(heard[:4]))

    def _is_second(self, frame: Frame, unit: int) -> bool:
        """Return whether a unit that was asked once answers again; the first answer is kept."""
        who = frame.payload[0]
        if who != unit and not self._is_late(frame):
            return False
        is_known = who in self._answered
        self._answered.setdefault(who, frame.payload)
        return is_known

    def _is_late(self, frame: Frame) -> bool:
        """Return whether another unit's answer is to a question of its own, before this one."""
        is_of_now = self._framing == "tcp" and frame.transaction == self._number
        return frame.payload[0] in self._asked and not is_of_now


def _second(frame: Frame, first: bytes) -> Heard:
    is_same = frame.payload == first
    what = "the same" if is_same else "something else"
    text = f"answered twice, the second time {what}: two meters at this address"
    if is_same:
        text += ", or a converter that says everything twice"
    return Heard(unit=frame.payload[0], sighting=Sighting.TWICE, text=text)


def _wait_s(line: SerialLine | TcpLine) -> float:
    if isinstance(line, TcpLine):
        return TCP_WAIT_S
    return SERIAL_WAIT_S + max(0.0, _CHARS * (line.char_s - _CHAR_9600_S))
