"""What one register group of a meter brought: values, or why there are none."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog
from structlog.typing import FilteringBoundLogger

from edge_gateway.links.answers import Fault, FaultKind
from edge_gateway.links.driver import JobRead, Notice
from edge_gateway.links.followed_values import Poll, followed
from edge_gateway.links.heard import Heard
from edge_gateway.links.later_values import LaterValues
from edge_gateway.links.meter_reading import GroupRead
from edge_gateway.links.modbus_unit import CHECKED_AGAIN_AFTER, Unit
from firmware_profiles.counters import with_counters
from firmware_profiles.decode import Decoded, decode_group, doubted_by
from firmware_profiles.errors import WordsError
from firmware_profiles.profile import Profile, group_registers
from firmware_profiles.word_orders import OrderSign, order_sign
from firmware_profiles.words import BlockImage, WordAddress, pack_block, pack_words
from wire_contracts.quality import (
    BAD_MISMATCH,
    BAD_PROFILE,
    BAD_TIMEOUT,
    SUSPECT_RANGE,
    QualityCode,
)
from wire_contracts.quantities import TOTALISERS, Quantity

USUAL_GROWTH = 1.01
"""A total that has grown by no more between two polls is the same total: by chance one in a wrong
byte order lies so near in a thousandth of all cases (judgement)."""

GROWTH_OF_DAYS = 2.0
"""The same of a total that was believed more than a day ago: one float in 500 (judgement)."""

FIRST_GROWTH_PER_HOUR = 10_000.0
"""Canonical units (m3, kWh) that a total of a meter whose order was shown may grow by in an hour,
whatever it was: that of a new meter doubles with its second poll (judgement; in a wrong order one
float in 15 lies by chance between zero and this, one in 100 between 500 and this above it)."""

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)

_AS_BEFORE = frozenset({OrderSign.UNTOLD, OrderSign.OPEN})
"""What neither speaks for the order nor against it."""

_LOG: FilteringBoundLogger = structlog.get_logger()


class Told(NamedTuple):
    """What goes with a job beside its words; one is made for each frame.

    Attributes:
        at_utc: When it was read.
        notices: What the server is told.
        has_decided: Whether the meter was asked just before, and its answers decided the order.
    """

    at_utc: datetime
    notices: Sequence[Notice] = ()
    has_decided: bool = False


def known(read: JobRead) -> Heard:
    """Return a job that left nothing to work out."""
    return Heard(has_answered=read.has_answered, is_link_down=read.is_link_down, read=lambda: read)


def absent(unit: Unit, group: str, fault: Fault) -> JobRead:
    """Return the job of a meter that said nothing when it was asked what it is."""
    unit.pace.missed()
    return JobRead(
        quality=_all_bad(unit.meter.profile, group, BAD_TIMEOUT),
        has_answered=False,
        is_link_down=fault.kind is FaultKind.LINK_DOWN,
        faults=(fault,),
        profile=unit.meter.profile.reference,
    )


def mistaken(unit: Unit, group: str, notices: Sequence[Notice]) -> JobRead:
    """Return the job of a meter that is not what the settings say: nothing is guessed.

    One that refused everything has not said that it is another: its exception is the quality.
    """
    unit.pace.misses = 0
    quality = unit.refusal or BAD_MISMATCH
    return JobRead(
        quality=_all_bad(unit.meter.profile, group, quality),
        has_answered=True,
        faults=[
            Fault(kind=FaultKind.MISMATCH, quality=quality, detail=each)
            for each in unit.contradictions
        ],
        profile=unit.meter.profile.reference,
        notices=notices,
    )


def _all_bad(profile: Profile, group: str, code: QualityCode) -> Mapping[Quantity, QualityCode]:
    registers = group_registers(profile, group)
    return {register.wire: code for register in registers if register.wire is not None}


def job_read(unit: Unit, group: str, read: GroupRead, told: Told) -> JobRead:
    """Return what the words of a group mean, and why others are missing."""
    meter = unit.meter
    changed = _changed_settings(unit, group, read)
    decoded = _decoded(unit, group, read)
    certain = _certain(unit, group, read, decoded)
    certain = _in_known_order(unit, certain, read, told)
    is_torn = bool(changed) or certain.quality != decoded.quality
    decoded = certain
    if changed:
        decoded = _without_torn(meter.profile, group, decoded, changed)
    decoded, told = _compared(unit, decoded, told)
    return JobRead(
        values=decoded.values,
        quality=decoded.quality,
        events=decoded.events,
        raw=None if is_torn else _raw(read),
        local=LaterValues(decoded.local_of),
        has_answered=read.has_answered,
        is_link_down=read.is_link_down,
        faults=read.troubles,
        profile=meter.profile.reference,
        meter_clock=decoded.clock,
        notices=told.notices,
    )


def _changed_settings(unit: Unit, group: str, read: GroupRead) -> frozenset[WordAddress]:
    """Return the words of settings that are not as they were at the last poll.

    A value may have been read before its multiplier was changed, in another request.
    """
    plan = read.plan
    if not plan.settings or len(plan.requests) == 1:
        return frozenset()
    before = unit.settings.get(group, {})
    now = {at: read.words[at] for at in plan.settings if at in read.words}
    unit.settings[group] = {**before, **now}
    return frozenset(at for at, word in now.items() if before.get(at, word) != word)


def _without_torn(
    profile: Profile, group: str, decoded: Decoded, changed: frozenset[WordAddress]
) -> Decoded:
    """Return the poll without the values whose settings were changed since the last one."""
    torn = {
        register.wire: BAD_MISMATCH
        for register in group_registers(profile, group)
        if register.wire is not None
        and any(
            not changed.isdisjoint(profile.registers[name].span.addresses())
            for name in register.companions.settings()
        )
    }
    values = {name: value for name, value in decoded.values.items() if name not in torn}
    return replace(decoded, values=values, quality={**decoded.quality, **torn})


def _compared(unit: Unit, decoded: Decoded, told: Told) -> tuple[Decoded, Told]:
    """Hold a poll against those before: counts that rose, totals that fell, values too fast."""
    if decoded.counters:
        decoded = with_counters(unit.meter.profile, decoded, unit.counts)
        unit.counts = {**unit.counts, **decoded.counters}
    if not unit.rules:
        return decoded, told
    poll = Poll(unit.meter.serial, decoded.values, decoded.quality, told.at_utc)
    found = followed(unit.rules, unit.trails, poll)
    unit.trails = found.trails
    if found.quality != decoded.quality:
        decoded = replace(decoded, quality=found.quality)
    if found.notices:
        told = told._replace(notices=(*told.notices, *found.notices))
    return decoded, told


def _in_known_order(unit: Unit, decoded: Decoded, read: GroupRead, told: Told) -> Decoded:
    """Return the poll without values where its own words speak against the byte order found.

    The meter is then asked with the next job. A poll is good where its words decide the order, or a
    total goes on from where it was: in another order it would be anywhere. Where this run has shown
    the order, one that fits it is as good as the last, as long as no total has left its trail.
    """
    order = unit.meter.profile.probed_order
    if order is None or not unit.stated.order_candidates:
        return decoded
    sign = order_sign(unit.witness, order, read.words)
    if sign is OrderSign.CONTRADICTED:
        return _in_another_order(unit, decoded, told)
    totals = _telling(unit, decoded)
    is_decided = sign is OrderSign.HOLDS or (told.has_decided and sign is not OrderSign.DOUBTED)
    if is_decided or _goes_on(unit, decoded, totals, told.at_utc):
        unit.is_order_shown = True
        return decoded
    is_as_before = unit.is_order_shown and sign in _AS_BEFORE
    if is_as_before and _may_go_on(unit, decoded, totals, told.at_utc):
        return decoded
    if totals or sign is OrderSign.DOUBTED:
        unit.is_order_shown = False
        unit.checked_at_utc = told.at_utc - CHECKED_AGAIN_AFTER
    doubts = dict.fromkeys(decoded.values, SUSPECT_RANGE)
    return replace(decoded, quality={**doubts, **decoded.quality})


def _in_another_order(unit: Unit, decoded: Decoded, told: Told) -> Decoded:
    """Return the poll without values, because its words decide another order."""
    unit.is_order_shown = False
    unit.checked_at_utc = told.at_utc - CHECKED_AGAIN_AFTER
    quality = {**decoded.quality, **dict.fromkeys(decoded.values, BAD_MISMATCH)}
    return replace(decoded, values={}, quality=quality, local_of=dict, counters={}, clock=None)


def _telling(unit: Unit, decoded: Decoded) -> Collection[Quantity]:
    """Return the totals that can go on from where they were; a zero behind a zero tells nothing."""
    return [
        name
        for name in TOTALISERS & unit.trails.keys() & decoded.values.keys()
        if decoded.values[name] or unit.trails[name].believed.value
    ]


def _goes_on(unit: Unit, decoded: Decoded, totals: Collection[Quantity], at_utc: datetime) -> bool:
    """Return whether one of these totals goes on from where it was."""
    for name in totals:
        was = unit.trails[name].believed
        growth = USUAL_GROWTH if at_utc - was.at_utc < _DAY else GROWTH_OF_DAYS
        if 0 < was.value <= decoded.values[name] <= growth * was.value:
            return True
    return False


def _may_go_on(
    unit: Unit, decoded: Decoded, totals: Collection[Quantity], at_utc: datetime
) -> bool:
    """Return whether every one of these totals has grown by no more than one that runs may.

    One that is no number of a meter has not: in a wrong order a whole number is next to zero.
    """
    for name in totals:
        if decoded.quality.get(name) == SUSPECT_RANGE:
            return False
        was = unit.trails[name].believed
        hours = min(max(at_utc - was.at_utc, _HOUR), _DAY) / _HOUR
        if not 0 <= decoded.values[name] - was.value <= FIRST_GROWTH_PER_HOUR * hours:
            return False
    return True


def _certain(unit: Unit, group: str, read: GroupRead, decoded: Decoded) -> Decoded:
    """Return the poll in which a fault that was there ahead of a value or behind it counts."""
    for look in read.looks:
        if not look.faults and look.words.items() <= read.words.items():
            continue
        words = {at: word for at, word in read.words.items() if at not in look.faults}
        words.update(look.words)
        then = read._replace(words=words, faults={**read.faults, **look.faults})
        decoded = doubted_by(decoded, _decoded(unit, group, then))
    return decoded


def _decoded(unit: Unit, group: str, read: GroupRead) -> Decoded:
    """Return the values; words that the profile failed on leave `bad_profile` and stay in raw."""
    meter = unit.meter
    try:
        return decode_group(meter.profile, group, read.words, read.faults, unit.identity)
    except Exception:  # noqa: BLE001  # one meter's profile must not stop the whole link
        _LOG.exception("meter.undecodable", device=meter.serial, group=group)
    quality = _all_bad(meter.profile, group, BAD_PROFILE)
    return Decoded(values={}, quality=quality, events=())


def _raw(read: GroupRead) -> bytes | None:
    """Return the packed words, or None when there are none or more than a frame may carry."""
    if not read.words:
        return None
    try:
        if isinstance(read.words, BlockImage):
            return pack_block(read.words.block, read.words.words)
        return pack_words(read.words)
    except WordsError:
        return None
