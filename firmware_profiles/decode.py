"""The words of one poll become readings in canonical units, with quality and events."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from firmware_profiles.byte_order import ByteOrder
from firmware_profiles.clocks import TIME6, moment_of
from firmware_profiles.codings import FLOATS, WireType
from firmware_profiles.fast_group import FastGroup, FastRead
from firmware_profiles.measure import Faults, Measured, Reader, measure, scaled
from firmware_profiles.probe import MeantMeter, nameplate_of
from firmware_profiles.profile import Profile, group_registers
from firmware_profiles.register import LocalValue, Register
from firmware_profiles.spans import group_spans
from firmware_profiles.status import StatusReading, read_counters, read_status, sentinel_events
from firmware_profiles.validity import read_validity
from firmware_profiles.word_orders import decide_order, with_order
from firmware_profiles.words import Span, WordImage
from wire_contracts.quality import (
    BAD_MISMATCH,
    BAD_PROFILE,
    BAD_SENTINEL,
    SUSPECT_STATUS,
    QualityCode,
    is_bad,
)
from wire_contracts.quantities import Quantity

_BYTE = 0xFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What one poll of one group says.

    Attributes:
        values: Wire quantity to value in its canonical unit.
        quality: Wire quantity to its code where not good; a bad one has no value.
        events: Canonical events of the status registers.
        counters: Counting status registers by name, for `counters.with_counters`.
        clock: What the meter's own clock says; without a zone it is the meter's local time.
        local_of: Works out `local`.
    """

    values: Mapping[Quantity, float]
    quality: Mapping[Quantity, QualityCode]
    events: tuple[str, ...]
    counters: Mapping[str, int] = field(default_factory=dict)
    clock: datetime | None = None
    local_of: Callable[[], Mapping[str, LocalValue]] = field(
        default=dict, repr=False, compare=False
    )

    @property
    def local(self) -> Mapping[str, LocalValue]:
        """Return the registers by name in their printed units: what stays in the gateway.

        A register whose value does not count is not among them. They are worked out anew each
        time somebody looks, which in most polls nobody does.
        """
        return self.local_of()


def spans_of(profile: Profile, group: str) -> tuple[Span, ...]:
    """Return what must be read for a group, sorted; each span by one request or the sum tears.

    Raises:
        KeyError: The profile has no such group.
    """
    return group_spans(profile, group)


def decode_group(
    profile: Profile,
    group: str,
    image: WordImage,
    faults: Faults,
    identity: MeantMeter | None = None,
) -> Decoded:
    """Return the readings of one group.

    Every wire quantity of the group appears: with a value, or with a bad quality. A missing
    word never gives a value, nor does a byte order that is still open.

    Args:
        profile: The meter's profile; where its byte order must be probed, better the one that
            `word_orders.with_order` made for this meter than to decide it in every frame.
        group: The poll group.
        image: The words that were read.
        faults: Why others are missing; a missing word that is not here is `bad_mismatch`.
        identity: Whom the gateway meant; None leaves the guard unchecked.

    Raises:
        KeyError: The profile has no such group.
    """
    if profile.order_candidates:
        order = decide_order(profile, [image])
        if order is None:
            return _undecided(profile, group, image, faults)
        profile = _in_order(profile, order)
    prepared = _prepared(profile, group)
    reader = Reader(profile=profile, image=image, faults=faults)
    refusal = None if identity is None else _guard_refusal(reader, identity)
    if refusal is not None:
        return _refused(reader, prepared, refusal)
    fast = prepared.read(image)
    if fast is None:
        nothing = [None] * len(prepared.wired)
        fast = FastRead(status=read_status(reader), values=nothing)
    return _assembled(reader, prepared, fast)


def good_values(decoded: Decoded) -> Mapping[Quantity, float]:
    """Return the values that nothing speaks against."""
    if not decoded.quality:
        return decoded.values
    return {name: each for name, each in decoded.values.items() if name not in decoded.quality}


def doubted_by(decoded: Decoded, other: Decoded) -> Decoded:
    """Return a poll that counts only as far as another reading of the same moment does.

    The status was read more than once: what it spoils in one of the readings is spoilt, and every
    event of both was there.
    """
    quality = {**other.quality, **decoded.quality}
    quality.update((name, code) for name, code in other.quality.items() if is_bad(code))
    quality.update((name, code) for name, code in decoded.quality.items() if is_bad(code))
    return replace(
        decoded,
        values={
            name: value
            for name, value in decoded.values.items()
            if name not in quality or not is_bad(quality[name])
        },
        quality=quality,
        events=tuple(dict.fromkeys((*decoded.events, *other.events))),
        local_of=lambda: {
            name: value for name, value in decoded.local.items() if name in other.local
        },
    )


def decode_group_slowly(profile: Profile, group: str, image: WordImage, faults: Faults) -> Decoded:
    """Return what `decode_group` does, every value by exact fractions: the proof of the other."""
    order = decide_order(profile, [image]) if profile.order_candidates else None
    if order is not None:
        profile = _in_order(profile, order)
    elif profile.order_candidates:
        return _undecided(profile, group, image, faults)
    prepared = _prepared(profile, group)
    reader = Reader(profile=profile, image=image, faults=faults)
    nothing = [None] * len(prepared.wired)
    return _assembled(reader, prepared, FastRead(status=read_status(reader), values=nothing))


def _prepared(profile: Profile, group: str) -> FastGroup:
    """Return the group prepared, once per profile."""
    known = profile.prepared.get(group)
    if isinstance(known, FastGroup):
        return known
    prepared = FastGroup(profile, group)
    profile.prepared[group] = prepared
    return prepared


def _in_order(profile: Profile, order: ByteOrder) -> Profile:
    """Return the profile in the order that a frame decided, once per order."""
    known = profile.prepared.get(f"+{order}")
    if isinstance(known, Profile):
        return known
    ordered = with_order(profile, order)
    profile.prepared[f"+{order}"] = ordered
    return ordered


def _assembled(reader: Reader, prepared: FastGroup, fast: FastRead) -> Decoded:
    """Return the poll; what the fast reading left out is judged by the rules themselves."""
    status = fast.status
    values = {
        quantity: value
        for quantity, value in zip(prepared.quantities, fast.values, strict=True)
        if value is not None
    }
    quality: Mapping[Quantity, QualityCode] = {}
    events: Sequence[str] = status.events
    if len(values) < len(fast.values) or status.bad or status.suspect:
        values, quality, events = _judged_one_by_one(reader, prepared, fast)
    return Decoded(
        values=values,
        quality=quality,
        events=tuple(dict.fromkeys(events)) if events else (),
        local_of=partial(_local_values, reader, _counting(prepared.registers, quality)),
        counters=read_counters(reader) if prepared.has_counters else {},
        clock=_clock(reader, prepared.registers) if prepared.has_clock else None,
    )


def _judged_one_by_one(
    reader: Reader, prepared: FastGroup, fast: FastRead
) -> tuple[dict[Quantity, float], dict[Quantity, QualityCode], list[str]]:
    """Return values, qualities and events of a poll of which something needs a second look."""
    status = fast.status
    values: dict[Quantity, float] = {}
    quality: dict[Quantity, QualityCode] = {}
    events = list(status.events)
    is_troubled = bool(status.bad or status.suspect)
    for register, quantity, value in zip(
        prepared.wired, prepared.quantities, fast.values, strict=True
    ):
        if value is not None and not is_troubled:
            values[quantity] = value
            continue
        found, more = _judged(reader, register, quantity, status)
        events.extend(more)
        if found.code is not None:
            quality[quantity] = found.code
        if found.value is not None:
            values[quantity] = found.value
    return values, quality, events


def _refused(reader: Reader, prepared: FastGroup, refusal: QualityCode) -> Decoded:
    """Return a poll of which nothing may be believed."""
    return Decoded(
        values={},
        quality=dict.fromkeys(prepared.quantities, refusal),
        events=(),
        local_of=partial(_local_values, reader, prepared.registers),
    )


def _counting(
    registers: Sequence[Register], quality: Mapping[Quantity, QualityCode]
) -> Sequence[Register]:
    """Leave out what was found to be no value: a fault must not be shown as zero either."""
    if not quality:
        return registers
    return [
        register
        for register in registers
        if register.wire is None or quality.get(register.wire) != BAD_SENTINEL
    ]


def _clock(reader: Reader, registers: Iterable[Register]) -> datetime | None:
    for register in registers:
        layout = TIME6 if register.coding.kind is WireType.TIME6 else register.clock
        if layout is not None and register.schema_quantity == "clock":
            raw = reader.raw(register)
            return None if raw is None else moment_of(register.clock or layout, raw)
    return None


def _undecided(profile: Profile, group: str, image: WordImage, faults: Faults) -> Decoded:
    """Return no value at all: in an unknown byte order a number means nothing."""
    reader = Reader(profile=profile, image=image, faults=faults)
    quality = {
        register.wire: reader.gap(register) or BAD_PROFILE
        for register in group_registers(profile, group)
        if register.wire is not None
    }
    return Decoded(values={}, quality=quality, events=())


def decode_registers(profile: Profile, image: WordImage) -> dict[str, LocalValue]:
    """Return every register whose words are all there, in its printed unit, by name.

    A byte order that must be probed is taken from these words, where they decide it.
    """
    order = decide_order(profile, [image]) if profile.order_candidates else None
    if order is not None:
        profile = with_order(profile, order)
    reader = Reader(profile=profile, image=image, faults={})
    return _local_values(reader, profile.registers.values())


def _judged(
    reader: Reader, register: Register, quantity: Quantity, status: StatusReading
) -> tuple[Measured, Sequence[str]]:
    """Return the value and its quality, and the events that the register itself tells."""
    found = measure(reader, register, quantity)
    sentinels = sentinel_events(reader, register)
    if found.code is not None and is_bad(found.code):
        return found, sentinels
    validity = read_validity(reader, register)
    events = (*sentinels, *validity.events)
    if quantity in status.bad or sentinels:
        return Measured(code=BAD_SENTINEL), events
    if validity.code is not None and is_bad(validity.code):
        return Measured(code=validity.code), events
    if quantity in status.suspect or validity.code is not None:
        return Measured(value=found.value, code=SUSPECT_STATUS), events
    return found, events


def _guard_refusal(reader: Reader, identity: MeantMeter) -> QualityCode | None:
    """Return why no value may be taken: another meter answered, or the guard is unread."""
    guard = reader.profile.guard
    if guard is None:
        return None
    register = reader.profile.registers[guard.register]
    gap = reader.gap(register)
    if gap is not None:
        return gap
    wanted = {
        "serial": nameplate_of(identity.serial),
        "device_address": str(identity.device_address),
    }.get(guard.equals, guard.equals)
    is_met = str(reader.raw(register)).lstrip("0") == wanted.lstrip("0")
    return None if is_met else BAD_MISMATCH


def _local_values(reader: Reader, registers: Iterable[Register]) -> dict[str, LocalValue]:
    found = {register.name: _local_value(reader, register) for register in registers}
    return {name: value for name, value in found.items() if value is not None}


def _local_value(reader: Reader, register: Register) -> LocalValue | None:
    raw = reader.raw(register)
    if raw is not None and register.clock is not None:
        moment = moment_of(register.clock, raw)
        return None if moment is None else moment.isoformat()
    if raw is None or isinstance(raw, str | tuple):
        return raw
    if register.split and isinstance(raw, int):
        halves = {True: raw >> 8, False: raw & _BYTE}
        return {half.name: halves[half.is_high_byte] for half in register.split}
    return _local_number(reader, register)


def _local_number(reader: Reader, register: Register) -> int | float | None:
    number = scaled(reader, register)
    if number is None:
        return None
    is_real = register.coding.kind in FLOATS or register.coding.kind is WireType.INTREAL
    if not is_real and number.denominator == 1:
        return int(number)
    try:
        return float(number)
    except OverflowError:
        return None
