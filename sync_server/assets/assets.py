"""The values of the assets: what is added, and what can be asked about it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from wire_contracts.quantities import Medium


class MeterClass(StrEnum):
    """Who is behind the meter; detectors have their thresholds per class."""

    HOUSEHOLD = "household"
    PUBLIC_WELFARE = "public_welfare"
    INDUSTRIAL = "industrial"
    SUBSTATION = "substation"
    MAKEUP = "makeup"
    DMA = "dma"
    CONSUMER = "consumer"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCommunity:
    """A residential area; `area_id` is the crews' area (bucket `area:<id>`)."""

    community_id: str
    name_zh: str
    name_en: str
    area_id: str
    x_m: float | None = None
    y_m: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMeter:
    """A meter: the place where a medium is measured, whichever device hangs there.

    Attributes:
        meter_id: The utility's number.
        medium: Heat, gas or water.
        meter_class: Who is behind it.
        size: Such as `G2.5` or `DN50`; empty when not known.
        community_id: The community it belongs to, if any.
        address: Where it hangs, without a person's name.
        interval: How often a reading is expected.
        is_mains_powered: Whether its gateway has mains power (silence is noticed sooner).
        x_m: East in the site's plane, metres.
        y_m: North in the site's plane, metres.
    """

    meter_id: str
    medium: Medium
    meter_class: MeterClass
    address: str
    interval: timedelta
    is_mains_powered: bool
    size: str = ""
    community_id: str | None = None
    x_m: float | None = None
    y_m: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterRecord:
    """A meter as it is kept, with the device that hangs there now, if any."""

    meter: NewMeter
    added_at_utc: datetime
    device_serial: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayRecord:
    """A gateway: `newest_at_utc` is the newest instant it brought for a meter."""

    gateway_id: str
    name: str
    added_at_utc: datetime
    is_allowed: bool
    newest_at_utc: datetime | None
    received_at_utc: datetime | None
    meter_count: int


class AssetError(ValueError):
    """An asset that contradicts another; the text reads `place: field: problem; remedy`."""
