"""The status registers of one poll: which events they report, and what they cannot tell."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from firmware_profiles.codings import Raw
from firmware_profiles.effects import effect_of
from firmware_profiles.measure import Reader
from firmware_profiles.profile import Profile, group_registers
from firmware_profiles.register import Register
from firmware_profiles.spans import value_spans
from firmware_profiles.status_rule import ANY_REGISTER, StatusRule
from firmware_profiles.words import Span
from wire_contracts.quantities import Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReading:
    """What the status registers say.

    Attributes:
        events: Canonical events, each once, in the order of the file.
        bad: Quantities that have no value now.
        suspect: Quantities to doubt, those whose status could not be read among them.
    """

    events: tuple[str, ...]
    bad: frozenset[Quantity]
    suspect: frozenset[Quantity]


def read_status(reader: Reader) -> StatusReading:
    """Return what every status register of the profile says in this poll."""
    events: dict[str, None] = {}
    bad: set[Quantity] = set()
    suspect: set[Quantity] = set()
    for rule in reader.profile.status:
        if rule.register == ANY_REGISTER or rule.is_counter:
            continue
        raw = reader.raw(reader.profile.registers[rule.register])
        effect = effect_of(rule)
        if raw is None:
            suspect |= effect.bad | effect.suspect
        elif rule_holds(rule, raw):
            events[rule.event] = None
            bad |= effect.bad
            suspect |= effect.suspect
    return StatusReading(events=tuple(events), bad=frozenset(bad), suspect=frozenset(suspect))


def read_counters(reader: Reader) -> dict[str, int]:
    """Return what each counting status register has counted, by name; unread ones are left out."""
    counts: dict[str, int] = {}
    for rule in reader.profile.status:
        raw = reader.raw(reader.profile.registers[rule.register]) if rule.is_counter else None
        if isinstance(raw, int):
            counts[rule.register] = raw
    return counts


def sentinel_events(reader: Reader, register: Register) -> Sequence[str]:
    """Return the events of the rules on any register that this register's raw value meets."""
    raw = reader.raw(register)
    if raw is None:
        return ()
    return tuple(rule.event for rule in _anywhere(reader) if rule_holds(rule, raw))


def witness_spans(profile: Profile, group: str) -> Mapping[Span, tuple[Span, ...]]:
    """Return, by the span of each value that is sent, the words that say whether it counts.

    These are the status registers that spoil it, and what its validity rules look at. Counts of
    faults are not among them: they are held against the poll before.

    Raises:
        KeyError: The profile has no such group.
    """
    found: dict[Span, set[Span]] = {}
    for register in group_registers(profile, group):
        if register.wire is None:
            continue
        seen = {need.register for rule in register.validity for need in rule.needs}
        for rule in profile.status:
            effect = effect_of(rule)
            is_flag = rule.register != ANY_REGISTER and not rule.is_counter
            if is_flag and register.wire in effect.bad | effect.suspect:
                seen.add(rule.register)
        spans = {profile.registers[name].span for name in seen - {register.name}}
        for span in value_spans(profile, register):
            found.setdefault(span, set()).update(spans)
    return {span: tuple(sorted(spans)) for span, spans in found.items() if spans}


def rule_holds(rule: StatusRule, raw: Raw) -> bool:
    """Return whether a raw status value means the event of this rule."""
    if isinstance(rule.value, str) or isinstance(raw, str):
        return raw == rule.value
    if not isinstance(raw, int | Fraction):
        return False
    if rule.mask is None:
        return raw == rule.value
    masked = int(raw) & rule.mask
    return masked != 0 if rule.value is None else masked == rule.value


def _anywhere(reader: Reader) -> Iterator[StatusRule]:
    return (rule for rule in reader.profile.status if rule.register == ANY_REGISTER)
