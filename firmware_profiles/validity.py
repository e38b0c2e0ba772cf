"""Whether a value counts at all: what other registers must say, so that a fault is never zero."""

from collections.abc import Sequence
from dataclasses import dataclass

from firmware_profiles.codings import Raw
from firmware_profiles.measure import Reader, scaled
from firmware_profiles.register import Need, Register
from wire_contracts.quality import BAD_SENTINEL, SUSPECT_STATUS, QualityCode, is_bad

_BYTE = 0xFF


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidityReading:
    """What the validity rules of one register say.

    Attributes:
        code: None when it counts; a bad code when it does not; else it is doubtful.
        events: Events of the rules that were not met.
    """

    code: QualityCode | None = None
    events: Sequence[str] = ()


COUNTS = ValidityReading()


def read_validity(reader: Reader, register: Register) -> ValidityReading:
    """Return whether the value of a register counts.

    A rule whose registers could not be read is not met: the value is bad with their quality, or
    doubtful where the rule only doubts. The worst rule decides.
    """
    code: QualityCode | None = None
    events: dict[str, None] = {}
    for rule in register.validity:
        refusals = [_refusal(reader, need) for need in rule.needs]
        found = next((refusal for refusal in refusals if refusal is not None), None)
        if found is None:
            continue
        if rule.event and BAD_SENTINEL in refusals:
            events[rule.event] = None
        if code is None or not is_bad(code):
            code = SUSPECT_STATUS if rule.is_only_doubted else found
    return ValidityReading(code=code, events=tuple(events)) if code is not None else COUNTS


def _refusal(reader: Reader, need: Need) -> QualityCode | None:
    register = reader.profile.registers[need.register]
    gap = reader.gap(register)
    if gap is not None:
        return gap
    value = _value(reader, register, need)
    is_met = value is not None and need.condition.holds(value)
    return None if is_met else BAD_SENTINEL


def _value(reader: Reader, register: Register, need: Need) -> Raw | None:
    raw = reader.raw(register)
    if need.half is not None and isinstance(raw, int):
        return raw >> 8 & _BYTE if need.half else raw & _BYTE
    if raw is None or isinstance(raw, str | tuple) or need.condition.mask is not None:
        return raw
    return scaled(reader, register)
