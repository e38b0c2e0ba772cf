"""Loads the profiles of the configured meters, so that a wrong one is refused before the start."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from edge_gateway.config import ConfigError, GatewayConfig, LinkConfig, MeterConfig
from edge_gateway.links.driver import TELEGRAM, DriverMeter
from edge_gateway.links.link_url import (
    Cjt188Url,
    LinkUrl,
    LinkUrlError,
    MbusUrl,
    parse_url,
)
from edge_gateway.links.meter_reading import GroupPlan
from edge_gateway.links.modbus_driver import ModbusMeter
from edge_gateway.links.read_plan import PlanError, ReadLimits
from edge_gateway.polling.drivers_io import LineOrder
from firmware_profiles.decode import spans_of
from firmware_profiles.errors import ProfileError
from firmware_profiles.library_io import load_profile
from firmware_profiles.profile import Profile

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

    def order(self) -> LineOrder:
        """Return what the driver of the line is made from."""
        return LineOrder(
            url=self.url,
            timeout_s=self.timeout_s,
            modbus=[
                ModbusMeter(
                    serial=meter.serial,
                    device_address=int(meter.device_address),
                    profile=meter.profile,
                    plans=meter.plans,
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
    load = _telegram_meter if isinstance(url, MbusUrl | Cjt188Url) else _meter
    meters = tuple(load(config, place, meter) for meter in link.meters)
    waits = [meter.profile.link.timeout for meter in meters if meter.profile is not None]
    asked_s = [wait.total_seconds() for wait in waits if wait is not None]
    timeout_s = link.timeout_s or max([DEFAULT_TIMEOUT_S, *asked_s])
    return LinkSetup(config=link, url=url, timeout_s=timeout_s, meters=meters)


def _telegram_meter(_config: GatewayConfig, place: str, meter: MeterConfig) -> MeterSetup:
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


def _meter(config: GatewayConfig, link_place: str, meter: MeterConfig) -> MeterSetup:
    place = f"{link_place} meter {meter.serial!r}"
    _refuse_no_unit(place, meter)
    try:
        profile = load_profile(meter.profile, config.profiles)
    except ProfileError as error:
        raise ConfigError(f"{place}: profile: {error}") from error
    _refuse_unknown_groups(place, meter, profile)
    plans = {group: _plan(place, profile, group) for group in profile.groups}
    plans = {group: plan for group, plan in plans.items() if plan.spans}
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


def _plan(place: str, profile: Profile, group: str) -> GroupPlan:
    limits = ReadLimits(max_registers=profile.max_registers, forbidden=profile.forbidden)
    plan = GroupPlan(spans=spans_of(profile, group), limits=limits)
    try:
        plan.requests()
    except PlanError as error:
        raise ConfigError(f"{place}: profile {profile.reference} group {group}: {error}") from error
    return plan
