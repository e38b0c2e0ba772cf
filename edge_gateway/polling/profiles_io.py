"""Loads the profiles of the configured meters, so that a wrong one is refused before the start."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta, tzinfo
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.config import AUTO, ConfigError, GatewayConfig, LinkConfig, MeterConfig
from edge_gateway.links import cjt188_driver, mbus_meter
from edge_gateway.links.bus_time import BusTime, bus_time
from edge_gateway.links.driver import TELEGRAM, DriverMeter
from edge_gateway.links.group_plan import GroupPlan, plan_group, witnessed
from edge_gateway.links.learnt import NOTHING_LEARNT, Learnt
from edge_gateway.links.link_url import (
    Cjt188Url,
    LinkUrl,
    LinkUrlError,
    MbusUrl,
    parse_url,
)
from edge_gateway.links.modbus_unit import ModbusMeter
from edge_gateway.links.modbus_write_io import WritableMeter
from edge_gateway.links.read_plan import PlanError, ReadLimits
from edge_gateway.links.register_writes import NotWritableError, writable_register
from edge_gateway.polling.drivers_io import LineOrder
from edge_gateway.polling.shared_lines import (
    refuse_shared_lines,
    refuse_shared_names,
    refuse_shared_units,
)
from firmware_profiles.cadence import Cadence, DailyAt
from firmware_profiles.decode import spans_of
from firmware_profiles.errors import ProfileError
from firmware_profiles.library_io import available_profiles, load_profile
from firmware_profiles.profile import Profile
from firmware_profiles.spans import setting_spans
from firmware_profiles.status import witness_spans
from wire_contracts.clock import Clock

DEFAULT_TIMEOUT_S = 1.0
"""Wall seconds for an answer where neither the settings nor a profile ask for more."""

TELEGRAM_INTERVAL = timedelta(minutes=15)
"""Between two telegrams of a meter without register map, where the settings say nothing: a
battery meter counts its answers (judgement)."""

IDENTIFY = "identify"
"""The group of the one job of a meter that is not known yet."""

IDENTIFY_INTERVAL = timedelta(hours=1)
"""Between two attempts to identify a meter (judgement: it is exchanged or a profile is added)."""

_LOG: FilteringBoundLogger = structlog.get_logger()
_HIGHEST_UNIT = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterSetup:
    """A configured meter with everything that its jobs need.

    Attributes:
        serial: Device serial.
        device_address: Where it answers, as the settings write it.
        intervals: Register group to cadence, of every group that has words to read.
        profile: Its register map; None where the protocol needs none or the meter is unknown.
        plans: Register group to plan; empty where there is no register map.
        profile_name: What the settings call its profile.
        is_unknown: Whether it must be identified before it is polled.
    """

    serial: str
    device_address: int | str
    intervals: Mapping[str, Cadence]
    profile: Profile | None = None
    plans: Mapping[str, GroupPlan]
    profile_name: str
    is_unknown: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSetup:
    """A configured link with its line, its meters and the time an answer may take.

    Attributes:
        config: What the settings say.
        place: Where they say it, for refusals.
        url: The line.
        timeout_s: Longest wall seconds to wait for an answer.
        meters: Its meters.
        folder: The site's own profiles.
        zone: What times of day are meant in.
        clock_drift_s: How far a meter's own clock may be off.
        writable: The meters of which something may be written.
    """

    config: LinkConfig
    place: str = "link"
    url: LinkUrl
    timeout_s: float
    meters: Sequence[MeterSetup]
    folder: Path | None = None
    zone: tzinfo = UTC
    clock_drift_s: float = 60.0
    writable: Sequence[WritableMeter] = ()

    def order(self, clock: Clock, learnt: Mapping[str, Learnt] = NOTHING_LEARNT) -> LineOrder:
        """Return what the driver of the line is made from, and what was learnt of its meters."""
        is_modbus = not isinstance(self.url, MbusUrl | Cjt188Url)
        return LineOrder(
            url=self.url,
            timeout_s=self.timeout_s,
            clock=clock,
            modbus=[self.modbus_meter(meter) for meter in self.meters if meter.profile is not None],
            others=()
            if is_modbus
            else [
                DriverMeter(
                    serial=meter.serial,
                    device_address=str(meter.device_address),
                    profile=meter.profile_name,
                )
                for meter in self.meters
            ],
            candidates=self.candidates,
            serial_of=self.serial_of,
            writable=self.writable,
            learnt=learnt,
        )

    def modbus_meter(self, meter: MeterSetup) -> ModbusMeter:
        """Return a meter with a register map as its driver takes it."""
        if meter.profile is None:
            raise ValueError(meter.serial)
        asked = meter.profile.link.timeout
        is_fixed = self.config.timeout_s is not None or asked is None
        return ModbusMeter(
            serial=meter.serial,
            device_address=int(meter.device_address),
            profile=meter.profile,
            plans=meter.plans,
            timeout_s=self.timeout_s if is_fixed or asked is None else asked.total_seconds(),
        )

    def candidates(self, unit: int) -> Sequence[Profile]:
        """Return the profiles that the meter at a unit may be, read from their files.

        A file of the library that cannot be used is left out and logged.
        """
        named = [each.candidates for each in self.config.meters if each.device_address == unit]
        wanted = next((each for each in named if each), None)
        loaded = []
        for reference in wanted or available_profiles(self.folder):
            try:
                loaded.append(load_profile(reference, self.folder))
            except ProfileError as error:
                _LOG.warning("profile.unfit", profile=reference, error=str(error))
        return loaded

    def serial_of(self, unit: int) -> str | None:
        """Return the serial number of the meter at a unit; None where there is none."""
        serials = (each.serial for each in self.config.meters if each.device_address == unit)
        return next(serials, None)

    def identified(self, serial: str, reference: str) -> MeterSetup:
        """Return the setup of a meter that has been identified.

        Raises:
            ConfigError: The profile does not fit the settings.
        """
        meter = next(meter for meter in self.config.meters if meter.serial == serial)
        place = f"{self.place} meter {serial!r}"
        return _modbus_meter(place, meter, _profile(place, reference, self.folder), self.url)


def load_links(config: GatewayConfig) -> tuple[LinkSetup, ...]:
    """Return every link with its profiles loaded and its reads planned.

    Raises:
        ConfigError: A profile is unknown or unfit, a setting does not fit the profile, or two
            links or meters are in each other's way.
    """
    setups = tuple(_link(config, link) for link in config.links)
    refuse_shared_lines({setup.place: setup.url for setup in setups})
    return setups


def _link(config: GatewayConfig, link: LinkConfig) -> LinkSetup:
    place = f"gateway {config.gateway_id}: link {link.name!r}"
    try:
        url = parse_url(link.url, place=place)
    except LinkUrlError as error:
        raise ConfigError(str(error)) from error
    if isinstance(url, MbusUrl | Cjt188Url):
        parse = mbus_meter.parse_meter if isinstance(url, MbusUrl) else cjt188_driver.parse_meter
        _refuse_no_address(place, link.meters, parse)
        refuse_shared_names(place, url, link.meters)
        meters = tuple(_telegram_meter(place, meter) for meter in link.meters)
    else:
        refuse_shared_units(place, url, link.meters)
        meters = tuple(_meter(config, place, meter, url) for meter in link.meters)
    waits = [meter.profile.link.timeout for meter in meters if meter.profile is not None]
    asked_s = [wait.total_seconds() for wait in waits if wait is not None]
    timeout_s = link.timeout_s or max([DEFAULT_TIMEOUT_S, *asked_s])
    return LinkSetup(
        config=link,
        place=place,
        url=url,
        timeout_s=timeout_s,
        meters=meters,
        folder=config.profiles,
        zone=config.time_zone,
        clock_drift_s=config.clock_drift_s,
        writable=_writable_meters(place, link, meters) if link.is_writable else (),
    )


def _writable_meters(
    place: str, link: LinkConfig, meters: Sequence[MeterSetup]
) -> tuple[WritableMeter, ...]:
    """Return what may be written: what the profile and the site both allow.

    Raises:
        ConfigError: The site allows what the profile does not, or what cannot be written.
    """
    found = []
    for meter, setup in zip(link.meters, meters, strict=True):
        if not meter.writes:
            continue
        where = f"{place} meter {meter.serial!r}: writes"
        if setup.profile is None:
            message = f"{where}: needs a profile with [write]; name it, or leave the list out"
            raise ConfigError(message)
        try:
            registers = {name: writable_register(setup.profile, name) for name in meter.writes}
        except NotWritableError as error:
            message = f"{where}: {error}"
            raise ConfigError(message) from error
        gap = setup.profile.link.gap
        found.append(
            WritableMeter(
                serial=meter.serial,
                device_address=int(setup.device_address),
                gap_s=0.0 if gap is None else gap.total_seconds(),
                registers=registers,
            )
        )
    return tuple(found)


def _refuse_no_address(
    place: str, meters: Sequence[MeterConfig], parse: Callable[[str, str], object]
) -> None:
    """Raise ConfigError for an address or a profile that the protocol cannot have."""
    for meter in meters:
        try:
            parse(str(meter.device_address), meter.profile)
        except ValueError as error:
            message = f"{place} meter {meter.serial!r}: {error}"
            raise ConfigError(message) from error


def _telegram_meter(place: str, meter: MeterConfig) -> MeterSetup:
    for group in meter.intervals:
        if group != TELEGRAM:
            message = (
                f"{place} meter {meter.serial!r}: intervals: {group!r} is no group of this "
                f"protocol; use {TELEGRAM}"
            )
            raise ConfigError(message)
    return MeterSetup(
        serial=meter.serial,
        device_address=str(meter.device_address),
        intervals={TELEGRAM: meter.intervals.get(TELEGRAM, TELEGRAM_INTERVAL)},
        plans={},
        profile_name=meter.profile,
    )


def _meter(config: GatewayConfig, link_place: str, meter: MeterConfig, url: LinkUrl) -> MeterSetup:
    place = f"{link_place} meter {meter.serial!r}"
    _refuse_no_unit(place, meter)
    if meter.profile == AUTO:
        for reference in meter.candidates:
            _profile(place, reference, config.profiles)
        return MeterSetup(
            serial=meter.serial,
            device_address=meter.device_address,
            intervals={IDENTIFY: IDENTIFY_INTERVAL},
            plans={},
            profile_name=AUTO,
            is_unknown=True,
        )
    return _modbus_meter(place, meter, _profile(place, meter.profile, config.profiles), url)


def _profile(place: str, reference: str, folder: Path | None) -> Profile:
    try:
        return load_profile(reference, folder)
    except ProfileError as error:
        raise ConfigError(f"{place}: profile: {error}") from error


def _modbus_meter(place: str, meter: MeterConfig, profile: Profile, url: LinkUrl) -> MeterSetup:
    if meter.profile != AUTO:
        _refuse_unknown_groups(place, meter, profile)
    plans = _plans(place, profile, bus_time(url))
    if not plans:
        message = f"{place}: profile: {profile.reference!r} has nothing to read; choose another"
        raise ConfigError(message)
    return MeterSetup(
        serial=meter.serial,
        device_address=meter.device_address,
        profile=profile,
        intervals={group: _cadence(meter, profile, group) for group in plans},
        plans=plans,
        profile_name=profile.reference,
    )


def _refuse_no_unit(place: str, meter: MeterConfig) -> None:
    unit = meter.device_address
    if not isinstance(unit, int) or not 0 <= unit <= _HIGHEST_UNIT:
        message = f"{place}: device_address: is {unit!r}; give a whole number in 0..{_HIGHEST_UNIT}"
        raise ConfigError(message)


def _refuse_unknown_groups(place: str, meter: MeterConfig, profile: Profile) -> None:
    for group in meter.intervals:
        if group not in profile.groups:
            known = ", ".join(sorted(profile.groups))
            message = f"{place}: intervals: {group!r} is no group of {meter.profile!r}; use {known}"
            raise ConfigError(message)


def _cadence(meter: MeterConfig, profile: Profile, group: str) -> Cadence:
    """Return the cadence: the setting, else the profile, never below what the meter bears."""
    wanted = meter.intervals.get(group, profile.groups[group])
    if isinstance(wanted, DailyAt):
        return wanted
    return max(wanted, profile.link.min_poll or wanted)


def _plans(place: str, profile: Profile, time_of: BusTime) -> Mapping[str, GroupPlan]:
    """Return the plan of every group that has something to read."""
    limits = ReadLimits(max_registers=profile.max_registers, forbidden=profile.forbidden)
    guard = None if profile.guard is None else profile.registers[profile.guard.register].span
    cost = time_of.cost(time_of.turnaround_s)
    spans = {group: spans_of(profile, group) for group in profile.groups}
    plans = {}
    for group, needed in spans.items():
        try:
            settings = setting_spans(profile, group)
            plan = plan_group(needed, limits, cost, guard, settings)
            plans[group] = witnessed(plan, witness_spans(profile, group))
        except PlanError as error:
            where = f"{place}: profile {profile.reference} group {group}"
            raise ConfigError(f"{where}: {error}") from error
    return {group: plan for group, plan in plans.items() if plan.spans}
