"""The CJ/T 188 driver: which meter is asked how, and what its answer means.

The identifier goes high byte first (2004) or low byte first (2018). A meter that says nothing is
asked the other way the next time; the way it answered is kept.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from edge_gateway.links.answers import Fault, FaultKind
from edge_gateway.links.cjt188_io import Cjt188Link
from edge_gateway.links.driver import DriverMeter, Identity, JobKind, JobRead, Notice
from edge_gateway.links.followed_values import TelegramTotals
from edge_gateway.links.learnt import NOTHING_LEARNT, Cjt188Learnt, Learnt
from edge_gateway.links.notices import BYTE_ORDER_OPEN
from meter_telegrams.cjt188.exchange import Cjt188Answer, Cjt188Request, any_meter
from meter_telegrams.cjt188.frames import encode_frame
from meter_telegrams.cjt188.layout import PROFILES, Cjt188Kind, Cjt188Profile, kind_of
from meter_telegrams.cjt188.reading import (
    Cjt188Reading,
    decode_meter_data,
    fitting_profiles,
    missing,
    unfit_reason,
)
from wire_contracts.clock import Clock
from wire_contracts.quality import BAD_MISMATCH, BAD_PROFILE, QualityCode
from wire_contracts.quantities import Quantity

ANYBODY = ""
"""The address to identify the one meter of a line that is not known yet."""

_ADDRESS = re.compile(r"([0-9A-Fa-f]{2}):([0-9]{14})")
_UNKNOWN = "cjt188@0"


class Cjt188AddressError(ValueError):
    """An address or profile no meter can have; the text reads `field: problem; remedy`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cjt188Meter:
    """A meter as it is asked.

    Attributes:
        meter_type: T.
        address: 14 digits as on the name plate.
        kind: What it measures.
        profile: How its data are read; None: the data themselves must say.
    """

    meter_type: int
    address: str
    kind: Cjt188Kind
    profile: Cjt188Profile | None = None


def parse_meter(device_address: str, profile: str = "") -> Cjt188Meter:
    """Return the meter that settings name.

    Args:
        device_address: Type and address, such as `20:11223344556677`.
        profile: A reference such as `cjt188_heat@1`; empty or `auto`: the data say.

    Raises:
        Cjt188AddressError: Address, type or profile cannot be.
    """
    found = _ADDRESS.fullmatch(device_address)
    if found is None:
        raise Cjt188AddressError(
            f"device_address: {device_address!r} is not TYPE:ADDRESS;"
            " write the type and the 14 digits of the name plate, like 20:11223344556677"
        )
    meter_type = int(found[1], 16)
    kind = kind_of(meter_type)
    if kind is None:
        raise Cjt188AddressError(
            f"device_address: type {found[1]} is not read;"
            " use 10 to 19 water, 20 heat, 21 cold, 30 to 39 gas"
        )
    return Cjt188Meter(
        meter_type=meter_type, address=found[2], kind=kind, profile=_profile(profile, kind)
    )


def is_same(device_address: str, other: str) -> bool:
    """Return whether two device addresses name one meter, however they are written.

    Raises:
        Cjt188AddressError: One of them is no device address.
    """
    one, two = parse_meter(device_address), parse_meter(other)
    return (one.meter_type, one.address) == (two.meter_type, two.address)


def _profile(reference: str, kind: Cjt188Kind) -> Cjt188Profile | None:
    if reference in {"", "auto"}:
        return None
    profile = PROFILES.get(reference)
    if profile is None or profile.kind is not kind:
        known = ", ".join(each.reference for each in PROFILES.values() if each.kind is kind)
        raise Cjt188AddressError(f"profile: {reference!r} reads no {kind} meter; use {known}")
    return profile


class Cjt188Driver:
    """Reads the meter data of the meters on one CJ/T 188 line."""

    def __init__(
        self,
        link: Cjt188Link,
        meters: Sequence[DriverMeter],
        learnt: Mapping[str, Learnt] = NOTHING_LEARNT,
        clock: Clock | None = None,
    ) -> None:
        """Take the line and its meters; nothing is opened yet.

        Args:
            link: The line.
            meters: Who is on it.
            learnt: What is known of them, by serial.
            clock: Dates the totals, to doubt those that fall; None: nothing is compared.

        Raises:
            Cjt188AddressError: A meter's address or profile cannot be.
        """
        self._link = link
        self._clock = clock
        self._totals = TelegramTotals()
        self._meters: Mapping[str, Cjt188Meter] = {
            meter.serial: parse_meter(meter.device_address, meter.profile) for meter in meters
        }
        self._is_swapped: dict[str, bool] = {}
        self._next_swapped: dict[str, bool] = {}
        self._orders: dict[str, str] = {}
        self._doubted: set[str] = set()
        for serial, meter in self._meters.items():
            known = learnt.get(serial)
            if isinstance(known, Cjt188Learnt):
                self._next_swapped[meter.address] = known.is_swapped
                self._orders[meter.address] = known.shown
                self._totals.take_over(serial, known.totals)

    def open(self) -> bool:
        """Return whether the line is open."""
        return self._link.open()

    def close(self) -> None:
        """Close the line; the next call opens it again."""
        self._link.close()

    def learnt(self) -> Mapping[str, Learnt]:
        """Return what is known of the meters that have answered, by serial."""
        return {
            serial: Cjt188Learnt(
                is_swapped=self._is_swapped[meter.address],
                shown=self._orders.get(meter.address, ""),
                totals=self._totals.learnt(serial),
            )
            for serial, meter in self._meters.items()
            if meter.address in self._is_swapped
        }

    def identify(self, device_address: str) -> Identity | Fault:
        """Return what answers: at an address, or with ANYBODY the one meter on the line."""
        if device_address == ANYBODY:
            return self._identify_any()
        try:
            meter = parse_meter(device_address)
        except Cjt188AddressError as error:
            return Fault(kind=FaultKind.MISMATCH, quality=BAD_MISMATCH, detail=str(error))
        answer = self._both_ways(lambda serial, swapped: _request(meter, serial, swapped))
        return answer if isinstance(answer, Fault) else _identity(answer)

    def read(self, job: JobKind, *, retry_count: int) -> JobRead:
        """Return what one request for the meter data brought."""
        meter = self._meters[job.serial]
        faults: list[Fault] = []
        for _ in range(1 + retry_count):
            answer = self._ask(meter)
            if isinstance(answer, Cjt188Answer):
                return self._compared(job.serial, self._job_read(job.serial, answer, faults))
            faults.append(answer)
            if answer.kind in {FaultKind.EXCEPTION, FaultKind.LINK_DOWN}:
                break
        return _nothing(meter, faults)

    def clock_moved(self, by: timedelta, before_utc: datetime) -> None:
        """Go on behind a step of the gateway's clock as if there had been none."""
        self._totals.clock_moved(by, before_utc)

    def _compared(self, serial: str, read: JobRead) -> JobRead:
        if self._clock is None:
            return read
        return self._totals.judged(serial, read, read.profile, self._clock.now_utc())

    def _job_read(self, serial: str, answer: Cjt188Answer, faults: Sequence[Fault]) -> JobRead:
        """Return what an answer means; the byte order that it shows is remembered."""
        meter = self._meters[serial]
        profile = meter.profile or _fitting(answer)
        known = profile is not None and self._orders.get(meter.address) == profile.reference
        reading = _reading(meter, answer, profile, is_order_known=known)
        if profile is not None and reading.is_order_shown:
            self._orders[meter.address] = profile.reference
        if reading.refusal:
            fault = Fault(kind=FaultKind.MISMATCH, quality=BAD_PROFILE, detail=reading.refusal)
            faults = (*faults, fault)
        notices: Sequence[Notice] = ()
        if reading.order_doubt and serial not in self._doubted:
            self._doubted.add(serial)
            text = f"{serial}: {reading.order_doubt}; its values are suspect until then"
            notices = (Notice(kind=BYTE_ORDER_OPEN, text=text),)
        return JobRead(
            values=reading.values,
            quality=reading.quality,
            events=reading.events,
            raw=encode_frame(answer.frame, wake_up_count=0),
            local=reading.local,
            has_answered=True,
            faults=tuple(faults),
            profile=_UNKNOWN if profile is None else profile.reference,
            meter_clock=reading.clock,
            notices=notices,
        )

    def _ask(self, meter: Cjt188Meter) -> Cjt188Answer | Fault:
        learnt = self._is_swapped.get(meter.address)
        swapped = self._next_swapped.get(meter.address, False) if learnt is None else learnt
        answer = self._link.transact(lambda serial: _request(meter, serial, swapped))
        if isinstance(answer, Cjt188Answer):
            self._is_swapped[meter.address] = swapped
        elif answer.kind is FaultKind.TIMEOUT:
            self._next_swapped[meter.address] = not swapped
        return answer

    def _identify_any(self) -> Identity | Fault:
        found = self._both_ways(lambda serial, swapped: any_meter(serial, is_swapped=swapped))
        if isinstance(found, Fault):
            return found
        frame = found.frame
        kind = kind_of(frame.meter_type)
        if kind is None:
            return _identity(found)
        meter = Cjt188Meter(meter_type=frame.meter_type, address=frame.address, kind=kind)
        answer = self._both_ways(lambda serial, swapped: _request(meter, serial, swapped))
        return _identity(found if isinstance(answer, Fault) else answer)

    def _both_ways(self, make: Callable[[int, bool], Cjt188Request]) -> Cjt188Answer | Fault:
        first = self._link.transact(lambda serial: make(serial, False))  # noqa: FBT003  # the way
        if isinstance(first, Cjt188Answer) or first.kind is FaultKind.LINK_DOWN:
            return first
        second = self._link.transact(lambda serial: make(serial, True))  # noqa: FBT003  # the way
        is_better = isinstance(second, Cjt188Answer) or first.kind is FaultKind.TIMEOUT
        return second if is_better else first


def _request(meter: Cjt188Meter, serial: int, is_swapped: bool) -> Cjt188Request:  # noqa: FBT001
    return Cjt188Request(
        meter_type=meter.meter_type, address=meter.address, serial=serial, is_swapped=is_swapped
    )


def _identity(answer: Cjt188Answer) -> Identity:
    frame = answer.frame
    kind = kind_of(frame.meter_type)
    return Identity(
        device_address=f"{frame.meter_type:02X}:{frame.address}",
        profiles=fitting_profiles(answer.payload, frame.meter_type),
        facts={
            "protocol": "CJ/T 188",
            "medium": "unknown" if kind is None else kind.value,
            "serial": frame.address[4:],
            "manufacturer": frame.address[:4],
        },
    )


def _reading(
    meter: Cjt188Meter,
    answer: Cjt188Answer,
    profile: Cjt188Profile | None,
    *,
    is_order_known: bool,
) -> Cjt188Reading:
    if profile is not None:
        return decode_meter_data(
            answer.payload, meter.meter_type, profile, is_order_known=is_order_known
        )
    reason = unfit_reason(answer.payload, answer.frame.meter_type)
    detail = f"{reason}; name one in the settings" if reason.startswith("data") else reason
    return Cjt188Reading(quality=_missing(meter, BAD_PROFILE), refusal=detail)


def _nothing(meter: Cjt188Meter, faults: Sequence[Fault]) -> JobRead:
    last = faults[-1]
    return JobRead(
        quality=_missing(meter, last.quality),
        has_answered=last.kind is FaultKind.EXCEPTION,
        is_link_down=last.kind is FaultKind.LINK_DOWN,
        faults=tuple(faults),
        profile=_UNKNOWN if meter.profile is None else meter.profile.reference,
    )


def _fitting(answer: Cjt188Answer) -> Cjt188Profile | None:
    references = fitting_profiles(answer.payload, answer.frame.meter_type)
    return PROFILES[references[0]] if references else None


def _missing(meter: Cjt188Meter, code: QualityCode) -> Mapping[Quantity, QualityCode]:
    return missing(meter.kind, meter.meter_type, code)
