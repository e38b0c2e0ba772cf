"""One readout of one M-Bus meter: find it, ask until it has no more, believe nobody else.

A readout begins with something that only E5 answers (SND_NKE, or the selection): whatever is
still on its way from an earlier request comes before it and cannot be taken for the data.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from edge_gateway.links.answers import Fault, FaultKind
from edge_gateway.links.mbus_answers import Heard, Question, Wanted
from edge_gateway.links.mbus_io import MbusLink
from edge_gateway.links.mbus_meter import MbusMeter, format_secondary
from edge_gateway.links.mbus_repeats import LastHeard, is_surely_new
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
        last: What the meter sent last; None where nobody needs it.
    """

    telegram: Telegram | None = None
    raw: bytes = b""
    fault: Fault | None = None
    last: LastHeard | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger(Fault):
    """Another meter answered than the one that was meant.

    Attributes:
        shown: Who answered, as settings write an identification.
        meant: Who was meant, likewise, or by the serial of the settings.
    """

    shown: str
    meant: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Approach:
    """How a meter is asked.

    Attributes:
        is_mute: Whether it may be one that does not acknowledge: silence is passed over.
        is_reset: Whether to make it begin with its standard data (application reset).
        last: What it sent last, as far as anybody knows.
    """

    is_mute: bool = False
    is_reset: bool = False
    last: LastHeard | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A meter that is ready for its first telegram.

    Attributes:
        address: Where it answers now.
        bit: The frame count bit to begin with.
    """

    address: int
    bit: bool = True


@dataclass(slots=True, kw_only=True)
class _Cycle:
    """The telegrams of a meter from where it stands to its last one.

    Attributes:
        bit: The frame count bit of the next request.
        frames: What came.
        said: CI field and data of each.
        telegrams: What it means.
        failure: Why an answer did not come, or is not taken.
    """

    bit: bool
    frames: list[bytes] = field(default_factory=list)
    said: list[bytes] = field(default_factory=list)
    telegrams: list[Telegram] = field(default_factory=list)
    failure: Readout | Fault | None = None

    @property
    def is_cut_short(self) -> bool:
        """Return whether nothing came, or what followed its first answer failed."""
        return not self.frames or (self.failure is not None and bool(self.telegrams))

    def take(self, heard: Heard, meter: MbusMeter) -> None:
        """Take an answer into account."""
        self.frames.append(heard.telegram)
        self.said.append(bytes([heard.frame.ci or 0]) + heard.frame.data)
        self.bit = not self.bit
        telegram = _understood(heard, b"".join(self.frames))
        if isinstance(telegram, Readout):
            self.failure = telegram
        elif meter.is_fit(telegram.address):
            self.telegrams.append(telegram)
        else:
            self.failure = _stranger(meter, telegram.address)


def read_out(link: MbusLink, meter: MbusMeter) -> Readout | Fault:
    """Return what a meter says, or why nobody answered: who is there, not what it reads today."""
    found = _find(link, meter, Approach())
    if isinstance(found, Fault):
        return found
    return _outcome(_cycle(link, meter, found.address, bit=found.bit))


def read_now(link: MbusLink, meter: MbusMeter, approach: Approach) -> Readout | Fault:
    """Return what a meter says now, surely no repeat of what it said before, or why not.

    Where its first telegram may be a repeat, it is read to its end and once more: the changed
    frame count bit makes it answer anew.

    Args:
        link: The line.
        meter: Whom to ask.
        approach: How.
    """
    found = _find(link, meter, approach)
    if isinstance(found, Fault):
        return found
    if approach.is_reset:
        link.transact(
            _question(application_reset(found.address), Wanted.ACKNOWLEDGE, found.address)
        )
    first = _cycle(link, meter, found.address, bit=found.bit)
    if first.is_cut_short or is_surely_new(first.said[0], approach.last):
        return _outcome(first)
    return _outcome(_cycle(link, meter, found.address, bit=first.bit))


def _cycle(link: MbusLink, meter: MbusMeter, address: int, *, bit: bool) -> _Cycle:
    """Ask a meter until it has no more, or until an answer is missing or refused."""
    cycle = _Cycle(bit=bit)
    while cycle.failure is None and (not cycle.telegrams or cycle.telegrams[-1].has_more):
        if len(cycle.telegrams) == MOST_TELEGRAMS:
            detail = f"readout: has more than {MOST_TELEGRAMS} telegrams"
            cycle.failure = _unread(b"".join(cycle.frames), detail, BAD_PROFILE)
            break
        request = request_data(address, frame_count_bit=cycle.bit)
        heard = link.transact(_question(request, Wanted.DATA, address))
        if isinstance(heard, Fault):
            cycle.failure = heard
            break
        cycle.take(heard, meter)
    return cycle


def _outcome(cycle: _Cycle) -> Readout | Fault:
    if isinstance(cycle.failure, Fault):
        return cycle.failure
    whole = cycle.failure or _joined(cycle.telegrams, b"".join(cycle.frames))
    is_current = whole.telegram is not None
    last = LastHeard(said=cycle.said[-1], bit=not cycle.bit, is_current=is_current)
    return replace(whole, last=last)


def _find(link: MbusLink, meter: MbusMeter, approach: Approach) -> _Found | Fault:
    """Make the meter ready for its first telegram."""
    if meter.primary is None and meter.secondary is not None:
        return select(link, meter.secondary) or _Found(address=SELECTED_ADDRESS)
    address = EVERY_ADDRESS if meter.primary is None else meter.primary
    reset = _question(initialise(address), Wanted.ACKNOWLEDGE, address)
    answer = link.transact(reset, timeout_s=link.standard_s if approach.is_mute else None)
    if isinstance(answer, Heard):
        return _Found(address=address)
    if not approach.is_mute or answer.kind is not FaultKind.TIMEOUT:
        return answer
    return _Found(address=address, bit=approach.last is None or not approach.last.bit)


def select(link: MbusLink, wanted: MeterAddress, *, wait_s: float | None = None) -> Fault | None:
    """Select the meters that a secondary address fits; return None when one acknowledged.

    Who may still be selected is deselected first, so that no two answer. It proves nothing: it may
    be lost, and whoever acknowledges it is the one selected before. A scan does without it.

    Args:
        link: The line.
        wanted: The address, with wildcards.
        wait_s: Wall seconds that a scan waits until an acknowledge begins; None: this is none.
    """
    if link.has_selection and wait_s is None:
        deselect = _question(initialise(SELECTED_ADDRESS), Wanted.ACKNOWLEDGE, SELECTED_ADDRESS)
        link.transact(deselect, timeout_s=link.standard_s)
    link.has_selection = True
    maker = _ANY_MAKER
    if wanted.manufacturer:
        maker = manufacturer_code(wanted.manufacturer)
    request = select_secondary(wanted.identification, maker, wanted.version, wanted.device_type)
    answer = link.transact(
        _question(request, Wanted.ACKNOWLEDGE, SELECTED_ADDRESS), timeout_s=wait_s
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


def _stranger(meter: MbusMeter, answered: MeterAddress | None) -> Stranger:
    who = name_of(answered)
    wanted = "?" if meter.secondary is None else format_secondary(meter.secondary)
    return stranger(who, wanted, f"identification: {who} answered, asked was {wanted}")


def stranger(shown: str, meant: str, detail: str) -> Stranger:
    """Return the fault of another meter that answered."""
    return Stranger(
        kind=FaultKind.MISMATCH, quality=BAD_MISMATCH, detail=detail, shown=shown, meant=meant
    )


def name_of(answered: MeterAddress | None) -> str:
    """Return who answered, as settings write it."""
    return "a meter without a name" if answered is None else format_secondary(answered)


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
