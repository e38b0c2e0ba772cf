"""A wired M-Bus answer: the frame must be right, and be an answer; then its records are read."""

from meter_telegrams.errors import RefusedTelegramError, TelegramCode
from meter_telegrams.mbus.application import Carrier, read_application
from meter_telegrams.mbus.frames import FrameKind, MbusFrame, parse_frame
from meter_telegrams.records.telegram import Bus, Telegram

RESPONSES = frozenset({0x08, 0x18, 0x28, 0x38})
"""C field of RSP_UD with and without the bits ACD and DFC; EN 13757-2:2018 table 2."""


def decode_mbus(received: bytes, *, key: bytes | None = None) -> Telegram:
    """Return the telegram that one frame carries.

    Args:
        received: The whole frame, from its start to 16.
        key: The meter's key, for the rare ones that encrypt on the wire.

    Raises:
        RefusedTelegramError: It is damaged, no answer, encrypted, or coded in another way.
    """
    return read_answer(parse_frame(received), key=key)


def read_answer(frame: MbusFrame, *, key: bytes | None = None) -> Telegram:
    """Return the telegram of a frame; raise RefusedTelegramError like `decode_mbus`."""
    if frame.kind is not FrameKind.LONG or frame.ci is None:
        problem = f"is {frame.kind}, which carries no readings"
        raise _refused("frame", problem)
    if frame.control not in RESPONSES:
        raise _refused("C", f"{frame.control:02X} is no answer of a meter (08, 18, 28, 38)")
    carrier = Carrier(bus=Bus.MBUS, primary_address=frame.address, key=key)
    return read_application(frame.ci, frame.data, carrier)


def _refused(field: str, problem: str) -> RefusedTelegramError:
    remedy = "give the answer to REQ_UD2"
    return RefusedTelegramError(TelegramCode.UNSUPPORTED, "link layer", field, problem, remedy)
