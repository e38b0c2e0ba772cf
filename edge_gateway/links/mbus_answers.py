"""Whether received bytes are the answer to an M-Bus request, and what is wrong with the others.

The checksum of M-Bus has only eight bits: noise passes it once in 256 times. So an answer counts
only when it is exactly one frame of the wanted kind and address with nothing around it; only the
echo of the request, which some level converters give, is taken off first.
"""

from dataclasses import dataclass
from enum import StrEnum

from meter_telegrams.errors import RefusedTelegramError, TelegramCode
from meter_telegrams.mbus.frames import (
    ACKNOWLEDGE,
    HIGHEST_ADDRESS,
    FrameKind,
    MbusFrame,
    expected_size,
    parse_frame,
)
from meter_telegrams.mbus.telegram import RESPONSES


class Wanted(StrEnum):
    """What a request is to be answered with."""

    ACKNOWLEDGE = "acknowledge"
    DATA = "data"


class Flaw(StrEnum):
    """How received bytes fail to be an answer."""

    SILENCE = "silence"
    CHECKSUM = "checksum"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """Why received bytes are no answer; `text` is for a person."""

    flaw: Flaw
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request.

    Attributes:
        telegram: Its bytes.
        wanted: What answers it.
        address: Whom it asks: 0..250, or one of the addresses that any meter may answer.
    """

    telegram: bytes
    wanted: Wanted
    address: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """An answer: its frame, and the bytes that it was."""

    frame: MbusFrame
    telegram: bytes


def without_echo(received: bytes, question: Question) -> bytes:
    """Return what came behind the echo of the request, or everything when there was none."""
    return received.removeprefix(question.telegram)


def bytes_missing(received: bytes, question: Question) -> int | None:
    """Return how many bytes are still to come; None when that cannot be known yet.

    0 or less: there is a whole frame, or something that no further byte makes one.
    """
    is_echoing = question.telegram.startswith(received)
    rest = b"" if is_echoing else without_echo(received, question)
    try:
        size = expected_size(rest)
    except RefusedTelegramError:
        return 0
    return None if size is None else size - len(rest)


def judge(received: bytes, question: Question) -> Heard | Complaint:
    """Return the answer, or the first thing that is wrong with what came."""
    rest = without_echo(received, question)
    if not rest:
        return Complaint(flaw=Flaw.SILENCE, text="no answer")
    if question.wanted is Wanted.ACKNOWLEDGE and set(rest) == {ACKNOWLEDGE} and len(rest) > 1:
        return Complaint(flaw=Flaw.OTHER, text=f"{len(rest)} meters acknowledged at once")
    try:
        frame = parse_frame(rest)
    except RefusedTelegramError as error:
        is_checksum = error.code is TelegramCode.CHECKSUM
        return Complaint(flaw=Flaw.CHECKSUM if is_checksum else Flaw.OTHER, text=str(error))
    objection = _objection(frame, question)
    if objection:
        return Complaint(flaw=Flaw.OTHER, text=objection)
    return Heard(frame=frame, telegram=rest)


def _objection(frame: MbusFrame, question: Question) -> str:
    if question.wanted is Wanted.ACKNOWLEDGE:
        is_right = frame.kind is FrameKind.ACKNOWLEDGE
        return "" if is_right else f"frame: is {frame.kind}, an acknowledge was wanted"
    if frame.kind is not FrameKind.LONG:
        return f"frame: is {frame.kind}, data were wanted"
    if frame.control not in RESPONSES:
        return f"C: is {frame.control:02X}, which is no answer of a meter"
    if question.address <= HIGHEST_ADDRESS and frame.address != question.address:
        return f"address: is {frame.address}, asked was {question.address}"
    return ""
