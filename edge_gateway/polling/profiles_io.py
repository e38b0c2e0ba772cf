"""Loads the profiles of the configured meters, so that a wrong one is refused before the start."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from edge_gateway.config import ConfigError, GatewayConfig, LinkConfig, MeterConfig
from edge_gateway.links.bus_time import BusTime, bus_time
from edge_gateway.links.driver import TELEGRAM, DriverMeter
from edge_gateway.links.group_plan import GroupPlan, plan_group
from edge_gateway.links.link_url import (
    Cjt188Url,
    LinkUrl,
    LinkUrlError,
    MbusUrl,
    parse_url,
)
from edge_gateway.links.modbus_driver import ModbusMeter
from edge_gateway.links.read_plan import PlanError, ReadLimits
from edge_gateway.polling.drivers_io import LineOrder
from firmware_profiles.decode import spans_of
from firmware_profiles.errors import ProfileError
from firmware_profiles.library_io import load_profile
from firmware_profiles.profile import Profile
from wire_contracts.clock import Clock

DEFAULT_TIMEOUT_S = 1.0
"""Wall seconds for an answer where neither the settings nor a profile ask for more."""

TELEGRAM_INTERVAL = timedelta(minutes=15)
"""Between two telegrams of a meter without register map, where the settings say nothing: a
battery meter counts its answers (judgement)."""

_HIGHEST_UNIT = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterSetup:
    """A configured meter with everything that its jobs need.

    Attributes:
        serial: Device serial.
        device_address: Where it answers, as the settings write it.
        intervals: Register group to interval, of every group that has words to read.
        profile: Its register map; None where the protocol needs none.
        plans: Register group to plan; empty where there is no register map.
        profile_name: What the settings call its profile.
    """

    serial: str
    device_address: int | str
    intervals: Mapping[str, timedelta]
    profile: Profile | None = None
    plans: Mapping[str, GroupPlan]
    profile_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSetup:
    """A configured link with its line, its meters and the time an answer may take."""

    config: LinkConfig
    url: LinkUrl
    timeout_s: float
    meters: Sequence[MeterSetup]

    def patience_s(self, profile: Profile) -> float:
        """Return the longest wait for an answer: the setting, else what the profile asks."""
        asked = profile.link.timeout
        if self.config.timeout_s is not None or asked is None:
            return self.timeout_s
        return asked.total_seconds()

    def order(self, clock: Clock) -> LineOrder:
        """Return what the driver of the line is made from."""
        return LineOrder(
            url=self.url,
            timeout_s=self.timeout_s,
            clock=clock,
            modbus=[
                ModbusMeter(
                    serial=meter.serial,
                    device_address=int(meter.device_address),
                    profile=meter.profile,
                    plans=meter.plans,
                    timeout_s=self.patience_s(meter.profile),
                )
                for meter in self.meters
                if meter.profile is not None
            ],
            others=[
                DriverMeter(
                    serial=meter.serial,
                    device_address=str(meter.device_address),
                    profile=meter.profile_name,
                )
                for meter in self.meters
                if meter.profile is None
            ],
        )


def load_links(config: GatewayConfig) -> tuple[LinkSetup, ...]:
    """Return every link with its profiles loaded and its reads planned.

    Raises:
        ConfigError: A profile is unknown or unfit, or a setting does not fit the profile.
    """
    return tuple(_link(config, link) for link in config.links)


def _link(config: GatewayConfig, link: LinkConfig) -> LinkSetup:
    place = f"gateway {config.gateway_id}: link {link.name!r}"
    try:
        url = parse_url(link.url, place=place)
    except LinkUrlError as error:
        raise ConfigError(str(error)) from error
    if isinstance(url, MbusUrl | Cjt188Url):
        meters = tuple(_telegram_meter(place, meter) for meter in link.meters)
    else:
        time_of = bus_time(url)
        meters = tuple(_meter(config, place, meter, time_of) for meter in link.meters)
    waits = [meter.profile.link.timeout for meter in meters if meter.profile is not None]
    asked_s = [wait.total_seconds() for wait in waits if wait is not None]
    timeout_s = link.timeout_s or max([DEFAULT_TIMEOUT_S, *asked_s])
    return LinkSetup(config=link, url=url, timeout_s=timeout_s, meters=meters)


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


def _meter(
    config: GatewayConfig, link_place: str, meter: MeterConfig, time_of: BusTime
) -> MeterSetup:
    place = f"{link_place} meter {meter.serial!r}"
    _refuse_no_unit(place, meter)
    try:
        profile = load_profile(meter.profile, config.profiles)
    except ProfileError as error:
        raise ConfigError(f"{place}: profile: {error}") from error
    _refuse_unknown_groups(place, meter, profile)
    plans = _plans(place, profile, time_of)
    if not plans:
        message = f"{place}: profile: {meter.profile!r} has nothing to read; choose another"
        raise ConfigError(message)
    return MeterSetup(
        serial=meter.serial,
        device_address=meter.device_address,
        profile=profile,
        intervals={group: _interval(meter, profile, group) for group in plans},
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


def _interval(meter: MeterConfig, profile: Profile, group: str) -> timedelta:
    """Return the interval: the setting, else the profile, never below what the meter bears."""
    wanted = meter.intervals.get(group, profile.groups[group])
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
            plans[group] = plan_group(needed, limits, cost, guard)
        except PlanError as error:
            where = f"{place}: profile {profile.reference} group {group}"
            raise ConfigError(f"{where}: {error}") from error
    return {group: plan for group, plan in plans.items() if plan.spans}
