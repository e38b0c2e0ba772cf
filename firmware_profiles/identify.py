"""Which profiles a meter's own answers prove, allow or contradict; what is ambiguous is unknown.

First `questions` says what to read from a meter that nobody knows. Its answers are then held
against each profile's `[[identify]]` rows. A row whose answer must be an exact value (a model
number, a text, a manufacturer) weighs 2; one that other meters could meet too (a plausible range, a
unit id, a zero) weighs 1. A profile matches when no row is contradicted or unanswered and at least
one that holds is exact; the heaviest is the most specific. Rows without any condition are notes for
people and weigh nothing, so a profile of notes or ranges alone is never chosen by itself.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from firmware_profiles.codings import Raw
from firmware_profiles.measure import Faults, Reader, printed
from firmware_profiles.probe import Expectation, Probe, ProbeMethod, nameplate_of
from firmware_profiles.profile import Profile
from firmware_profiles.register import Register
from firmware_profiles.spans import needed_spans
from firmware_profiles.word_orders import decide_order, with_order
from firmware_profiles.words import Span, WordImage
from wire_contracts.quality import bad_exception

EXACT_WEIGHT = 2
HINT_WEIGHT = 1
"""One exact answer proves a profile; answers that only fit say which of two fits better and are no
proof, however many: a device with the same number everywhere fits many ranges (judgement)."""

_DENIALS = frozenset(bad_exception(code) for code in (1, 2, 3))
"""The meter says that it has no such function, address or length; V1.1b3, 7."""

FIRMWARE_FACT = "firmware"
"""The `as` whose answer is held against the profile's `firmware_min` and `firmware_max`."""

_NUMBERS = re.compile(r"[0-9]+")


HELD_TWICE = Fraction(1, 10_000)
LEAST_HELD_TWICE = 100
"""A total of so much that is told again in another coding, equal to a ten thousandth, is an exact
answer: words that mean anything else agree so once in some ten thousand meters, and a profile has
two such rows (judgement). A zero, or the same words at both places, proves nothing."""

MONOTONOUS_WORDS = 4
"""So many equal words and no other are no meter's identity (judgement: a serial server whose meter
is away, and most simulators, answer zeros everywhere)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telegram:
    """What the head of an M-Bus telegram says of its sender."""

    manufacturer: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a meter answered to the questions.

    Attributes:
        device_address: The address it was asked at.
        words: What was read.
        faults: Why other words were not.
        objects: Read Device Identification: object number to text; None when it was not answered.
        is_identification_denied: The meter refused Read Device Identification.
        telegram: The head of its M-Bus telegram.
        serial: The serial number in the settings; None when nobody has said.
    """

    device_address: str
    words: WordImage = field(default_factory=dict)
    faults: Faults = field(default_factory=dict)
    objects: Mapping[int, str] | None = None
    is_identification_denied: bool = False
    telegram: Telegram | None = None
    serial: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """What to ask of an unknown meter.

    Attributes:
        spans: Each by a request of its own: an unknown meter may refuse anything wider.
        objects: Objects of Read Device Identification, ascending.
    """

    spans: tuple[Span, ...]
    objects: tuple[int, ...]


class Standing(StrEnum):
    """What the answers say of a profile."""

    MATCHES = "matches"
    CONTRADICTED = "contradicted"
    UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One profile held against the answers of one meter.

    Attributes:
        profile: The profile; with its byte order where that had to be found and was.
        standing: Whether it may be used.
        weight: How much its rows that held weigh: more is more specific.
        reasons: One sentence per row, in the order of the file.
        facts: What the meter said of itself, by the names of the rows' `as`.
    """

    profile: Profile
    standing: Standing
    weight: int
    reasons: tuple[str, ...]
    facts: Mapping[str, str]


class _Outcome(StrEnum):
    HOLDS = "as it must be"
    FAILS = "contradicted"
    SILENT = "not answered"
    NOTE = "a note for people"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    outcome: _Outcome
    weight: int = 0
    text: str = ""
    fact: str = ""


def questions(profiles: Iterable[Profile]) -> Questions:
    """Return what must be asked to judge these profiles, each question once, sorted."""
    spans: set[Span] = set()
    objects: set[int] = set()
    for profile in profiles:
        for probe in profile.probes:
            spans.update(_probe_spans(profile, probe))
            if probe.object_id is not None:
                objects.add(probe.object_id)
    return Questions(spans=tuple(sorted(spans)), objects=tuple(sorted(objects)))


def judge(profile: Profile, answers: Answers) -> Verdict:
    """Return what the answers say of one profile."""
    known, findings = _findings(profile, answers)
    weight = sum(item.weight for item in findings if item.outcome is _Outcome.HOLDS)
    return Verdict(
        profile=known,
        standing=_standing(known, findings),
        weight=weight,
        reasons=tuple(f"{item.outcome}: {item.text}" for item in findings),
        facts={
            probe.fact: item.fact
            for probe, item in zip(known.probes, findings, strict=True)
            if probe.fact and item.fact
        },
    )


def _findings(profile: Profile, answers: Answers) -> tuple[Profile, Sequence[_Finding]]:
    """Return what the answers say of each probe, and the profile in the order they decide."""
    order = decide_order(profile, [answers.words]) if profile.order_candidates else None
    known = profile if order is None else with_order(profile, order)
    reader = Reader(profile=known, image=answers.words, faults=answers.faults)
    return known, [_judge_probe(reader, answers, probe) for probe in known.probes]


def matching(profiles: Iterable[Profile], answers: Answers) -> tuple[Verdict, ...]:
    """Return the profiles that match, the most specific first; of a profile the newest revision.

    Two of the same weight stand in the order of their references, and mean that nobody knows.
    Where every word is the same one, nothing matches: whoever answers so answers anything.
    """
    if _is_monotonous(answers):
        return ()
    newest: dict[str, Verdict] = {}
    for profile in profiles:
        verdict = judge(profile, answers)
        rival = newest.get(profile.profile_id)
        is_newer = rival is None or (profile.revision or 0) > (rival.profile.revision or 0)
        if verdict.standing is Standing.MATCHES and is_newer:
            newest[profile.profile_id] = verdict
    return tuple(
        sorted(newest.values(), key=lambda verdict: (-verdict.weight, verdict.profile.reference))
    )


def _is_monotonous(answers: Answers) -> bool:
    """Return whether many words were read and all are one: zeros fit many ranges."""
    words = answers.words.values()
    return len(words) >= MONOTONOUS_WORDS and len(set(words)) == 1


def identified(verdicts: Sequence[Verdict]) -> Verdict | None:
    """Return the one profile that the answers prove; None when there is none or more than one.

    `verdicts` are those of `matching`. A profile whose byte order is still open is not proven.
    """
    if not verdicts or verdicts[0].profile.order_candidates:
        return None
    is_tied = len(verdicts) > 1 and verdicts[1].weight == verdicts[0].weight
    return None if is_tied else verdicts[0]


def contradicts(profile: Profile, answers: Answers) -> tuple[str, ...]:
    """Return why a meter cannot be of the profile that its settings name; empty: nothing says so.

    A row that was not answered contradicts nothing; one that the meter refuses as unknown does.
    The number that decides the byte order may be a broken sensor's, which says nothing of the
    meter.
    """
    known, findings = _findings(profile, answers)
    return tuple(
        item.text
        for probe, item in zip(known.probes, findings, strict=True)
        if item.outcome is _Outcome.FAILS and probe.method is not ProbeMethod.WORD_ORDER
    )


def is_another(profile: Profile, answers: Answers) -> tuple[str, ...]:
    """Return why a meter that was of the profile is another one now; empty: nothing says so.

    What names the meter itself counts alone: its model, its number. A value out of its range may
    be a broken sensor, and a row that was not answered says nothing.
    """
    known, findings = _findings(profile, answers)
    return tuple(
        item.text
        for probe, item in zip(known.probes, findings, strict=True)
        if item.outcome is _Outcome.FAILS and item.fact and _names_the_meter(probe)
    )


def shown_of(profile: Profile, answers: Answers) -> Mapping[str, str]:
    """Return what a meter says of itself in its registers, by the names of the rows' `as`."""
    known, findings = _findings(profile, answers)
    return {
        probe.fact: item.fact
        for probe, item in zip(known.probes, findings, strict=True)
        if probe.fact and item.fact and probe.method is ProbeMethod.REGISTERS
    }


def is_other(before: Mapping[str, str], now: Mapping[str, str]) -> bool:
    """Return whether a meter says something else of itself than it did; silence says nothing."""
    return any(now.get(name, text) != text for name, text in before.items())


def can_tell_another(profile: Profile) -> bool:
    """Return whether the profile has a row that names the meter itself."""
    return any(map(_names_the_meter, profile.probes))


def _names_the_meter(probe: Probe) -> bool:
    if probe.method is not ProbeMethod.REGISTERS or probe.span is None:
        return False
    return probe.condition.is_exact or probe.expectation is not None


def _standing(profile: Profile, findings: Sequence[_Finding]) -> Standing:
    outcomes = {item.outcome for item in findings}
    if _Outcome.FAILS in outcomes:
        return Standing.CONTRADICTED
    facts = [item for item in findings if item.outcome is _Outcome.HOLDS]
    is_exact = any(item.weight >= EXACT_WEIGHT for item in facts)
    is_proven = is_exact and _Outcome.SILENT not in outcomes
    return Standing.MATCHES if is_proven and profile.medium is not None else Standing.UNPROVEN


def _probe_spans(profile: Profile, probe: Probe) -> Iterator[Span]:
    if probe.span is not None:
        yield probe.span
    for name in _named_registers(probe):
        yield from needed_spans(profile, profile.registers[name])


def _named_registers(probe: Probe) -> list[str]:
    names = [] if probe.register is None else [probe.register]
    return [*names, *(name for _, name in probe.addends)]


def _judge_probe(reader: Reader, answers: Answers, probe: Probe) -> _Finding:
    judged = _JUDGES.get(probe.method)
    found = _note(probe) if judged is None else judged(reader, answers, probe)
    is_firmware = probe.fact == FIRMWARE_FACT and found.fact != ""
    if is_firmware and found.outcome in (_Outcome.HOLDS, _Outcome.NOTE):
        return _judge_firmware(reader.profile, found)
    return found


def _judge_firmware(profile: Profile, found: _Finding) -> _Finding:
    """Hold what the meter says of its firmware against `firmware_min` and `firmware_max`."""
    version = _version(found.fact)
    lowest, highest = _version(profile.firmware_min), _version(profile.firmware_max)
    if not (lowest or highest):
        return found
    is_inside = bool(version) and version[: len(lowest)] >= lowest
    is_inside = is_inside and (not highest or version[: len(highest)] <= highest)
    bounds = f"{profile.firmware_min or 'any'} to {profile.firmware_max or 'any'}"
    weight = EXACT_WEIGHT if lowest and highest else HINT_WEIGHT
    return _Finding(
        outcome=_Outcome.HOLDS if is_inside else _Outcome.FAILS,
        weight=max(weight, found.weight),
        text=f"the firmware is {found.fact}, expected {bounds}",
        fact=found.fact,
    )


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(digits) for digits in _NUMBERS.findall(text))


def _note(probe: Probe, fact: str = "") -> _Finding:
    text = probe.note or probe.fact or probe.method
    return _Finding(outcome=_Outcome.NOTE, text=f"{text}: {fact}" if fact else text, fact=fact)


def _judge_words(reader: Reader, answers: Answers, probe: Probe) -> _Finding:
    if probe.register is not None:
        return _judge_register(reader, probe)
    if probe.span is None or probe.coding is None:
        return _note(probe)
    where = f"function {probe.span.function_code} address {probe.span.address}"
    missing = _gap(reader, [probe.span])
    is_idle = probe.condition.is_empty and probe.expectation is None
    if missing is not None:
        return _note(probe) if is_idle else _missed(where, missing)
    raw = reader.raw_of(probe.coding, probe.span)
    fact = _shown(raw)
    if is_idle:
        return _note(probe, fact)
    return _compared(answers, probe, raw, where)


def _compared(answers: Answers, probe: Probe, raw: Raw | None, where: str) -> _Finding:
    wanted, weight = probe.condition.wanted(), _weight(probe)
    is_met = raw is not None and probe.condition.holds(raw)
    if probe.expectation is not None:
        serial = None if answers.serial is None else nameplate_of(answers.serial)
        own = {Expectation.UNIT_ID: answers.device_address, Expectation.SERIAL: serial}
        expected = own[probe.expectation]
        if expected is None:
            return _note(probe, _shown(raw))
        wanted = f"the {probe.expectation} {expected}"
        is_met = is_met and _shown(raw).lstrip("0") == expected.lstrip("0")
    text = f"{where} is {_shown(raw) or 'no value'}, expected {wanted}"
    outcome = _Outcome.HOLDS if is_met else _Outcome.FAILS
    return _Finding(outcome=outcome, weight=weight, text=text, fact=_shown(raw))


def _weight(probe: Probe) -> int:
    is_exact = probe.condition.is_exact or probe.expectation is Expectation.SERIAL
    return EXACT_WEIGHT if is_exact and probe.method is ProbeMethod.REGISTERS else HINT_WEIGHT


def _judge_register(reader: Reader, probe: Probe) -> _Finding:
    """Judge a register of the file in its printed unit, alone or as the sum of others."""
    names = _named_registers(probe)
    registers = [reader.profile.registers[name] for name in names]
    spans = [span for item in registers for span in needed_spans(reader.profile, item)]
    missing = _gap(reader, spans)
    if missing is not None:
        return _missed(names[0], missing)
    values = [printed(reader, register) for register in registers]
    total = Fraction(0)
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return _Finding(outcome=_Outcome.FAILS, text=f"{', '.join(names)}: no value")
    value = known[0]
    is_met = probe.condition.holds(value)
    text = f"{names[0]} is {_shown(value)}, expected {probe.condition.wanted()}"
    if probe.addends:
        signs = [sign for sign, _ in probe.addends]
        total = sum((s * v for s, v in zip(signs, known[1:], strict=True)), Fraction(0))
        is_met = is_met and abs(value - total) <= probe.tolerance * max(abs(value), abs(total))
        text += f" and the sum {_shown(total)}"
    is_idle = probe.condition.is_empty and not probe.addends
    if is_idle:
        return _note(probe, _shown(value))
    outcome = _Outcome.HOLDS if is_met else _Outcome.FAILS
    is_proof = bool(probe.addends) and _is_held_twice(registers, value, total)
    weight = EXACT_WEIGHT if is_proof else HINT_WEIGHT
    return _Finding(outcome=outcome, weight=weight, text=text, fact=_shown(value))


def _is_held_twice(registers: Sequence[Register], value: Fraction, total: Fraction) -> bool:
    """Return whether one number stands in two places in two codings: no chance, no constant."""
    codings = {register.coding.kind for register in registers}
    is_same = abs(value - total) <= HELD_TWICE * abs(value)
    return len(codings) > 1 and abs(value) >= LEAST_HELD_TWICE and is_same


def _judge_object(_reader: Reader, answers: Answers, probe: Probe) -> _Finding:
    where = f"device identification object {probe.object_id}"
    if answers.is_identification_denied:
        return _Finding(outcome=_Outcome.FAILS, text=f"{where} is refused by the meter")
    if answers.objects is None or probe.object_id is None:
        return _missed(where, "not read")
    text = answers.objects.get(probe.object_id)
    if probe.condition.is_empty:
        return _note(probe, text or "")
    found = _compared(answers, probe, text, where)
    weight = EXACT_WEIGHT if probe.condition.is_exact else HINT_WEIGHT
    return _Finding(outcome=found.outcome, weight=weight, text=found.text, fact=text or "")


def _judge_telegram(_reader: Reader, answers: Answers, probe: Probe) -> _Finding:
    if not probe.manufacturer:
        return _note(probe)
    telegram = answers.telegram
    if telegram is None:
        return _missed("the telegram", "not read")
    is_met = telegram.manufacturer == probe.manufacturer
    is_met = is_met and (not probe.versions or telegram.version in probe.versions)
    said = f"{telegram.manufacturer} version {telegram.version:#04x}"
    versions = " or ".join(f"{version:#04x}" for version in probe.versions) or "any"
    text = f"the telegram is of {said}, expected {probe.manufacturer} version {versions}"
    outcome = _Outcome.HOLDS if is_met else _Outcome.FAILS
    return _Finding(outcome=outcome, weight=EXACT_WEIGHT, text=text, fact=said)


_JUDGES: Mapping[ProbeMethod, Callable[[Reader, Answers, Probe], _Finding]] = {
    ProbeMethod.REGISTERS: _judge_words,
    ProbeMethod.PLAUSIBILITY: _judge_words,
    ProbeMethod.WORD_ORDER: _judge_words,
    ProbeMethod.DEVICE_IDENTIFICATION: _judge_object,
    ProbeMethod.MBUS: _judge_telegram,
}


def _gap(reader: Reader, spans: Iterable[Span]) -> str | None:
    """Return why words of the spans are missing; None when all are there."""
    for span in spans:
        for at in span.addresses():
            if at not in reader.image:
                return reader.faults.get(at, "not read")
    return None


def _missed(where: str, reason: str) -> _Finding:
    if reason in _DENIALS:
        return _Finding(outcome=_Outcome.FAILS, text=f"{where} is refused by the meter ({reason})")
    return _Finding(outcome=_Outcome.SILENT, text=f"{where}: {reason}")


def _shown(raw: Raw | None) -> str:
    if raw is None:
        return ""
    if isinstance(raw, Fraction):
        return str(raw) if raw.denominator == 1 else f"{float(raw):g}"
    return str(raw)
