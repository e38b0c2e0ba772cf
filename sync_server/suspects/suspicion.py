"""Decides which meters are suspect in a month, how much, and why."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sync_server.assets.assets import MeterClass
from wire_contracts.kinds import FAMILY, Family, FindingResult, Kind
from wire_contracts.quantities import Medium


class Reason(StrEnum):
    """Why a meter is on the list."""

    ALERT = "alert"
    NO_USE = "no_use"
    FELL = "fell"
    ROSE = "rose"
    BACKWARDS = "backwards"
    NO_READING = "no_reading"


LEAST_USUAL_M3 = 1.0
"""A meter that usually uses less in a month says nothing by using nothing: an empty flat."""

FALL, RISE = 0.5, 2.0
"""Below half or above twice the usual: judgement. Monthly use of one home varies by about a third
(seed plan of the demo town), and the weather is not known here."""

LEAST_RISE_M3 = 2.0
"""And by at least so much, so that a tap in an almost empty flat is no suspicion."""

_WEIGHTS: dict[Reason, float] = {
    Reason.BACKWARDS: 3.0,
    Reason.NO_USE: 2.0,
    Reason.FELL: 1.0,
    Reason.ROSE: 1.0,
    Reason.NO_READING: 0.5,
}
"""Points that order the list: what cannot be comes first. An alert counts its score, 1 to 5."""

_MOST_ALERT = 5.0

_OF_THE_LINE = frozenset({Kind.COMM_GAP, Kind.CLOCK_SHIFT})
"""A silent line and a wrong clock say nothing of leakage or metering."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthAlert:
    """An alert that was raised in the month, or still stood in it."""

    kind: Kind
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterMonths:
    """One meter's use: `used_m3` of the month, then of the months before, newest first.

    None: not known, because a reading is missing at one end.
    """

    meter_id: str
    medium: Medium
    meter_class: MeterClass
    address: str
    used_m3: float | None
    before_m3: Sequence[float | None]
    alerts: Sequence[MonthAlert] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """One reason with its weight; `kind` names the alert."""

    reason: Reason
    weight: float
    kind: Kind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A meter on the list, the reasons by weight."""

    meter_id: str
    medium: Medium
    meter_class: MeterClass
    address: str
    used_m3: float | None
    usual_m3: float | None
    score: float
    reasons: Sequence[Suspicion]

    @property
    def is_leak_likely(self) -> bool:
        """Whether the crew is to look for a leak first, rather than at the meter."""
        first = self.reasons[0]
        is_excess = first.kind is not None and FAMILY[first.kind] in {
            Family.EXCESS,
            Family.NETWORK,
        }
        return is_excess or first.reason is Reason.ROSE


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What became of the check: its order, and what the crew found."""

    order_id: str
    number: str
    result: FindingResult | None


def rank(meters: Iterable[MeterMonths], most: int) -> Sequence[Suspect]:
    """Return the suspect meters, the most suspect first, at most so many."""
    found = [suspect for meter in meters if (suspect := _judge(meter)) is not None]
    return sorted(found, key=lambda each: (-each.score, each.meter_id))[:most]


def usual_of(months: MeterMonths) -> float | None:
    """Return what the meter usually uses: the same month of last year, else what fits best.

    Where that month is not known its season is told by the month before and the one after of last
    year: of their mean and the median of all months the one nearer to what was used, so that the
    beginning of the heating season is no suspicion. None with fewer than three known months.
    """
    same = _month(months, _A_YEAR)
    if same is not None:
        return same
    known = sorted(value for value in months.before_m3 if value is not None)
    if len(known) < _FEWEST_MONTHS:
        return None
    median, used_m3 = known[len(known) // 2], months.used_m3
    before, behind = _month(months, 1), _month(months, _A_YEAR - 1)
    if before is None or behind is None or used_m3 is None:
        return median
    return min(median, (before + behind) / 2, key=lambda each: abs(each - used_m3))


_A_YEAR, _FEWEST_MONTHS = 12, 3


def _month(months: MeterMonths, ago: int) -> float | None:
    """Return the use of so many months ago, None when it is not known."""
    return months.before_m3[ago - 1] if ago <= len(months.before_m3) else None


def _judge(months: MeterMonths) -> Suspect | None:
    usual = usual_of(months)
    reasons = [*_from_alerts(months.alerts), *_from_use(months.used_m3, usual)]
    if not reasons:
        return None
    reasons.sort(key=lambda each: (-each.weight, each.reason))
    return Suspect(
        meter_id=months.meter_id,
        medium=months.medium,
        meter_class=months.meter_class,
        address=months.address,
        used_m3=months.used_m3,
        usual_m3=usual,
        score=round(sum(each.weight for each in reasons), 2),
        reasons=reasons,
    )


def _from_alerts(alerts: Sequence[MonthAlert]) -> list[Suspicion]:
    strongest: dict[Kind, float] = {}
    for alert in alerts:
        if alert.kind in _OF_THE_LINE:
            continue
        strongest[alert.kind] = max(strongest.get(alert.kind, 0.0), alert.score)
    return [
        Suspicion(reason=Reason.ALERT, weight=min(max(score, 1.0), _MOST_ALERT), kind=kind)
        for kind, score in strongest.items()
    ]


def _from_use(used_m3: float | None, usual_m3: float | None) -> list[Suspicion]:
    reason = _reason_of(used_m3, usual_m3)
    if reason is None:
        return []
    weight = _WEIGHTS[reason]
    if reason is Reason.ROSE and used_m3 is not None and usual_m3:
        weight *= min(used_m3 / usual_m3 / RISE, 3.0)
    return [Suspicion(reason=reason, weight=round(weight, 2))]


def _reason_of(used_m3: float | None, usual_m3: float | None) -> Reason | None:
    if used_m3 is None:
        return Reason.NO_READING if usual_m3 is not None else None
    if used_m3 < 0:
        return Reason.BACKWARDS
    if usual_m3 is None or usual_m3 < LEAST_USUAL_M3:
        return None
    if used_m3 == 0:
        return Reason.NO_USE
    if used_m3 < FALL * usual_m3:
        return Reason.FELL
    is_rise = used_m3 > RISE * usual_m3 and used_m3 - usual_m3 >= LEAST_RISE_M3
    return Reason.ROSE if is_rise else None
