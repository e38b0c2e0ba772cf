"""Simulated M-Bus meters; every value tells whose and of which request.

Meters keep to EN 13757-2: SND_NKE, frame count bit, selection. What more than one of them says at
once is bitwise AND, as on the wire, where a space wins. Faults are chosen by the test, for each
answer with data and for each acknowledge.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import zip_longest

from typing_extensions import override

from meter_telegrams.mbus.frames import (
    ACKNOWLEDGE,
    EVERY_ADDRESS,
    SELECTED_ADDRESS,
    FrameKind,
    MbusFrame,
    expected_size,
    long_frame,
    parse_frame,
)
from tests.edge_gateway.served_line import ServedLine
from tests.meter_telegrams.telegram_builder import HEAT, Device, bcd, long_header

ACK = bytes([ACKNOWLEDGE])


class Fault(StrEnum):
    """How one answer goes wrong."""

    NONE = "none"
    SILENT = "silent"
    LATE = "late"
    CHECKSUM = "checksum"
    CUT = "cut"
    BIT_FLIP = "bit_flip"
    OTHER_METER = "other_meter"
    OTHER_ADDRESS = "other_address"
    OTHER_CONTROL = "other_control"
    NOISE_BEFORE = "noise_before"
    NOISE_AFTER = "noise_after"
    ONLY_NOISE = "only_noise"
    COLLISION = "collision"
    DRIBBLE = "dribble"
    TWO_FRAMES = "two_frames"
    ONLY_ACK = "only_ack"
    MANY_ACKS = "many_acks"
    APPLICATION_ERROR = "application_error"
    TORN_RECORD = "torn_record"


@dataclass
class SimulatedMeter:
    """One meter; `number` is the value of the readout that was asked last.

    Attributes:
        device: Who it is.
        primary: Its primary address.
        telegram_count: Telegrams of one readout.
        acknowledges: Whether it knows SND_NKE: one that does not forgets nothing.
        forgets: Whether SND_NKE and selection clear its frame count bit, as they are to.
        knows_selection: Whether it answers to its identification as an address.
        counts_access: Whether its access number counts; else it is 0.
        step: What its reading grows by with each readout.
    """

    device: Device
    primary: int = 0
    telegram_count: int = 1
    acknowledges: bool = True
    forgets: bool = True
    knows_selection: bool = True
    counts_access: bool = True
    step: int = 1
    asked: int = 0
    number: int = 0
    is_selected: bool = False
    last_bit: int | None = None
    at: int = 0

    def records(self) -> bytes:
        volume = b"\x0c\x13" + bcd(self.number, 4)
        energy = b"\x0c\x06" + bcd(self.number, 4)
        parts = [volume + (energy if self.device.device_type == HEAT else b"")]
        parts += [b"\x4c\x13" + bcd(each, 4) for each in range(1, self.telegram_count)]
        more = b"\x1f" if self.at + 1 < self.telegram_count else b""
        return parts[self.at] + more

    def next_data(self, bit: int) -> bytes:
        """Return header and records; the same again when the frame count bit is the same."""
        if bit != self.last_bit:
            self.at = 0 if self.last_bit is None else (self.at + 1) % self.telegram_count
            self.last_bit = bit
            if self.at == 0:
                self.asked += 1
                digits = self.device.identification[-3:].replace("F", "9")
                first = int(digits) * 10_000
                self.number = first + self.asked * self.step
        access = self.asked % 256 if self.counts_access else 0
        return long_header(self.device, access=access) + self.records()

    def reset(self) -> None:
        if self.forgets:
            self.last_bit, self.at = None, 0


def good(_: object = None) -> Fault:
    return Fault.NONE


def all_heard(_: MbusFrame) -> bool:
    return False


@dataclass
class MbusLine(ServedLine):
    """Meters on one line; a request that is lost is heard by none of them."""

    meters: Sequence[SimulatedMeter]
    is_lost: Callable[[MbusFrame], bool] = all_heard
    fault: Callable[[], Fault] = good
    ack_fault: Callable[[], Fault] = good
    echo: bool = False
    hangs_up: bool = False
    port: int = 0
    requests: list[MbusFrame] = field(default_factory=list)
    _kept: bytes = b""

    def replies(self, request: MbusFrame) -> Iterator[bytes]:
        """Yield what goes out for a request, piece by piece."""
        self.requests.append(request)
        if self.is_lost(request):
            return
        late, self._kept = self._kept, b""
        spoken = [self._answer(meter, request) for meter in self.meters]
        answers = [each for each in spoken if each]
        yield late
        if not answers:
            return
        is_ack = answers[0] == ACK
        fault = self.ack_fault() if is_ack else self.fault()
        whole = answers[0] if len(answers) == 1 else _collided(answers)
        yield from self._spoilt(fault, whole)

    def _answer(self, meter: SimulatedMeter, request: MbusFrame) -> bytes:
        if request.ci == 0x52:
            return self._selected(meter, request.data)
        is_meant = request.address in {meter.primary, EVERY_ADDRESS}
        if request.address == SELECTED_ADDRESS:
            is_meant = meter.is_selected
        if not is_meant:
            return b""
        if request.control == 0x40:
            if not meter.acknowledges:
                return b""
            meter.reset()
            meter.is_selected &= request.address != SELECTED_ADDRESS
            return ACK
        if request.control in {0x5B, 0x7B}:
            return long_frame(0x08, meter.primary, 0x72, meter.next_data(request.control & 0x20))
        return ACK

    def _selected(self, meter: SimulatedMeter, pattern: bytes) -> bytes:
        if not meter.knows_selection:
            return b""
        wanted, own = pattern[:4][::-1].hex().upper(), meter.device.identification
        is_same = all(digit in {"F", mine} for digit, mine in zip(wanted, own, strict=True))
        kind = bytes([meter.device.version, meter.device.device_type])
        rest = meter.device.manufacturer_bytes + kind
        maker = pattern[4:6] in {b"\xff\xff", rest[:2]}
        is_same &= maker and all(a in {0xFF, b} for a, b in zip(pattern[6:], kind, strict=True))
        if is_same != meter.is_selected:
            meter.reset()
        meter.is_selected = is_same
        return ACK if is_same else b""

    def _spoilt(self, fault: Fault, whole: bytes) -> Iterator[bytes]:
        pieces: dict[Fault, Callable[[], list[bytes]]] = {
            Fault.NONE: lambda: [whole],
            Fault.SILENT: list,
            Fault.LATE: lambda: self._keep(whole),
            Fault.CHECKSUM: lambda: [whole[:-2] + bytes([whole[-2] ^ 0x55]) + b"\x16"],
            Fault.CUT: lambda: [whole[: len(whole) // 2]],
            Fault.BIT_FLIP: lambda: [whole[:20] + bytes([whole[20] ^ 4]) + whole[21:]],
            Fault.OTHER_METER: lambda: [_of_other(whole)],
            Fault.OTHER_ADDRESS: lambda: [_changed(whole, address=99)],
            Fault.OTHER_CONTROL: lambda: [_changed(whole, control=0x53)],
            Fault.NOISE_BEFORE: lambda: [b"\x00\x68\x16" + whole],
            Fault.NOISE_AFTER: lambda: [whole + b"\x68\x10\x00\x55"],
            Fault.ONLY_NOISE: lambda: [b"\x55\x68\xaa\x00\x16\x68"],
            Fault.COLLISION: lambda: [_collided([whole, _of_other(whole)])],
            Fault.DRIBBLE: lambda: [bytes([each]) for each in whole],
            Fault.TWO_FRAMES: lambda: [_of_other(whole) + whole],
            Fault.ONLY_ACK: lambda: [ACK],
            Fault.MANY_ACKS: lambda: [ACK * 3],
            Fault.APPLICATION_ERROR: lambda: [long_frame(0x08, whole[5], 0x70, b"\x08")],
            Fault.TORN_RECORD: lambda: [_torn(whole)],
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
            while (size := expected_size(heard)) is not None and len(heard) >= size:
                request, heard = parse_frame(heard[:size]), heard[size:]
                for piece in self.replies(request):
                    write(piece)
                if self.hangs_up:
                    return


def _collided(answers: Sequence[bytes]) -> bytes:
    merged = answers[0]
    if set(answers) == {ACK}:
        return ACK
    for other in answers[1:]:
        merged = bytes(a & b for a, b in zip_longest(merged, other, fillvalue=0xFF))
    return merged


def _changed(whole: bytes, *, control: int | None = None, address: int | None = None) -> bytes:
    frame = parse_frame(whole)
    assert frame.kind is FrameKind.LONG
    assert frame.ci is not None
    return long_frame(
        frame.control if control is None else control,
        frame.address if address is None else address,
        frame.ci,
        frame.data,
    )


def _of_other(whole: bytes) -> bytes:
    """Return the answer as another meter at the same primary address would give it."""
    frame = parse_frame(whole)
    assert frame.ci is not None
    return long_frame(frame.control, frame.address, frame.ci, b"\x99\x00\x11\x22" + frame.data[4:])


def _torn(whole: bytes) -> bytes:
    frame = parse_frame(whole)
    assert frame.ci is not None
    return long_frame(frame.control, frame.address, frame.ci, frame.data[:-1])
