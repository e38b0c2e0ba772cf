"""The Modbus driver: owns the plans of its meters and turns their words into values."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.links.answers import Answer, Fault, FaultKind
from edge_gateway.links.driver import Identity, JobKind, JobRead
from edge_gateway.links.meter_reading import GroupPlan, GroupRead, read_group
from edge_gateway.links.modbus_io import Link
from firmware_profiles import profile as profiles
from firmware_profiles.decode import Decoded, decode_group
from firmware_profiles.errors import WordsError
from firmware_profiles.profile import Profile, group_registers
from firmware_profiles.words import Span, pack_words
from wire_contracts.quality import BAD_PROFILE, BAD_TIMEOUT

_LOG: FilteringBoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModbusMeter:
    """A meter behind a Modbus line.

    Attributes:
        serial: Serial number of the device.
        device_address: Unit identifier, 0..255.
        profile: Its register map.
        plans: Register group to what its jobs ask.
    """

    serial: str
    device_address: int
    profile: Profile
    plans: Mapping[str, GroupPlan]


class ModbusDriver:
    """Reads register groups of the meters on one Modbus line."""

    def __init__(self, link: Link, meters: Sequence[ModbusMeter]) -> None:
        """Take the line and its meters; nothing is opened before the first job."""
        self._link = link
        self._meters = {meter.serial: meter for meter in meters}
        self._plans = {
            JobKind(serial=meter.serial, group=group): plan
            for meter in meters
            for group, plan in meter.plans.items()
        }

    def open(self) -> bool:
        """Return True: the line opens itself with the first request, and paces its attempts."""
        return True

    def identify(self, device_address: str) -> Identity | Fault:
        """Return what answers at a unit; so far only that nobody was asked."""
        detail = f"unit {device_address}: no profile is known"
        return Fault(kind=FaultKind.MISMATCH, quality=BAD_TIMEOUT, detail=detail)

    def read(self, job: JobKind, *, retry_count: int) -> JobRead:
        """Return what one register group brought."""
        meter = self._meters[job.serial]
        plan = self._plans[job]
        gap_s = 0.0 if meter.profile.link.gap is None else meter.profile.link.gap.total_seconds()

        def transact(request: Span) -> Answer:
            if gap_s:
                time.sleep(gap_s)
            return self._link.transact(meter.device_address, request)

        read = read_group(plan, transact, retry_count=retry_count)
        if read.plan != plan:
            self._learn(job, read.plan)
        return _job_read(meter, job.group, read)

    def close(self) -> None:
        """Close the line; the next job opens it again."""
        self._link.close()

    def _learn(self, job: JobKind, plan: GroupPlan) -> None:
        self._plans[job] = plan
        lone = [f"{span.function_code}/{span.address}" for span in sorted(plan.lone)]
        _LOG.warning("meter.refuses", device=job.serial, group=job.group, lone=lone)


def _job_read(meter: ModbusMeter, group: str, read: GroupRead) -> JobRead:
    decoded = _decoded(meter, group, read)
    return JobRead(
        values=decoded.values,
        quality=decoded.quality,
        events=decoded.events,
        raw=_raw(read),
        local=decoded.local,
        has_answered=read.has_answered,
        is_link_down=read.is_link_down,
        profile=meter.profile.reference,
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
