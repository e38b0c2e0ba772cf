"""The Modbus driver: owns the plans of its meters and turns their words into values."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.links.answers import Answer, Fault, FaultKind
from edge_gateway.links.bus_time import BusTime
from edge_gateway.links.driver import Identity, JobKind, JobRead, Notice
from edge_gateway.links.group_plan import GroupPlan, replan
from edge_gateway.links.heard import Heard, Meanwhile
from edge_gateway.links.interview import Interview, interview
from edge_gateway.links.later_values import LaterValues
from edge_gateway.links.meter_reading import GroupRead, read_group
from edge_gateway.links.modbus_io import ModbusLink
from edge_gateway.links.modbus_objects import ObjectsRead
from edge_gateway.links.notices import (
    PROFILE_MATCHES,
    PROFILE_MISMATCH,
    refusal_notices,
)
from edge_gateway.links.patience import ENOUGH, UnitPace, has_moved
from edge_gateway.links.spare_reads import spare_reads
from firmware_profiles.counters import with_counters
from firmware_profiles.decode import Decoded, decode_group
from firmware_profiles.errors import WordsError
from firmware_profiles.identify import Answers, contradicts, identified, judge, matching, questions
from firmware_profiles.probe import MeantMeter, nameplate_of
from firmware_profiles.profile import Profile, group_registers
from firmware_profiles.rates import Poll, rate_suspects
from firmware_profiles.variants import told_by
from firmware_profiles.words import BlockImage, Span, pack_block, pack_words
from wire_contracts.clock import Clock
from wire_contracts.quality import BAD_MISMATCH, BAD_PROFILE, BAD_TIMEOUT, QualityCode
from wire_contracts.quantities import Quantity

CHECKED_AGAIN_AFTER = timedelta(hours=1)
"""A meter that contradicts its profile is asked again after this; it may have been exchanged."""

_HIGHEST_UNIT = 255
_LOG: FilteringBoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModbusMeter:
    """A meter behind a Modbus line.

    Attributes:
        serial: Serial number of the device.
        device_address: Unit identifier, 0..255.
        profile: Its register map.
        plans: Register group to what its jobs ask.
        timeout_s: Longest wall seconds that its answer may take, beside the wire time.
    """

    serial: str
    device_address: int
    profile: Profile
    plans: Mapping[str, GroupPlan]
    timeout_s: float


@dataclass(slots=True, kw_only=True)
class _Unit:
    """What the driver has learnt of one meter since the start."""

    meter: ModbusMeter
    plans: dict[str, GroupPlan]
    gap_s: float
    pace: UnitPace
    planned_s: float
    has_questions: bool
    has_rates: bool
    identity: MeantMeter
    answers: int = 0
    checked_at_utc: datetime | None = None
    contradictions: Sequence[str] = ()
    refusal: QualityCode | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    polls: dict[str, Poll] = field(default_factory=dict)


def _no_serial(_unit: int) -> str | None:
    return None


def _no_objects(_unit: int) -> ObjectsRead:
    return ObjectsRead()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModbusSite:
    """What a driver needs beside its line and its meters.

    Attributes:
        time_of: What the line takes for a request.
        clock: The gateway's clock.
        timeout_s: Longest wall seconds for an answer of a unit that nobody knows.
        candidates: Returns the profiles that the meter at an address may be.
        objects: Returns what a unit's Read Device Identification says.
        serial_of: Returns the serial number that the settings have for a unit.
    """

    time_of: BusTime
    clock: Clock
    timeout_s: float
    candidates: Callable[[int], Sequence[Profile]]
    objects: Callable[[int], ObjectsRead] = _no_objects
    serial_of: Callable[[int], str | None] = _no_serial


class ModbusDriver:
    """Reads register groups of the meters on one Modbus line."""

    def __init__(self, link: ModbusLink, meters: Sequence[ModbusMeter], site: ModbusSite) -> None:
        """Take the line and its meters; nothing is opened before the first job."""
        self._link = link
        self._site = site
        self._units: dict[str, _Unit] = {}
        self._begun: dict[int, int] = {}
        for meter in meters:
            self.take(meter)

    def take(self, meter: ModbusMeter) -> None:
        """Read a meter from now on, in the place of one with the same serial number."""
        gap = meter.profile.link.gap
        for offset, spare in spare_reads(meter.profile).items():
            self._link.allow(meter.device_address + offset, spare)
        self._units[meter.serial] = _Unit(
            meter=meter,
            plans=dict(meter.plans),
            gap_s=0.0 if gap is None else gap.total_seconds(),
            pace=UnitPace(),
            planned_s=self._site.time_of.turnaround_s,
            has_questions=any(
                probe.span is not None or probe.register for probe in meter.profile.probes
            ),
            has_rates=any(
                register.limits.max_rate_per_hour is not None
                for register in meter.profile.registers.values()
            ),
            identity=MeantMeter(serial=meter.serial, device_address=meter.device_address),
        )

    def open(self) -> bool:
        """Return whether the line is open; it paces its attempts itself."""
        return self._link.open()

    def identify(self, device_address: str) -> Identity | Fault:
        """Return what the meter at a unit is by its own answers.

        One silence ends it; the next time another question comes first, because some meters say
        nothing where others refuse. One profile when it is proven; several when the answers fit
        them equally well; none when nothing that is known fits.
        """
        if not device_address.isdecimal() or int(device_address) > _HIGHEST_UNIT:
            detail = f"device_address: {device_address!r} is no unit; give 0..{_HIGHEST_UNIT}"
            return Fault(kind=FaultKind.MISMATCH, quality=BAD_MISMATCH, detail=detail)
        unit = int(device_address)
        candidates = self._site.candidates(unit)
        timeout_s = self._site.timeout_s
        asked = questions(candidates)
        first = self._begun.get(unit, 0) % max(1, len(asked.spans))
        said = interview(
            (*asked.spans[first:], *asked.spans[:first]),
            lambda span: self._ask(unit, span, timeout_s),
            in_vain=1,
        )
        if said.ended_by is not None:
            self._begun[unit] = first + 1
            return said.ended_by
        answers = replace(_answers(said, unit), serial=self._site.serial_of(unit))
        if asked.objects:
            self._link.close()
            answers = _with_objects(answers, self._site.objects(unit))
        verdicts = matching(candidates, answers)
        proven = identified(verdicts)
        named = verdicts if proven is None else (proven,)
        return Identity(
            device_address=device_address,
            profiles=tuple(verdict.profile.reference for verdict in named),
            facts=named[0].facts if named else {},
            told_by=() if proven else [told_by(verdict.profile) for verdict in named],
        )

    def read(self, job: JobKind, *, retry_count: int) -> JobRead:
        """Return what one register group brought; the values of a wrong meter never count.

        Raises:
            KeyError: The driver was not made for this meter or group.
        """
        return self._heard(self._units[job.serial], job, retry_count).read()

    def hear(self, job: JobKind, retry_count: int, meanwhile: Meanwhile) -> Heard:
        """Return what one register group brought, its words not decoded yet (`heard`).

        Raises:
            KeyError: The driver was not made for this meter or group.
        """
        self._link.meanwhile(meanwhile)
        heard = self._heard(self._units[job.serial], job, retry_count)
        self._link.meanwhile(None)
        return heard

    def _heard(self, unit: _Unit, job: JobKind, retry_count: int) -> Heard:
        told = Told(at_utc=self._site.clock.now_utc())
        if unit.has_questions and _is_check_due(unit, told.at_utc):
            said, notices = self._check(unit, told.at_utc)
            if said.ended_by is not None:
                return _known(_absent(unit, job.group, said.ended_by))
            told = replace(told, notices=notices)
        if unit.contradictions:
            return _known(_mistaken(unit, job.group, told.notices))
        return self._read_group(unit, job, retry_count, told)

    def close(self) -> None:
        """Close the line; the next job opens it again."""
        self._link.close()

    def _read_group(self, unit: _Unit, job: JobKind, retry_count: int, told: "Told") -> Heard:
        plan = unit.plans[job.group]
        read = read_group(
            plan,
            lambda request: self._transact(unit, request),
            retry_count=retry_count,
            now_utc=told.at_utc,
        )
        if read.plan is not plan:
            unit.plans[job.group] = read.plan
            more = refusal_notices(job, plan, read.plan)
            told = replace(told, notices=(*told.notices, *more))
        if unit.answers >= ENOUGH:
            self._follow_pace(unit)
        return Heard(
            has_answered=read.has_answered,
            is_link_down=read.is_link_down,
            read=partial(_job_read, unit, job.group, read, told),
        )

    def _check(self, unit: _Unit, now_utc: datetime) -> tuple[Interview, Sequence[Notice]]:
        """Hold the meter against its profile; its byte order is found on the way."""
        meter = unit.meter
        patience_s = unit.pace.patience_s(meter.timeout_s)
        said = interview(
            questions([meter.profile]).spans,
            lambda span: self._ask(meter.device_address, span, patience_s),
            in_vain=1,
        )
        if said.ended_by is not None:
            return said, ()
        before, unit.checked_at_utc = unit.contradictions, now_utc
        answers = replace(_answers(said, meter.device_address), serial=nameplate_of(meter.serial))
        unit.contradictions = contradicts(meter.profile, answers)
        unit.refusal = None if said.words else next(iter(said.faults.values()), None)
        if unit.contradictions:
            text = f"{meter.serial}: is not {meter.profile.reference}: {unit.contradictions[0]}"
            return said, () if before else (Notice(kind=PROFILE_MISMATCH, text=text),)
        unit.meter = replace(meter, profile=judge(meter.profile, answers).profile)
        text = f"{meter.serial}: matches {meter.profile.reference} again"
        return said, (Notice(kind=PROFILE_MATCHES, text=text),) if before else ()

    def _transact(self, unit: _Unit, request: Span) -> Answer:
        """Ask once; the deadline is what the wire needs and what this unit usually takes."""
        if unit.gap_s:
            time.sleep(unit.gap_s)
        answer = self._ask(
            unit.meter.device_address, request, unit.pace.patience_s(unit.meter.timeout_s)
        )
        if not isinstance(answer, Fault):
            unit.answers += 1
            unit.pace.answered(self._link.counts.last_turnaround_s or 0.0)
        elif answer.is_silence or answer.kind is FaultKind.MISMATCH:
            unit.pace.missed()  # an answer in two pieces is cut by impatience as well
        elif answer.kind is FaultKind.EXCEPTION:
            unit.pace.misses = 0
        return answer

    def _ask(self, unit: int, request: Span, patience_s: float) -> Answer:
        """Ask once; beside its wire time an answer may take so many seconds."""
        return self._link.transact(
            unit + request.unit_offset,
            request,
            deadline_s=self._site.time_of.wire_s(request) + patience_s,
        )

    def _follow_pace(self, unit: _Unit) -> None:
        """Plan afresh when the unit takes much longer or shorter than was planned with."""
        unit.answers = 0
        usual_s = unit.pace.median_s()
        if usual_s is None or not has_moved(unit.planned_s, usual_s):
            return
        unit.planned_s = usual_s
        cost = self._site.time_of.cost(usual_s)
        unit.plans = {group: replan(plan, cost) for group, plan in unit.plans.items()}
        _LOG.info("meter.replanned", device=unit.meter.serial, turnaround_ms=1000 * usual_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """When a job was read, and what the server is told beside its values."""

    at_utc: datetime
    notices: Sequence[Notice] = ()


def _is_check_due(unit: _Unit, now_utc: datetime) -> bool:
    """Return whether the meter must show what it is: at first, after a mismatch, after silence.

    One that refused every question may only be starting up, and is asked with every job.
    """
    if unit.checked_at_utc is None or unit.pace.misses > 1 or unit.refusal is not None:
        return True
    return bool(unit.contradictions) and now_utc - unit.checked_at_utc >= CHECKED_AGAIN_AFTER


def _answers(said: Interview, unit: int) -> Answers:
    return Answers(device_address=str(unit), words=said.words, faults=said.faults)


def _with_objects(answers: Answers, objects: ObjectsRead) -> Answers:
    return replace(answers, objects=objects.texts, is_identification_denied=objects.is_denied)


def _known(read: JobRead) -> Heard:
    """Return a job that left nothing to work out."""
    return Heard(has_answered=read.has_answered, is_link_down=read.is_link_down, read=lambda: read)


def _absent(unit: _Unit, group: str, fault: Fault) -> JobRead:
    """Return the job of a meter that said nothing when it was asked what it is."""
    unit.pace.missed()
    return JobRead(
        quality=_all_bad(unit.meter.profile, group, BAD_TIMEOUT),
        has_answered=False,
        is_link_down=fault.kind is FaultKind.LINK_DOWN,
        faults=(fault,),
        profile=unit.meter.profile.reference,
    )


def _mistaken(unit: _Unit, group: str, notices: Sequence[Notice]) -> JobRead:
    """Return the job of a meter that is not what the settings say: nothing is guessed.

    One that refused everything has not said that it is another: its exception is the quality.
    """
    unit.pace.misses = 0
    quality = unit.refusal or BAD_MISMATCH
    return JobRead(
        quality=_all_bad(unit.meter.profile, group, quality),
        has_answered=True,
        faults=[
            Fault(kind=FaultKind.MISMATCH, quality=quality, detail=each)
            for each in unit.contradictions
        ],
        profile=unit.meter.profile.reference,
        notices=notices,
    )


def _all_bad(profile: Profile, group: str, code: QualityCode) -> Mapping[Quantity, QualityCode]:
    registers = group_registers(profile, group)
    return {register.wire: code for register in registers if register.wire is not None}


def _job_read(unit: _Unit, group: str, read: GroupRead, told: Told) -> JobRead:
    meter = unit.meter
    decoded = _compared(unit, group, _decoded(unit, group, read), told.at_utc)
    return JobRead(
        values=decoded.values,
        quality=decoded.quality,
        events=decoded.events,
        raw=_raw(read),
        local=LaterValues(decoded.local_of),
        has_answered=read.has_answered,
        is_link_down=read.is_link_down,
        faults=read.troubles,
        profile=meter.profile.reference,
        meter_clock=decoded.clock,
        notices=told.notices,
    )


def _compared(unit: _Unit, group: str, decoded: Decoded, at_utc: datetime) -> Decoded:
    """Hold a poll against the one before: counts that rose, values that moved too fast."""
    profile = unit.meter.profile
    if decoded.counters:
        decoded = with_counters(profile, decoded, unit.counts)
        unit.counts = {**unit.counts, **decoded.counters}
    if not unit.has_rates:
        return decoded
    good = {
        quantity: value
        for quantity, value in decoded.values.items()
        if quantity not in decoded.quality
    }
    poll = Poll(at_utc=at_utc, values=good)
    before = unit.polls.get(group)
    if good:
        unit.polls[group] = poll
    suspects = {} if before is None else rate_suspects(profile, before, poll)
    if not suspects:
        return decoded
    return replace(decoded, quality={**suspects, **decoded.quality})


def _decoded(unit: _Unit, group: str, read: GroupRead) -> Decoded:
    """Return the values; words that the profile failed on leave `bad_profile` and stay in raw."""
    meter = unit.meter
    try:
        return decode_group(meter.profile, group, read.words, read.faults, unit.identity)
    except Exception:  # noqa: BLE001  # one meter's profile must not stop the whole link
        _LOG.exception("meter.undecodable", device=meter.serial, group=group)
    quality = _all_bad(meter.profile, group, BAD_PROFILE)
    return Decoded(values={}, quality=quality, events=())


def _raw(read: GroupRead) -> bytes | None:
    """Return the packed words, or None when there are none or more than a frame may carry."""
    if not read.words:
        return None
    try:
        if isinstance(read.words, BlockImage):
            return pack_block(read.words.block, read.words.words)
        return pack_words(read.words)
    except WordsError:
        return None
