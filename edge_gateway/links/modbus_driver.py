"""The Modbus driver: which requests a job of a meter is, and which profile the meter has."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
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
from edge_gateway.links.learnt import NOTHING_LEARNT, Learnt
from edge_gateway.links.meter_reading import GroupRead, read_group, refused
from edge_gateway.links.modbus_io import ModbusLink
from edge_gateway.links.modbus_job import Told, absent, job_read, known, mistaken
from edge_gateway.links.modbus_objects import ObjectsRead
from edge_gateway.links.modbus_unit import (
    CHECKED_AGAIN_AFTER,
    TRIED_AGAIN_AFTER,
    USUAL_LOSSES,
    ModbusMeter,
    Unit,
    clock_moved,
    is_check_due,
    is_routine,
    learnt_of,
    must_show_after_loss,
    new_unit,
    taken_over,
)
from edge_gateway.links.notices import (
    PROFILE_MATCHES,
    PROFILE_MISMATCH,
    refusal_notices,
)
from edge_gateway.links.patience import ENOUGH, has_moved
from edge_gateway.links.spare_reads import spare_reads
from firmware_profiles.identify import (
    Answers,
    contradicts,
    identified,
    is_another,
    is_other,
    judge,
    matching,
    questions,
    shown_of,
)
from firmware_profiles.probe import nameplate_of
from firmware_profiles.profile import Profile
from firmware_profiles.variants import told_by
from firmware_profiles.words import Span
from wire_contracts.clock import Clock
from wire_contracts.quality import BAD_MISMATCH

_HIGHEST_UNIT = 255
_UNSHOWN = Fault(
    kind=FaultKind.MISMATCH,
    quality=BAD_MISMATCH,
    detail="the line was lost, and the meter did not show that it is still the same",
)
_LOG: FilteringBoundLogger = structlog.get_logger()


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

    def __init__(
        self,
        link: ModbusLink,
        meters: Sequence[ModbusMeter],
        site: ModbusSite,
        learnt: Mapping[str, Learnt] = NOTHING_LEARNT,
    ) -> None:
        """Take the line, its meters, and what is known of them by serial; nothing is opened yet."""
        self._link = link
        self._site = site
        self._units: dict[str, Unit] = {}
        self._begun: dict[int, int] = {}
        self._handed = learnt
        for meter in meters:
            self.take(meter)

    def take(self, meter: ModbusMeter) -> None:
        """Read a meter from now on, in the place of one with the same serial number."""
        for offset, spare in spare_reads(meter.profile).items():
            self._link.allow(meter.device_address + offset, spare)
        unit = self._units[meter.serial] = new_unit(meter, self._site.time_of.turnaround_s)
        taken_over(unit, self._handed.get(meter.serial))

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
        told = Told(self._site.clock.now_utc())
        return self._heard(self._units[job.serial], job, retry_count, told).read()

    def hear(self, job: JobKind, retry_count: int, meanwhile: Meanwhile, at_utc: datetime) -> Heard:
        """Return what one register group brought, its words not decoded yet (`heard`).

        Raises:
            KeyError: The driver was not made for this meter or group.
        """
        self._link.meanwhile(meanwhile)
        heard = self._heard(self._units[job.serial], job, retry_count, Told(at_utc))
        self._link.meanwhile(None)
        return heard

    def _heard(self, unit: Unit, job: JobKind, retry_count: int, told: Told) -> Heard:
        if unit.has_questions and is_check_due(unit, self._link.counts.losses, told.at_utc):
            must_show = not is_routine(unit)
            unit.has_decided = False
            said, notices = self._check(unit, told.at_utc)
            if said.ended_by is not None and must_show:
                return known(absent(unit, job.group, said.ended_by))
            if said.ended_by is not None:
                unit.checked_at_utc = told.at_utc - CHECKED_AGAIN_AFTER + TRIED_AGAIN_AFTER
            told = told._replace(notices=notices, has_decided=unit.has_decided)
        if unit.contradictions:
            return known(mistaken(unit, job.group, told.notices))
        heard = self._read_group(unit, job, retry_count, told)
        if not heard.has_answered:
            return heard
        losses = self._link.counts.losses
        if not must_show_after_loss(unit, losses, told.at_utc):
            return heard
        return self._shown(unit, job, heard, told)

    def _shown(self, unit: Unit, job: JobKind, heard: Heard, told: Told) -> Heard:
        """Return what was heard when the meter shows that it is still the one that it was."""
        losses = self._link.counts.losses
        said, notices = self._check(unit, told.at_utc)
        if unit.contradictions:
            return known(mistaken(unit, job.group, (*told.notices, *notices)))
        if unit.shown_at_loss < losses:
            fault = said.ended_by or _UNSHOWN
            return known(absent(unit, job.group, fault))
        if not notices:
            return heard
        read = heard.read()
        return known(read._replace(notices=(*read.notices, *notices)))

    def learnt(self) -> Mapping[str, Learnt]:
        """Return what is known of the meters, by serial."""
        return {serial: learnt_of(unit) for serial, unit in self._units.items()}

    def clock_moved(self, by: timedelta, before_utc: datetime) -> None:
        """Go on behind a step of the gateway's clock as if there had been none."""
        for unit in self._units.values():
            clock_moved(unit, by, before_utc)

    def close(self) -> None:
        """Close the line; the next job opens it again."""
        self._link.close()

    def _read_group(self, unit: Unit, job: JobKind, retry_count: int, told: Told) -> Heard:
        plan = unit.plans[job.group]
        read, unproved = self._read_once(unit, plan, retry_count, told)
        while unproved is not None and self._link.asks_again:
            read, unproved = self._read_once(unit, read.plan, 0, told)
        if unproved is not None:
            read = refused(read, unproved)
        if read.plan is not plan:
            unit.plans[job.group] = read.plan
            more = refusal_notices(job, plan, read.plan)
            told = told._replace(notices=(*told.notices, *more))
        if unit.answers >= ENOUGH:
            self._follow_pace(unit)
        return Heard(
            has_answered=read.has_answered,
            is_link_down=read.is_link_down,
            read=partial(job_read, unit, job.group, read, told),
            has_asked=read.has_asked,
        )

    def _read_once(
        self, unit: Unit, plan: GroupPlan, retry_count: int, told: Told
    ) -> tuple[GroupRead, Fault | None]:
        """Return what a group's requests brought, and why none of it is believed."""
        read = read_group(
            plan,
            lambda request: self._transact(unit, request),
            retry_count=retry_count,
            now_utc=told.at_utc,
        )
        if read.is_mixed:
            self._link.distrust(unit.meter.device_address)
        if not self._link.is_holding:
            return read, None
        return read, self._link.release(deadline_s=self._longest_s(unit, plan))

    def _check(self, unit: Unit, now_utc: datetime) -> tuple[Interview, Sequence[Notice]]:
        """Hold the meter against its profile; its byte order is found on the way."""
        losses = self._link.counts.losses
        said, answers = self._interview(unit)
        if said.ended_by is not None:
            return said, ()
        if is_routine(unit):
            return said, self._look_again(unit, answers, losses, now_utc)
        meter, before = unit.meter, unit.contradictions
        unit.is_order_shown = False
        unit.checked_at_utc, unit.shown_at_loss = now_utc, losses
        unit.contradictions = contradicts(meter.profile, answers)
        unit.refusal = None if said.words else next(iter(said.faults.values()), None)
        if unit.contradictions:
            return said, () if before else self._mismatched(unit)
        if is_other(unit.shown, shown_of(meter.profile, answers)):  # its byte order is open again
            unit.meter = replace(meter, profile=unit.stated)
        text = f"{meter.serial}: matches {meter.profile.reference} again"
        again = (Notice(kind=PROFILE_MATCHES, text=text),) if before else ()
        return said, (*again, *_follow_order(unit, answers))

    def _look_again(
        self, unit: Unit, answers: Answers, losses: int, now_utc: datetime
    ) -> Sequence[Notice]:
        """Look whether the meter that was there is still there; what is new is asked twice."""
        meter = unit.meter
        if is_another(meter.profile, answers):
            said, answers = self._interview(unit)
            if said.ended_by is not None:
                return ()
            unit.contradictions = is_another(meter.profile, answers)
        if losses != unit.shown_at_loss and unit.losses_in_row <= USUAL_LOSSES:
            unit.is_order_shown = False  # power cuts are when meters are exchanged
        unit.checked_at_utc, unit.shown_at_loss = now_utc, losses
        if unit.contradictions:
            return self._mismatched(unit)
        return _follow_order(unit, answers)

    def _mismatched(self, unit: Unit) -> Sequence[Notice]:
        """Take note that another meter answers than the one of the settings."""
        if unit.refusal is None:
            self._link.doubt_far_end()
        return (_mismatch(unit),)

    def _interview(self, unit: Unit) -> tuple[Interview, Answers]:
        """Ask the meter what its profile wants to know of it."""
        meter = unit.meter
        patience_s = unit.pace.patience_s(meter.timeout_s)
        said = interview(
            questions([unit.stated]).spans,
            lambda span: self._ask(meter.device_address, span, patience_s),
            in_vain=1,
        )
        answers = _answers(said, meter.device_address)
        return said, replace(answers, serial=nameplate_of(meter.serial))

    def _transact(self, unit: Unit, request: Span) -> Answer:
        """Ask once; the deadline is what the wire needs and what this unit usually takes."""
        if unit.gap_s:
            time.sleep(unit.gap_s)
        answer = self._link.ask(
            unit.meter.device_address + request.unit_offset,
            request,
            deadline_s=self._deadline_s(unit, request),
        )
        if not isinstance(answer, Fault):
            unit.answers += 1
            unit.pace.answered(self._link.counts.last_turnaround_s or 0.0)
        elif answer.is_silence or answer.kind is FaultKind.MISMATCH:
            unit.pace.missed()  # an answer in two pieces is cut by impatience as well
        elif answer.kind is FaultKind.EXCEPTION:
            unit.pace.misses = 0
        return answer

    def _deadline_s(self, unit: Unit, request: Span) -> float:
        patience_s = unit.pace.patience_s(unit.meter.timeout_s)
        return self._site.time_of.wire_s(request) + patience_s

    def _longest_s(self, unit: Unit, plan: GroupPlan) -> float | None:
        """Return how long a proof may take: as long as the first block."""
        return self._deadline_s(unit, plan.requests[0]) if plan.requests else None

    def _ask(self, unit: int, request: Span, patience_s: float) -> Answer:
        """Ask once; beside its wire time an answer may take so many seconds."""
        return self._link.transact(
            unit + request.unit_offset,
            request,
            deadline_s=self._site.time_of.wire_s(request) + patience_s,
        )

    def _follow_pace(self, unit: Unit) -> None:
        """Plan afresh when the unit takes much longer or shorter than was planned with."""
        unit.answers = 0
        usual_s = unit.pace.median_s()
        if usual_s is None or not has_moved(unit.planned_s, usual_s):
            return
        unit.planned_s = usual_s
        cost = self._site.time_of.cost(usual_s)
        unit.plans = {group: replan(plan, cost) for group, plan in unit.plans.items()}
        _LOG.info("meter.replanned", device=unit.meter.serial, turnaround_ms=1000 * usual_s)


def _follow_order(unit: Unit, answers: Answers) -> Sequence[Notice]:
    """Take the byte order that the answers decide; one that contradicts the known one ends it."""
    meter = unit.meter
    found = judge(unit.stated, answers).profile
    if found.probed_order is not None:
        unit.is_order_shown = unit.has_decided = True
    if found.probed_order in {None, meter.profile.probed_order}:
        return ()
    if meter.profile.probed_order is None:
        unit.meter = replace(meter, profile=found)
        unit.shown = shown_of(found, answers)
        return ()
    unit.meter = replace(meter, profile=unit.stated)
    text = f"{meter.serial}: reads as {found.reference} now, it was {meter.profile.reference}"
    return (Notice(kind=PROFILE_MISMATCH, text=text),)


def _mismatch(unit: Unit) -> Notice:
    meter = unit.meter
    text = f"{meter.serial}: is not {meter.profile.reference}: {unit.contradictions[0]}"
    return Notice(kind=PROFILE_MISMATCH, text=text)


def _answers(said: Interview, unit: int) -> Answers:
    return Answers(device_address=str(unit), words=said.words, faults=said.faults)


def _with_objects(answers: Answers, objects: ObjectsRead) -> Answers:
    return replace(answers, objects=objects.texts, is_identification_denied=objects.is_denied)
