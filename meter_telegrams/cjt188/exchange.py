"""Which frame is the answer to a CJ/T 188 request, and what was wrong with the others.

An answer counts only when meter type, address, control code, data identifier and the serial
number of the request all agree. The serial number goes up with every request, so that the late
answer to an earlier one is never taken.

Sources: control codes and refusals cnblogs.com/cj94/p/18534595 (81H is 01H with bit 7; bit 6 is a
refusal, its data SER and two bytes ST); address request cnblogs.com/cj94/p/18534598; meters of
2004 send the identifier 901F as 90 1F, those of 2018 as 1F 90: ng-gateway.com/southward/cjt188.
A refusal of one byte (ST alone): the same project's source; the standard's text was not read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum, StrEnum

from meter_telegrams.cjt188.frames import (
    ANY_ADDRESS,
    ANY_TYPE,
    START,
    WAKE_UP,
    WAKE_UP_COUNT,
    Cjt188Frame,
    candidate_at,
    encode_frame,
    frames_in,
    parse_frame,
)
from meter_telegrams.errors import TelegramError

SERIAL_COUNT = 256
"""Serial numbers of requests go round at this."""

_ANSWER = 0x80
_REFUSAL = 0xC0
_PREFIX = 3
_ADDRESS_BYTES = 7
_SHORT_REFUSAL = 2


class Control(IntEnum):
    """What a request wants; writing (04H, 15H, 16H) is not spoken here."""

    READ_DATA = 0x01
    READ_ADDRESS = 0x03


class Identifier(bytes, Enum):
    """What is read: the two bytes as a meter of 2004 has them on the line."""

    METER_DATA = b"\x90\x1f"
    ADDRESS = b"\x81\x0a"


class Fit(StrEnum):
    """How near to an answer the received bytes came."""

    NOTHING = "nothing"
    CHECKSUM = "checksum"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cjt188Request:
    """One request to one meter.

    Attributes:
        meter_type: T of the meter, ANY_TYPE for any.
        address: 14 digits as on the name plate, ANY_ADDRESS for any.
        serial: Serial number, 0..255.
        control: What is wanted.
        identifier: What is read.
        is_swapped: Whether the identifier goes low byte first, as in the edition of 2018.
    """

    meter_type: int
    address: str
    serial: int
    control: Control = Control.READ_DATA
    identifier: Identifier = Identifier.METER_DATA
    is_swapped: bool = False

    def telegram(self, *, wake_up_count: int = WAKE_UP_COUNT) -> bytes:
        """Return the bytes to send."""
        identifier = self.identifier.value
        order = identifier[::-1] if self.is_swapped else identifier
        frame = Cjt188Frame(
            meter_type=self.meter_type,
            address=self.address,
            control=self.control,
            data=order + bytes([self.serial]),
        )
        return encode_frame(frame, wake_up_count=wake_up_count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cjt188Answer:
    """What a meter said to a request.

    Attributes:
        frame: The frame it came in.
        payload: What follows identifier and serial number; of a refusal the status bytes.
        is_refusal: Whether the meter refused.
    """

    frame: Cjt188Frame
    payload: bytes
    is_refusal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """Why received bytes hold no answer."""

    fit: Fit
    text: str


def any_meter(serial: int, *, is_swapped: bool = False) -> Cjt188Request:
    """Return the request for the address of the one meter on a line."""
    return Cjt188Request(
        meter_type=ANY_TYPE,
        address=ANY_ADDRESS,
        serial=serial,
        control=Control.READ_ADDRESS,
        identifier=Identifier.ADDRESS,
        is_swapped=is_swapped,
    )


def find_answer(received: bytes, request: Cjt188Request) -> Cjt188Answer | None:
    """Return the answer among the received bytes; None: not there (yet).

    Raises:
        TelegramError: Two meters answered differently, so that none can be believed.
    """
    good = (frame for frame in frames_in(received) if objection(frame, request) is None)
    answers = [_answer(frame) for frame in good]
    if any(each != answers[0] for each in answers):
        raise TelegramError(f"answer: {len(answers)} that differ, of meters with one address")
    return answers[0] if answers else None


def objection(frame: Cjt188Frame, request: Cjt188Request) -> str | None:
    """Return why a frame does not answer the request, None when it does."""
    if request.meter_type not in {ANY_TYPE, frame.meter_type}:
        return f"type: is {frame.meter_type:02X}, asked was {request.meter_type:02X}"
    if request.address not in {ANY_ADDRESS, frame.address}:
        return f"address: is {frame.address}, asked was {request.address}"
    if frame.control == request.control | _ANSWER:
        return _objection_to_data(frame, request)
    if frame.control == request.control | _REFUSAL:
        return _objection_to_refusal(frame.data, request)
    return f"control: is {frame.control:02X}, wanted is {request.control | _ANSWER:02X}"


def explain(received: bytes, request: Cjt188Request) -> Complaint:
    """Return why there is no answer among the received bytes."""
    echoes = (request.telegram(wake_up_count=0),)
    rest = _without(received, echoes).strip(bytes([WAKE_UP]))
    if not rest:
        return Complaint(fit=Fit.NOTHING, text="no answer")
    for frame in frames_in(rest):
        why = objection(frame, request)
        if why is not None:
            return Complaint(fit=Fit.OTHER, text=why)
    start = rest.find(START)
    if start < 0:
        return Complaint(fit=Fit.OTHER, text=f"noise: {len(rest)} bytes without a frame")
    try:
        parse_frame(candidate_at(rest, start))
    except TelegramError as error:
        is_checksum = str(error).startswith("checksum")
        return Complaint(fit=Fit.CHECKSUM if is_checksum else Fit.OTHER, text=str(error))
    return Complaint(fit=Fit.OTHER, text=f"answer: {len(rest)} bytes that cannot be believed")


def _without(received: bytes, echoes: Sequence[bytes]) -> bytes:
    for echo in echoes:
        received = received.replace(echo, b"", 1)
    return received


def _objection_to_data(frame: Cjt188Frame, request: Cjt188Request) -> str | None:
    data = frame.data
    if len(data) < _PREFIX:
        return f"data: {len(data)} bytes are fewer than identifier and serial number"
    if not _is_identifier(data[:2], request):
        return f"identifier: is {data[:2].hex().upper()}, asked was {request.identifier.hex()}"
    if data[2] != request.serial:
        return f"serial number: is {data[2]:02X}, asked was {request.serial:02X}"
    if request.control is Control.READ_ADDRESS and not _is_own_address(frame):
        return f"address: the data name {data[_PREFIX:].hex().upper()}, the frame {frame.address}"
    return None


def _objection_to_refusal(data: bytes, request: Cjt188Request) -> str | None:
    """Return why a refusal is not one of this request; one of two bytes or less says nothing."""
    if len(data) <= _SHORT_REFUSAL:
        return None
    has_identifier = len(data) > _PREFIX and _is_identifier(data[:2], request)
    serial = data[2] if has_identifier else data[0]
    if serial != request.serial:
        return f"serial number: is {serial:02X}, asked was {request.serial:02X}"
    return None


def _is_identifier(pair: bytes, request: Cjt188Request) -> bool:
    return request.identifier.value in {pair, pair[::-1]}


def _is_own_address(frame: Cjt188Frame) -> bool:
    """Meters of 2004 answer without an address in the data, those of 2018 repeat it there."""
    named = frame.data[_PREFIX : _PREFIX + _ADDRESS_BYTES]
    return not named or named[::-1].hex().upper() == frame.address


def _answer(frame: Cjt188Frame) -> Cjt188Answer:
    is_refusal = frame.control & _REFUSAL == _REFUSAL
    if not is_refusal:
        payload = frame.data[_PREFIX:]
    elif len(frame.data) <= _SHORT_REFUSAL:
        payload = frame.data
    else:
        payload = frame.data[1:] if len(frame.data) == _PREFIX else frame.data[_PREFIX:]
    return Cjt188Answer(frame=frame, payload=payload, is_refusal=is_refusal)
