"""The Modbus driver: owns the plans of its meters and turns their words into values."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.links.answers import Answer, Fault, FaultKind
from edge_gateway.links.bus_time import BusTime
from edge_gateway.links.driver import Identity, JobKind, JobRead, Notice
from edge_gateway.links.group_plan import GroupPlan, replan
from edge_gateway.links.meter_reading import GroupRead, read_group
from edge_gateway.links.modbus_io import ModbusLink
from edge_gateway.links.patience import ENOUGH, UnitPace, has_moved
from firmware_profiles import profile as profiles
from firmware_profiles.decode import Decoded, decode_group
from firmware_profiles.errors import WordsError
from firmware_profiles.profile import Profile, group_registers
from firmware_profiles.words import Span, pack_words
from wire_contracts.clock import Clock
from wire_contracts.quality import BAD_PROFILE, BAD_TIMEOUT

REGISTER_REFUSED = "register_refused"
REGISTER_ANSWERS = "register_answers"

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
    answers: int = 0


class ModbusDriver:
    """Reads register groups of the meters on one Modbus line."""

    def __init__(
        self, link: ModbusLink, meters: Sequence[ModbusMeter], time_of: BusTime, clock: Clock
    ) -> None:
        """Take the line and its meters; nothing is opened before the first job.

        Args:
            link: One strict transaction at a time.
            meters: The meters behind it.
            time_of: What the line takes for a request.
            clock: The gateway's clock.
        """
        self._link = link
        self._time_of = time_of
        self._clock = clock
        self._units = {meter.serial: self._new_unit(meter) for meter in meters}

    def open(self) -> bool:
        """Return True: the line opens itself with the first request, and paces its attempts."""
        return True

    def identify(self, device_address: str) -> Identity | Fault:
        """Return what answers at a unit; so far only that nobody was asked."""
        detail = f"unit {device_address}: no profile is known"
        return Fault(kind=FaultKind.MISMATCH, quality=BAD_TIMEOUT, detail=detail)

    def read(self, job: JobKind, *, retry_count: int) -> JobRead:
        """Return what one register group brought.

        Raises:
            KeyError: The driver was not made for this meter or group.
        """
        unit = self._units[job.serial]
        plan = unit.plans[job.group]
        read = read_group(
            plan,
            lambda request: self._transact(unit, request),
            retry_count=retry_count,
            now_utc=self._clock.now_utc(),
        )
        notices: Sequence[Notice] = ()
        if read.plan is not plan:
            unit.plans[job.group] = read.plan
            notices = tuple(_notices(job, plan, read.plan))
        self._follow_pace(unit)
        return _job_read(unit.meter, job.group, read, notices)

    def close(self) -> None:
        """Close the line; the next job opens it again."""
        self._link.close()

    def _new_unit(self, meter: ModbusMeter) -> _Unit:
        gap = meter.profile.link.gap
        return _Unit(
            meter=meter,
            plans=dict(meter.plans),
            gap_s=0.0 if gap is None else gap.total_seconds(),
            pace=UnitPace(),
            planned_s=self._time_of.turnaround_s,
        )

    def _transact(self, unit: _Unit, request: Span) -> Answer:
        """Ask once; the deadline is what the wire needs and what this unit usually takes."""
        if unit.gap_s:
            time.sleep(unit.gap_s)
        wire_s = self._time_of.wire_s(request)
        deadline_s = wire_s + unit.pace.patience_s(unit.meter.timeout_s)
        started_s = time.monotonic()
        answer = self._link.transact(
            unit.meter.device_address + request.unit_offset, request, deadline_s=deadline_s
        )
        if not isinstance(answer, Fault):
            unit.answers += 1
            unit.pace.answered(time.monotonic() - started_s - wire_s)
        elif answer.is_silence:
            unit.pace.missed()
        elif answer.kind is FaultKind.EXCEPTION:
            unit.pace.misses = 0
        return answer

    def _follow_pace(self, unit: _Unit) -> None:
        """Plan afresh when the unit takes much longer or shorter than was planned with."""
        if unit.answers < ENOUGH:
            return
        unit.answers = 0
        usual_s = unit.pace.median_s()
        if usual_s is None or not has_moved(unit.planned_s, usual_s):
            return
        unit.planned_s = usual_s
        cost = self._time_of.cost(usual_s)
        unit.plans = {group: replan(plan, cost) for group, plan in unit.plans.items()}
        _LOG.info("meter.replanned", device=unit.meter.serial, turnaround_ms=1000 * usual_s)


def _notices(job: JobKind, before: GroupPlan, after: GroupPlan) -> Iterator[Notice]:
    """Yield what a job has found out about the meter's registers."""
    where = f"{job.serial} group {job.group}: function"
    for span, refusal in after.refusals.items():
        if span not in before.refusals:
            text = f"{where} {_range(span)} is refused ({refusal.quality}); asked again once a day"
            yield Notice(kind=REGISTER_REFUSED, text=text)
    for span in before.refusals:
        if span not in after.refusals:
            yield Notice(kind=REGISTER_ANSWERS, text=f"{where} {_range(span)} answers again")
    for hole in after.limits.barred[len(before.limits.barred) :]:
        text = f"{where} {_range(hole)} cannot be read over; it is left out from now on"
        yield Notice(kind=REGISTER_REFUSED, text=text)
    if after.limits.max_registers < before.limits.max_registers:
        text = f"{job.serial}: requests are kept to {after.limits.max_registers} registers"
        yield Notice(kind=REGISTER_REFUSED, text=text)


def _range(span: Span) -> str:
    last = span.end - 1
    addresses = str(span.address) if last == span.address else f"{span.address}..{last}"
    unit = f" of unit +{span.unit_offset}" if span.unit_offset else ""
    return f"{span.function_code} address {addresses}{unit}"


def _job_read(
    meter: ModbusMeter, group: str, read: GroupRead, notices: Sequence[Notice]
) -> JobRead:
    decoded = _decoded(meter, group, read)
    return JobRead(
        values=decoded.values,
        quality=decoded.quality,
        events=decoded.events,
        raw=_raw(read),
        local=decoded.local,
        has_answered=read.has_answered,
        is_link_down=read.is_link_down,
        faults=read.troubles,
        profile=meter.profile.reference,
        notices=notices,
    )


def _decoded(meter: ModbusMeter, group: str, read: GroupRead) -> Decoded:
    """Return the values; words that the profile failed on leave `bad_profile` and stay in raw."""
    identity = profiles.Identity(serial=meter.serial, device_address=meter.device_address)
    try:
        return decode_group(meter.profile, group, read.words, read.faults, identity)
    except Exception:  # noqa: BLE001  # one meter's profile must not stop the whole link
        _LOG.exception("meter.undecodable", device=meter.serial, group=group)
    registers = group_registers(meter.profile, group)
    quantities = [register.wire for register in registers if register.wire is not None]
    return Decoded(values={}, quality=dict.fromkeys(quantities, BAD_PROFILE), events=(), local={})


def _raw(read: GroupRead) -> bytes | None:
    """Return the packed words, or None when there are none or more than a frame may carry."""
    if not read.words:
        return None
    try:
        return pack_words(read.words)
    except WordsError:
        return None
