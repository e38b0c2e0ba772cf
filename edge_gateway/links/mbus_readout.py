"""One readout of one M-Bus meter: find it, ask until it has no more, believe nobody else.

A readout begins with something that only E5 answers (SND_NKE, or the selection): whatever is
still on its way from an earlier request comes before it and cannot be taken for the data.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from edge_gateway.links.answers import Fault, FaultKind
from edge_gateway.links.mbus_answers import Heard, Question, Wanted
from edge_gateway.links.mbus_io import MbusLink
from edge_gateway.links.mbus_meter import MbusMeter, format_secondary
from meter_telegrams.errors import ApplicationError, RefusedTelegramError
from meter_telegrams.mbus.frames import (
    EVERY_ADDRESS,
    SELECTED_ADDRESS,
    application_reset,
    initialise,
    request_data,
    select_secondary,
)
from meter_telegrams.mbus.joining import joined
from meter_telegrams.mbus.telegram import read_answer
from meter_telegrams.records.media import manufacturer_code
from meter_telegrams.records.telegram import MeterAddress, Telegram
from wire_contracts.quality import (
    BAD_MISMATCH,
    BAD_PROFILE,
    QualityCode,
    bad_exception,
)

MOST_TELEGRAMS = 16
"""Telegrams of one readout; 16 of 261 bytes are what a frame may carry as raw. Judgement: the
longest known readouts have 4."""

_ANY_MAKER = 0xFFFF
_ANY_BYTE = 0xFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Readout:
    """What one meter said.

    Attributes:
        telegram: Its telegrams as one; None when they are whole but cannot be read.
        raw: The frames as they came, one after the other.
        fault: Why there is no telegram; None when there is one.
    """

    telegram: Telegram | None = None
    raw: bytes = b""
    fault: Fault | None = None


def read_out(
    link: MbusLink, meter: MbusMeter, *, is_mute: bool = False, is_reset: bool = False
) -> Readout | Fault:
    """Return what a meter says now, or why nobody answered.

    Args:
        link: The line.
        meter: Whom to ask.
        is_mute: Whether the meter may be one that does not acknowledge: silence is passed over.
        is_reset: Whether to make it begin with its standard data (application reset).
    """
    found = _find(link, meter, is_mute=is_mute)
    if isinstance(found, Fault):
        return found
    if is_reset:
        link.transact(_question(application_reset(found), Wanted.ACKNOWLEDGE, found))
    telegrams: list[Telegram] = []
    raw = b""
    bit = True
    while not telegrams or telegrams[-1].has_more:
        if len(telegrams) == MOST_TELEGRAMS:
            return _unread(raw, f"readout: has more than {MOST_TELEGRAMS} telegrams", BAD_PROFILE)
        heard = link.transact(
            _question(request_data(found, frame_count_bit=bit), Wanted.DATA, found)
        )
        if isinstance(heard, Fault):
            return heard
        raw += heard.telegram
        telegram = _understood(heard, raw)
        if isinstance(telegram, Readout):
            return telegram
        if not meter.is_fit(telegram.address):
            return _stranger(meter, telegram.address)
        telegrams.append(telegram)
        bit = not bit
    return _joined(telegrams, raw)


def _find(link: MbusLink, meter: MbusMeter, *, is_mute: bool) -> int | Fault:
    """Make the meter ready for its first telegram; return the address to ask."""
    if meter.primary is None and meter.secondary is not None:
        return select(link, meter.secondary) or SELECTED_ADDRESS
    address = EVERY_ADDRESS if meter.primary is None else meter.primary
    reset = _question(initialise(address), Wanted.ACKNOWLEDGE, address)
    answer = link.transact(reset, timeout_s=link.standard_s if is_mute else None)
    if isinstance(answer, Heard) or (is_mute and answer.kind is FaultKind.TIMEOUT):
        return address
    return answer


def select(link: MbusLink, wanted: MeterAddress, *, is_scan: bool = False) -> Fault | None:
    """Select the meters that a secondary address fits; return None when one acknowledged.

    Who may still be selected is deselected first, which also resets its frame count bit: else it
    would repeat its last telegram. A scan does without, it only looks for names.
    """
    if link.has_selection and not is_scan:
        deselect = _question(initialise(SELECTED_ADDRESS), Wanted.ACKNOWLEDGE, SELECTED_ADDRESS)
        link.transact(deselect, timeout_s=link.standard_s)
    link.has_selection = True
    maker = _ANY_MAKER
    if wanted.manufacturer:
        maker = manufacturer_code(wanted.manufacturer)
    request = select_secondary(wanted.identification, maker, wanted.version, wanted.device_type)
    answer = link.transact(
        _question(request, Wanted.ACKNOWLEDGE, SELECTED_ADDRESS),
        timeout_s=link.timeout_s if is_scan else None,
    )
    return answer if isinstance(answer, Fault) else None


def _question(telegram: bytes, wanted: Wanted, address: int) -> Question:
    return Question(telegram=telegram, wanted=wanted, address=address)


def _understood(heard: Heard, raw: bytes) -> Telegram | Readout:
    try:
        return read_answer(heard.frame)
    except ApplicationError as error:
        quality = bad_exception(error.number) if error.number else BAD_MISMATCH
        fault = Fault(
            kind=FaultKind.EXCEPTION, quality=quality, exception=error.number, detail=str(error)
        )
        return Readout(raw=raw, fault=fault)
    except RefusedTelegramError as error:
        return _unread(raw, str(error), BAD_PROFILE)


def _joined(telegrams: Sequence[Telegram], raw: bytes) -> Readout:
    try:
        return Readout(telegram=joined(telegrams), raw=raw)
    except RefusedTelegramError as error:
        return _unread(b"", str(error), BAD_MISMATCH)


def _unread(raw: bytes, detail: str, quality: QualityCode) -> Readout:
    fault = Fault(kind=FaultKind.MISMATCH, quality=quality, detail=detail)
    return Readout(raw=raw, fault=fault)


def _stranger(meter: MbusMeter, answered: MeterAddress | None) -> Fault:
    who = "a meter without a name" if answered is None else format_secondary(answered)
    wanted = "?" if meter.secondary is None else format_secondary(meter.secondary)
    detail = f"identification: {who} answered, asked was {wanted}"
    return Fault(kind=FaultKind.MISMATCH, quality=BAD_MISMATCH, detail=detail)


def is_confirmed(link: MbusLink, address: MeterAddress) -> bool:
    """Return whether a meter answers to this full address with this name.

    The checksum of M-Bus passes what two nearly equal meters say at once more often than chance:
    an identification that nobody can be selected by may be such a mixture.
    """
    if select(link, selectable(address)) is not None:
        return False
    telegram = first_of_selected(link)
    return isinstance(telegram, Telegram) and telegram.address == address


def selectable(address: MeterAddress) -> MeterAddress:
    """Return the address to select a meter by: of a fixed structure only the number is known."""
    if address.manufacturer:
        return address
    return pattern_address(address.identification)


def pattern_address(pattern: str) -> MeterAddress:
    """Return the address that every meter has whose identification fits eight digits or `F`."""
    return MeterAddress(
        identification=pattern, manufacturer="", version=_ANY_BYTE, device_type=_ANY_BYTE
    )


def first_of_selected(link: MbusLink) -> Telegram | str:
    """Return the first telegram of whoever is selected, or what came instead."""
    request = request_data(SELECTED_ADDRESS, frame_count_bit=True)
    heard = link.transact(_question(request, Wanted.DATA, SELECTED_ADDRESS))
    if isinstance(heard, Fault):
        return heard.detail
    try:
        return read_answer(heard.frame)
    except RefusedTelegramError as error:
        return str(error)
