"""Decides what the alerts of a period say about the load of an operator and the worth of a rule.

The terms are those of ISA-18.2 / IEC 62682, the level of a bearable rate that of EEMUA 191
(docs/sources.md). Our detectors look once an hour; "chattering" is counted over a day, therefore,
and not over a minute.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wire_contracts.kinds import Kind, Label
from wire_contracts.quantities import Medium

BEARABLE_PER_HOUR = 6.0
"""One alarm in ten minutes for one operator (EEMUA 191, docs/sources.md)."""

FLOOD_WINDOW = timedelta(minutes=10)
FLOOD_COUNT = 10
"""More than ten alarms within ten minutes are a flood (ISA-18.2)."""

CHATTERS_FROM = 3
CHATTERS_WITHIN = timedelta(hours=24)
"""The same meter and kind raised so often within a day (judgement, see the module)."""

STALE_AFTER = timedelta(hours=24)
"""An alert that stands so long is stale (ISA-18.2)."""

WORST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class RaisedAlert:
    """One alert of the period.

    `over_at_utc`: when it returned to normal, None while it stands. `label`: what the crew's
    finding made of it.
    """

    alert_id: str
    meter_id: str
    medium: Medium
    kind: Kind
    rule: str
    priority: int
    raised_at_utc: datetime
    acknowledged_at_utc: datetime | None
    over_at_utc: datetime | None
    label: Label


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Who held the desk from when to when (to exclusive)."""

    account_id: str
    from_utc: datetime
    to_utc: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorLoad:
    """What one person had to bear: alerts while on watch, and hours of it."""

    account_id: str
    hours: float
    raised: int
    acknowledged: int

    @property
    def per_hour(self) -> float | None:
        """Alerts in an hour of watch; None without a watch."""
        return self.raised / self.hours if self.hours > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offender:
    """One meter and kind, how often it was raised, and which part of all that is."""

    meter_id: str
    medium: Medium
    kind: Kind
    raised: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AckTime:
    """Times to acknowledge of one priority; None where nobody acknowledged any."""

    priority: int
    raised: int
    acknowledged: int
    median: timedelta | None
    slowest_of_20: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleWorth:
    """One rule on one medium: raised, looked at by a crew, found false.

    `false_per_1000_days`: false alerts per 1000 meters and day; None without meters or time.
    """

    rule: str
    kind: Kind
    medium: Medium
    raised: int
    checked: int
    false: int
    false_per_1000_days: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Alerts in time: of each hour (its start, how many), and what the hours say."""

    hours: Sequence[tuple[datetime, int]]
    raised: int
    per_hour: float | None
    busiest: int
    hours_above: int
    floods: int


def load_of(alerts: Iterable[RaisedAlert], from_utc: datetime, to_utc: datetime) -> Load:
    """Return the alerts by hour of the span; `per_hour` is None for an empty span."""
    moments = sorted(each.raised_at_utc for each in alerts)
    count = -(-(to_utc - from_utc) // timedelta(hours=1))
    by_hour = Counter((moment - from_utc) // timedelta(hours=1) for moment in moments)
    hours = [(from_utc + timedelta(hours=index), by_hour[index]) for index in range(count)]
    elapsed_h = (to_utc - from_utc) / timedelta(hours=1)
    return Load(
        hours=hours,
        raised=len(moments),
        per_hour=len(moments) / elapsed_h if elapsed_h > 0 else None,
        busiest=max((number for _, number in hours), default=0),
        hours_above=sum(number > BEARABLE_PER_HOUR for _, number in hours),
        floods=_floods(moments),
    )


def _floods(moments: Sequence[datetime]) -> int:
    """Return how many separate stretches began with more than ten alarms in ten minutes."""
    floods, ended_at = 0, None
    for index in range(FLOOD_COUNT, len(moments)):
        first, last = moments[index - FLOOD_COUNT], moments[index]
        if last - first > FLOOD_WINDOW:
            continue
        if ended_at is None or first > ended_at:
            floods += 1
        ended_at = last
    return floods


def loads_of_operators(
    alerts: Sequence[RaisedAlert], watches: Sequence[Watch], acknowledged: Mapping[str, int]
) -> Sequence[OperatorLoad]:
    """Return each operator's load, the longest watch first.

    `acknowledged` is account id -> alerts acknowledged in the period, on watch or not.
    """
    hours: Counter[str] = Counter()
    raised: Counter[str] = Counter()
    for watch in watches:
        hours[watch.account_id] += round((watch.to_utc - watch.from_utc).total_seconds())
        raised[watch.account_id] += sum(
            watch.from_utc <= each.raised_at_utc < watch.to_utc for each in alerts
        )
    people = sorted({*hours, *acknowledged}, key=lambda who: (-hours[who], who))
    return [
        OperatorLoad(
            account_id=who,
            hours=hours[who] / 3600,
            raised=raised[who],
            acknowledged=acknowledged.get(who, 0),
        )
        for who in people
    ]


def bad_actors(alerts: Sequence[RaisedAlert]) -> Sequence[Offender]:
    """Return the ten meters and kinds that were raised most, the worst first."""
    media = {each.meter_id: each.medium for each in alerts}
    counts = Counter((each.meter_id, each.kind) for each in alerts)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:WORST]
    return [
        Offender(
            meter_id=meter_id,
            medium=media[meter_id],
            kind=kind,
            raised=count,
            share=count / len(alerts),
        )
        for (meter_id, kind), count in ranked
    ]


def chattering(alerts: Iterable[RaisedAlert]) -> Sequence[tuple[str, Kind, int]]:
    """Return (meter, kind, most within a day) of what came and went, the worst first."""
    moments: dict[tuple[str, Kind], list[datetime]] = {}
    for each in alerts:
        moments.setdefault((each.meter_id, each.kind), []).append(each.raised_at_utc)
    found = [
        (meter_id, kind, most)
        for (meter_id, kind), raised in moments.items()
        if (most := _most_within_a_day(sorted(raised))) >= CHATTERS_FROM
    ]
    return sorted(found, key=lambda each: (-each[2], each[0], each[1]))


def _most_within_a_day(moments: Sequence[datetime]) -> int:
    first = most = 0
    for index, moment in enumerate(moments):
        while moment - moments[first] > CHATTERS_WITHIN:
            first += 1
        most = max(most, index - first + 1)
    return most


def stale(alerts: Iterable[RaisedAlert], now_utc: datetime) -> Sequence[RaisedAlert]:
    """Return the alerts that have stood longer than a day, the oldest first."""
    found = [
        each
        for each in alerts
        if each.over_at_utc is None and now_utc - each.raised_at_utc > STALE_AFTER
    ]
    return sorted(found, key=lambda each: (each.raised_at_utc, each.alert_id))


def ack_times(alerts: Iterable[RaisedAlert]) -> Sequence[AckTime]:
    """Return the times to acknowledge by priority, the most urgent first."""
    by_priority: dict[int, list[RaisedAlert]] = {}
    for each in alerts:
        by_priority.setdefault(each.priority, []).append(each)
    return [_ack_time(priority, by_priority[priority]) for priority in sorted(by_priority)]


def _ack_time(priority: int, alerts: Sequence[RaisedAlert]) -> AckTime:
    took = sorted(
        each.acknowledged_at_utc - each.raised_at_utc
        for each in alerts
        if each.acknowledged_at_utc is not None
    )
    return AckTime(
        priority=priority,
        raised=len(alerts),
        acknowledged=len(took),
        median=took[(len(took) - 1) // 2] if took else None,
        slowest_of_20=took[-(-len(took) * 19 // 20) - 1] if took else None,
    )


def rule_worths(
    alerts: Iterable[RaisedAlert], meters: Mapping[Medium, int], days: float
) -> Sequence[RuleWorth]:
    """Return each rule's false alerts per 1000 meters and day, the worst first.

    Args:
        alerts: Those of the period.
        meters: How many meters of each medium are watched.
        days: How long the period has lasted.
    """
    found: dict[tuple[str, Kind, Medium], list[Label]] = {}
    for each in alerts:
        found.setdefault((each.rule, each.kind, each.medium), []).append(each.label)
    worths = [
        RuleWorth(
            rule=rule,
            kind=kind,
            medium=medium,
            raised=len(labels),
            checked=sum(label is not Label.NONE for label in labels),
            false=(false := sum(label is Label.FALSE for label in labels)),
            false_per_1000_days=_per_1000_days(false, meters.get(medium, 0), days),
        )
        for (rule, kind, medium), labels in found.items()
    ]
    return sorted(worths, key=lambda each: (-(each.false_per_1000_days or 0), -each.raised))


def _per_1000_days(count: int, meters: int, days: float) -> float | None:
    return count / (meters / 1000 * days) if meters and days > 0 else None
