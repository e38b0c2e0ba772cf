"""Simulated CJ/T 188 meters; every value tells whose and of which request.

A fault is chosen for each request by the test. `late` keeps the answer back until the next
request has come and sends it before that one's answer, as serial servers do.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from typing_extensions import override

from meter_telegrams.cjt188.frames import (
    Cjt188Frame,
    checksum,
    encode_frame,
    frames_in,
    parse_frame,
)
from meter_telegrams.errors import TelegramError
from tests.edge_gateway.served_line import ServedLine

CLOCK = bytes.fromhex("53001210071520")
BOTH_ORDERS = frozenset({b"\x90\x1f", b"\x1f\x90", b"\x81\x0a", b"\x0a\x81"})


class Fault(StrEnum):
    """How one answer goes wrong."""

    NONE = "none"
    SILENT = "silent"
    LATE = "late"
    CHECKSUM = "checksum"
    CUT = "cut"
    BIT_FLIP = "bit_flip"
    OTHER_TYPE = "other_type"
    OTHER_ADDRESS = "other_address"
    OTHER_SERIAL = "other_serial"
    OTHER_IDENTIFIER = "other_identifier"
    REFUSED = "refused"
    NOISE_BEFORE = "noise_before"
    NOISE_AFTER = "noise_after"
    LONG_WAKE_UP = "long_wake_up"
    ONLY_NOISE = "only_noise"
    DRIBBLE = "dribble"
    PREVIOUS = "previous"
    TWO_THAT_DIFFER = "two_that_differ"
    TWO_APART = "two_apart"
    SHORT_DATA = "short_data"


BREATH = b"a pause"
BREATH_S = 0.03
"""Between the frames of two meters, where a converter sends each by itself."""

_PAUSE = threading.Event()

HARMLESS = frozenset(
    {Fault.NONE, Fault.NOISE_BEFORE, Fault.NOISE_AFTER, Fault.LONG_WAKE_UP, Fault.DRIBBLE}
)
"""After these the answer is still good."""


def bcd(number: int, size: int = 4) -> bytes:
    return bytes.fromhex(f"{number:0{2 * size}d}")[::-1]


def water_data(number: int, unit: int = 0x2C) -> bytes:
    return bcd(number) + bytes([unit]) + bcd(number) + bytes([unit]) + CLOCK + b"\x00\x00"


def heat_data(number: int) -> bytes:
    parts = [(number, 0x08), (number, 0x08), (number, 0x17), (number, 0x35), (number, 0x2C)]
    united = b"".join(bcd(each) + bytes([unit]) for each, unit in parts)
    return united + bcd(8550, 3) + bcd(4525, 3) + bcd(4321, 3) + CLOCK + b"\x00\x00"


@dataclass
class SimulatedMeter:
    """One meter; `asked` counts its requests, `number` is what the last one was to be answered."""

    meter_type: int
    address: str
    orders: frozenset[bytes] = BOTH_ORDERS
    asked: int = 0
    number: int = 0

    def data(self) -> bytes:
        self.asked += 1
        self.number = int(self.address[-3:]) * 10_000 + self.asked
        family = self.meter_type >> 4
        return heat_data(self.number) if family == 2 else water_data(self.number)


@dataclass
class Cjt188Line(ServedLine):
    """Meters on one line; `fault` is asked before each answer, `echo` repeats what was heard."""

    meters: list[SimulatedMeter]
    fault: Callable[[], Fault] = lambda: Fault.NONE
    echo: bool = False
    port: int = 0
    requests: list[Cjt188Frame] = field(default_factory=list)
    _kept: bytes = b""
    _before: bytes = b""

    def replies(self, request: Cjt188Frame) -> Iterator[bytes]:
        """Yield what goes out for a request, piece by piece."""
        self.requests.append(request)
        late, self._kept = self._kept, b""
        for meter in self.meters:
            is_meant = request.address in {meter.address, "AA" * 7}
            if is_meant and request.meter_type in {meter.meter_type, 0xAA}:
                if request.data[:2] in meter.orders:
                    fault = self.fault()
                    yield late
                    yield from self._spoilt(fault, _good(meter, request))
                return
        yield late

    def _spoilt(self, fault: Fault, frame: Cjt188Frame) -> Iterator[bytes]:
        whole = encode_frame(frame, wake_up_count=3)
        before, self._before = self._before, whole
        pieces: dict[Fault, Callable[[], list[bytes]]] = {
            Fault.NONE: lambda: [whole],
            Fault.SILENT: list,
            Fault.LATE: lambda: self._keep(whole),
            Fault.CHECKSUM: lambda: [whole[:-2] + bytes([whole[-2] ^ 0x55]) + b"\x16"],
            Fault.CUT: lambda: [whole[: len(whole) // 2]],
            Fault.BIT_FLIP: lambda: [_flipped(whole)],
            Fault.OTHER_TYPE: lambda: [_changed(frame, meter_type=frame.meter_type ^ 1)],
            Fault.OTHER_ADDRESS: lambda: [_changed(frame, address="99999999999999")],
            Fault.OTHER_SERIAL: lambda: [_with_data(frame, 2, frame.data[2] ^ 1)],
            Fault.OTHER_IDENTIFIER: lambda: [_with_data(frame, 0, 0xD1)],
            Fault.REFUSED: lambda: [_refusal(frame)],
            Fault.NOISE_BEFORE: lambda: [b"\x00\x68\x16\xff\x68" + whole],
            Fault.NOISE_AFTER: lambda: [whole + b"\x68\x10\x00\x55"],
            Fault.LONG_WAKE_UP: lambda: [b"\xfe" * 20 + whole],
            Fault.ONLY_NOISE: lambda: [b"\x55\x68\xaa\x00\x16\x68"],
            Fault.DRIBBLE: lambda: [bytes([each]) for each in whole],
            Fault.PREVIOUS: lambda: [before],
            Fault.TWO_THAT_DIFFER: lambda: [_with_data(frame, -1, 1) + whole],
            Fault.TWO_APART: lambda: [whole, BREATH, _with_data(frame, -1, 1)],
            Fault.SHORT_DATA: lambda: [encode_frame(_cut_data(frame))],
        }
        yield from pieces[fault]()

    def _keep(self, whole: bytes) -> list[bytes]:
        self._kept = whole
        return []

    @override
    def serve(self, read: Callable[[], bytes], write: Callable[[bytes], None]) -> None:
        heard = b""
        while received := read():
            if self.echo:
                write(received)
            heard += received
            for frame in list(frames_in(heard)):
                heard = b""
                for piece in self.replies(frame):
                    if piece == BREATH:
                        _PAUSE.wait(BREATH_S)
                    else:
                        write(piece)


def _good(meter: SimulatedMeter, request: Cjt188Frame) -> Cjt188Frame:
    is_address = request.control == 0x03
    payload = b"" if is_address else meter.data()
    return Cjt188Frame(
        meter_type=meter.meter_type,
        address=meter.address,
        control=request.control | 0x80,
        data=request.data + payload,
    )


def _changed(
    frame: Cjt188Frame, *, meter_type: int | None = None, address: str | None = None
) -> bytes:
    return encode_frame(
        replace(
            frame,
            meter_type=frame.meter_type if meter_type is None else meter_type,
            address=frame.address if address is None else address,
        )
    )


def _with_data(frame: Cjt188Frame, at: int, byte: int) -> bytes:
    data = bytearray(frame.data)
    data[at] = byte
    return encode_frame(replace(frame, data=bytes(data)))


def _cut_data(frame: Cjt188Frame) -> Cjt188Frame:
    return replace(frame, data=frame.data[:-2])


def _refusal(frame: Cjt188Frame) -> bytes:
    said = bytes([frame.data[2], 0x04, 0x00])
    return encode_frame(replace(frame, control=frame.control | 0x40, data=said))


def _flipped(whole: bytes) -> bytes:
    at = 3 + checksum(whole) % (len(whole) - 3)
    return whole[:at] + bytes([whole[at] ^ 0x04]) + whole[at + 1 :]


def is_whole(telegram: bytes) -> bool:
    """Whether bytes are one frame."""
    try:
        parse_frame(telegram)
    except TelegramError:
        return False
    return True
