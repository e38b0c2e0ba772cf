"""Loads the profiles of the configured meters, so that a wrong one is refused before the start."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from edge_gateway.config import ConfigError, GatewayConfig, LinkConfig, MeterConfig
from edge_gateway.links.meter_reading import GroupPlan
from edge_gateway.links.read_plan import PlanError, ReadLimits
from firmware_profiles.decode import spans_of
from firmware_profiles.errors import ProfileError
from firmware_profiles.library_io import load_profile
from firmware_profiles.profile import Profile

DEFAULT_TIMEOUT_S = 1.0
"""Wall seconds for an answer where neither the settings nor a profile ask for more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterSetup:
    """A configured meter with everything that its jobs need.

    Attributes:
        serial: Device serial.
        device_address: Modbus unit identifier.
        profile: Its profile.
        intervals: Register group to interval, of every group that has words to read.
        plans: Register group to plan.
    """

    serial: str
    device_address: int
    profile: Profile
    intervals: Mapping[str, timedelta]
    plans: Mapping[str, GroupPlan]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSetup:
    """A configured link with its meters and the time an answer may take."""

    config: LinkConfig
    timeout_s: float
    meters: Sequence[MeterSetup]


def load_links(config: GatewayConfig) -> tuple[LinkSetup, ...]:
    """Return every link with its profiles loaded and its reads planned.

    Raises:
        ConfigError: A profile is unknown or unfit, or a setting does not fit the profile.
    """
    return tuple(_link(config, link) for link in config.links)


def _link(config: GatewayConfig, link: LinkConfig) -> LinkSetup:
    meters = tuple(_meter(config, link, meter) for meter in link.meters)
    waits = [meter.profile.link.timeout for meter in meters]
    asked_s = [wait.total_seconds() for wait in waits if wait is not None]
    timeout_s = link.timeout_s or max([DEFAULT_TIMEOUT_S, *asked_s])
    return LinkSetup(config=link, timeout_s=timeout_s, meters=meters)


def _meter(config: GatewayConfig, link: LinkConfig, meter: MeterConfig) -> MeterSetup:
    place = f"gateway {config.gateway_id}: link {link.name!r} meter {meter.serial!r}"
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
    )


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
