"""What a meter's page shows of its devices, its zone and its frames, and what of neighbours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from sync_server.web.alert_views import href_of, meter_href
from sync_server.web.labels import KINDS, label
from sync_server.web.meter_facts_store import Hung, Neighbour, Noted, Origin, RawReading
from sync_server.web.words import Words, age, mark, quantity

NOTE_KINDS: Mapping[str, str] = {
    "vacant": mark("vacant"),
    "exchanged": mark("exchanged"),
    "shut_off": mark("shut off"),
}

_SILENT_AFTER = 3
"""Intervals without a reading after which a meter is silent (METHODS 6.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A name with its value; `href` leads on, `tone` is warn or empty."""

    name: str
    value: str
    href: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRow:
    """A device with its time at the meter."""

    serial: str
    since: str
    until: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRow:
    """A reading as it came, in words."""

    at: str
    values: Sequence[str]
    quality: str
    profile: str
    groups: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighbourRow:
    """A neighbour: what it draws now, and whether it has an alert."""

    href: str
    meter_id: str
    address: str
    flow: str
    at: str
    alert_href: str
    alert: str
    priority: int


def origin_facts(
    origin: Origin | None, words: Words, now_utc: datetime, interval: timedelta
) -> Sequence[Fact]:
    """Return gateway, profile with revision and the last good reading; silence is marked."""
    if origin is None:
        return [Fact(name=words.gettext(mark("Last good reading")), value="—", tone="warn")]
    good = origin.valued_at_utc
    is_silent = good is None or now_utc - good > _SILENT_AFTER * interval
    told = "—" if good is None else f"{words.near_clock(good, now_utc)} · {age(now_utc - good)}"
    return [
        Fact(
            name=words.gettext(mark("Last good reading")),
            value=told,
            tone="warn" if is_silent else "",
        ),
        Fact(name=words.gettext(mark("Gateway")), value=origin.gateway_id, href="/gateways"),
        Fact(name=words.gettext(mark("Profile")), value=origin.profile or "—"),
    ]


def zone_facts(parents: Sequence[str], words: Words) -> Sequence[Fact]:
    """Return the balances that a meter is part of."""
    name = words.gettext(mark("Balance"))
    return [
        Fact(name=name, value=each, href=f"/balances/{quote(each, safe='')}") for each in parents
    ]


def device_rows(devices: Sequence[Hung], words: Words) -> Sequence[DeviceRow]:
    """Return the devices that hung at a meter, the newest first."""
    return [
        DeviceRow(
            serial=each.device_serial,
            since="" if each.from_utc is None else words.moment(each.from_utc),
            until="" if each.to_utc is None else words.moment(each.to_utc),
        )
        for each in devices
    ]


def note_rows(notes: Sequence[Noted], words: Words) -> Sequence[tuple[str, str, str]]:
    """Return (what, when, from whom) of the notes."""
    return [
        (
            label(words, NOTE_KINDS, each.kind),
            words.date(each.from_utc) + (f" – {words.date(each.to_utc)}" if each.to_utc else " –"),
            each.source,
        )
        for each in notes
    ]


def raw_rows(readings: Sequence[RawReading], words: Words) -> Sequence[RawRow]:
    """Return readings as they came."""
    return [
        RawRow(
            at=each.measured_at_utc.astimezone(words.zone).strftime("%Y-%m-%d %H:%M:%S"),
            values=[f"{name} {value!r}" for name, value in each.values],
            quality=" · ".join(part for part in (each.quality, each.time_quality) if part),
            profile=each.profile,
            groups=each.groups,
        )
        for each in readings
    ]


def neighbour_rows(
    neighbours: Sequence[Neighbour], words: Words, now_utc: datetime
) -> Sequence[NeighbourRow]:
    """Return the neighbours, those with an alert marked by it."""
    return [
        NeighbourRow(
            href=meter_href(each.meter_id),
            meter_id=each.meter_id,
            address=each.address,
            flow="—" if each.flow_max_m3h is None else quantity(each.flow_max_m3h, "m³/h"),
            at="" if each.hour_at_utc is None else words.near_clock(each.hour_at_utc, now_utc),
            alert_href=href_of(each.alert_id) if each.alert_id else "",
            alert=label(words, KINDS, each.kind) if each.kind else "",
            priority=each.priority,
        )
        for each in neighbours
    ]
