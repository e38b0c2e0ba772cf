"""What of a driver's knowledge outlasts a restart of the gateway, as JSON and back.

Only what costs values to learn again, and what the meter's first answers can contradict.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from edge_gateway.links.followed_values import lasting
from edge_gateway.links.learnt import (
    NO_TOTALS,
    Cjt188Learnt,
    FoundOrder,
    Learnt,
    MbusLearnt,
    ModbusLearnt,
    Totals,
)
from firmware_profiles.byte_order import ByteOrder
from firmware_profiles.rates import Point, Rival, Trail
from wire_contracts.fields import FieldReader, JsonObject
from wire_contracts.frames import ms_from_utc, utc_from_ms
from wire_contracts.quantities import TOTALISERS, Quantity

LONGEST = 1000
"""Characters of a URL, or of anything else in the file."""

_MILLISECOND = timedelta(milliseconds=1)
_LATEST_MS = 253_402_214_400_000
"""The last day of the year 9999, in milliseconds of Unix time."""

_MOST_POLLS = 1_000_000_000
"""More than one poll a second in thirty years."""


class _Kind(StrEnum):
    """Whose knowledge an entry is, where nothing else in it says so."""

    MODBUS = "modbus"
    MBUS = "mbus"


_ORDER = "order"
_BELIEVED = "believed"
_SWAPPED = "swapped"
_SHOWN = "shown"
_TOTALS = "totals"
_RIVAL = "rival"
_BEFORE = "before"
_KIND = "kind"


class MeterKey(NamedTuple):
    """Of whom something is known: another line, device or address is another meter.

    Attributes:
        url: The line, as the settings write it.
        serial: Serial number of the device.
        device_address: Where it answers, as the settings write it.
    """

    url: str
    serial: str
    device_address: str


def kept_of(learnt: Learnt) -> Learnt | None:
    """Return the part that is kept over a restart, None when there is none."""
    kept = replace(_lasting(learnt), totals=lasting(learnt.totals))
    return None if kept in _NOTHING else kept


def _lasting(learnt: Learnt) -> Learnt:
    if isinstance(learnt, ModbusLearnt):
        return ModbusLearnt(found=_readable(learnt.found))
    if isinstance(learnt, MbusLearnt):
        return MbusLearnt(believed=learnt.believed)
    return learnt


_NOTHING = (ModbusLearnt(), MbusLearnt(), Cjt188Learnt(is_swapped=False))


def _readable(found: FoundOrder | None) -> FoundOrder | None:
    """Return an order without what a meter said of itself that cannot be read back."""
    if found is None:
        return None
    shown = {name: text for name, text in found.shown.items() if 0 < len(text) <= LONGEST}
    return replace(found, shown=shown)


def is_same_but_grown(before: Learnt, after: Learnt) -> bool:
    """Return whether nothing has changed but the values of totals, as they do with every poll.

    A total whose doubt has ended is news: a restart must not begin it again.
    """
    if _without_values(before) != _without_values(after):
        return False
    now = after.totals.trails
    return not any(
        trail.rival is not None and now[name].rival is None
        for name, trail in before.totals.trails.items()
    )


def _without_values(kept: Learnt) -> Learnt:
    trails = dict.fromkeys(kept.totals.trails, _ANY)
    return replace(kept, totals=replace(kept.totals, trails=trails))


_ANY = Trail(Point(utc_from_ms(0), 0.0))


def kept_json(key: MeterKey, kept: Learnt) -> JsonObject:
    """Return one entry of the file."""
    named = {"url": key.url, "serial": key.serial, "address": key.device_address}
    totals = {} if kept.totals == NO_TOTALS else {_TOTALS: _totals_json(kept.totals)}
    return {**named, **_content(kept), **totals}


def _content(kept: Learnt) -> JsonObject:
    if isinstance(kept, Cjt188Learnt):
        shown = {_SHOWN: kept.shown} if kept.shown else {}
        return {_SWAPPED: kept.is_swapped, **shown}
    if isinstance(kept, MbusLearnt):
        return {_BELIEVED: kept.believed} if kept.believed else {_KIND: _Kind.MBUS.value}
    found = kept.found
    if found is None:
        return {_KIND: _Kind.MODBUS.value}
    order = {"profile": found.profile, "is": found.order.value, "shown": dict(found.shown)}
    return {_ORDER: order}


def _totals_json(totals: Totals) -> JsonObject:
    known = {name.value: _trail_json(trail) for name, trail in totals.trails.items()}
    return {"of": totals.of, "known": {**known}}


def _trail_json(trail: Trail) -> JsonObject:
    before = {} if trail.before is None else {_BEFORE: trail.before}
    rival = {} if trail.rival is None else {_RIVAL: _rival_json(trail.rival)}
    return {**_point_json(trail.believed), **before, **rival}


def _rival_json(rival: Rival) -> JsonObject:
    return {
        **_point_json(rival.last),
        "polls": min(rival.polls, _MOST_POLLS),
        "held_ms": min(rival.held // _MILLISECOND, _LATEST_MS),
        "fell": rival.is_fall,
        "back": rival.is_back,
    }


def _point_json(point: Point) -> JsonObject:
    return {"is": point.value, "at": ms_from_utc(point.at_utc)}


def parse_kept(entry: FieldReader) -> tuple[MeterKey, Learnt]:
    """Return one entry of the file.

    Raises:
        ContractError: It is something else.
    """
    key = MeterKey(
        url=entry.text("url", longest=LONGEST),
        serial=entry.text("serial", longest=LONGEST),
        device_address=entry.text("address", longest=LONGEST),
    )
    totals = _totals(entry.object(_TOTALS)) if entry.has(_TOTALS) else NO_TOTALS
    return key, replace(_parsed_content(entry), totals=totals)


def _parsed_content(entry: FieldReader) -> Learnt:
    if entry.has(_KIND):
        kind = entry.choice(_KIND, _Kind)
        return ModbusLearnt() if kind is _Kind.MODBUS else MbusLearnt()
    if entry.has(_BELIEVED):
        return MbusLearnt(believed=entry.text(_BELIEVED))
    if entry.has(_SWAPPED):
        is_swapped = entry.boolean(_SWAPPED)
        return Cjt188Learnt(is_swapped=is_swapped, shown=entry.text_or_empty(_SHOWN))
    order = entry.object(_ORDER)
    shown = order.object("shown")
    names = shown.values
    found = FoundOrder(
        profile=order.text("profile"),
        order=order.choice("is", ByteOrder),
        shown={name: shown.text(name, longest=LONGEST) for name in names},
    )
    return ModbusLearnt(found=found)


def _totals(entry: FieldReader) -> Totals:
    known = entry.object("known")
    trails: dict[Quantity, Trail] = {}
    for name in known.values:
        trail = _trail(known.object(name))
        if name in TOTALISERS:
            trails[Quantity(name)] = trail
    return Totals(of=entry.text_or_empty("of", longest=LONGEST), trails=trails)


def _trail(entry: FieldReader) -> Trail:
    before = entry.number(_BEFORE) if entry.has(_BEFORE) else None
    rival = _rival(entry.object(_RIVAL)) if entry.has(_RIVAL) else None
    return Trail(_point(entry), rival, before)


def _rival(entry: FieldReader) -> Rival:
    return Rival(
        _point(entry),
        polls=entry.integer("polls", low=1, high=_MOST_POLLS),
        is_fall=entry.boolean("fell"),
        is_back=entry.boolean("back"),
        held=timedelta(milliseconds=entry.integer("held_ms", low=0, high=_LATEST_MS)),
        is_kept=True,
    )


def _point(entry: FieldReader) -> Point:
    at_utc = utc_from_ms(entry.integer("at", low=0, high=_LATEST_MS))
    return Point(at_utc, entry.number("is"))


Kept = Mapping[MeterKey, Learnt]
"""What is kept, the meter that was learnt last at the end."""
