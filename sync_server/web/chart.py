"""The evidence chart as columns that the page's script draws: no decision is left to the script."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from itertools import pairwise

from wire_contracts.evidence import ChartPoint, Evidence
from wire_contracts.fields import JsonValue
from wire_contracts.frames import ms_from_utc
from wire_contracts.payloads import dump_json

NIGHT_FROM = time(2)
NIGHT_TO = time(5)
"""Hours of least use that the charts shade: DESIGN_WEB section 6, night 02-05."""

_MOST_BEHIND = 0.25
"""What happened after the last reading is drawn as far behind it as this share of the span."""

_GAP_FACTOR = 2.5
"""A step this much longer than the usual one is a gap and is drawn as one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartFlag:
    """Something that happened, as the chart and the list below it number it.

    `is_drawn` says whether it lies within what the chart shows.
    """

    number: int
    at_utc: datetime
    at: str
    words: str
    is_drawn: bool


def numbered(
    evidence: Evidence, happened: Sequence[tuple[datetime, str, str]], raised_at_utc: datetime
) -> Sequence[ChartFlag]:
    """Return what happened (moment, its words, what it was), ascending; 1 is where the rule looks.

    What was before the chart is left out; what came far behind it is in the list alone.
    """
    first, last = _ends(evidence, raised_at_utc)
    shown = sorted(each for each in happened if each[0] >= first)
    return [
        ChartFlag(number=number, at_utc=at_utc, at=at, words=words, is_drawn=at_utc <= last)
        for number, (at_utc, at, words) in enumerate(shown, start=2)
    ]


def _ends(evidence: Evidence, raised_at_utc: datetime) -> tuple[datetime, datetime]:
    moments = [each.at_utc for each in evidence.points] or [evidence.rule_from_utc]
    first, last = moments[0], max(moments[-1], raised_at_utc)
    return first, last + (last - first) * _MOST_BEHIND


def nights(from_utc: datetime, to_utc: datetime, zone: tzinfo) -> list[tuple[datetime, datetime]]:
    """Return the stretches 02:00 to 05:00 of the site's zone that touch the span, ascending."""
    day = from_utc.astimezone(zone).date() - timedelta(days=1)
    last = to_utc.astimezone(zone).date()
    found: list[tuple[datetime, datetime]] = []
    while day <= last:
        begins = datetime.combine(day, NIGHT_FROM, tzinfo=zone)
        ends = datetime.combine(day, NIGHT_TO, tzinfo=zone)
        if ends > from_utc and begins < to_utc:
            found.append((begins, ends))
        day += timedelta(days=1)
    return found


def with_gaps(points: Sequence[ChartPoint]) -> list[ChartPoint]:
    """Return the points with an empty one inside every long pause, so that no line crosses it."""
    steps = sorted(later.at_utc - earlier.at_utc for earlier, later in pairwise(points))
    if not steps:
        return list(points)
    longest = steps[len(steps) // 2] * _GAP_FACTOR
    spread: list[ChartPoint] = [points[0]]
    for earlier, later in pairwise(points):
        if later.at_utc - earlier.at_utc > longest:
            middle = earlier.at_utc + (later.at_utc - earlier.at_utc) / 2
            spread.append(ChartPoint(at_utc=middle, observed=None))
        spread.append(later)
    return spread


def _seconds(moment: datetime) -> JsonValue:
    return ms_from_utc(moment) / 1000


def chart_json(evidence: Evidence, zone: tzinfo, flags: Sequence[ChartFlag] = ()) -> str:
    """Return the chart of an alert as JSON text; times in seconds since 1970.

    `t, y, low, high` are columns, `bad` repeats `y` where the rule looked, `limit` is the limit of
    the triggering number when it is of the chart's unit, `flags` number and moment of what
    happened; what happened behind the last reading widens the chart, without a value.
    """
    drawn = [each for each in flags if each.is_drawn]
    points = with_gaps(evidence.points)
    behind = max((each.at_utc for each in drawn), default=None)
    if points and behind is not None and behind > points[-1].at_utc:
        points.append(ChartPoint(at_utc=behind, observed=None))
    looked = [evidence.rule_from_utc <= each.at_utc <= evidence.rule_to_utc for each in points]
    limits = [
        number.limit
        for number in evidence.numbers
        if number.is_trigger and number.limit is not None and number.unit == evidence.unit
    ]
    spans = nights(points[0].at_utc, points[-1].at_utc, zone) if points else []
    shaded: list[JsonValue] = [[_seconds(begins), _seconds(ends)] for begins, ends in spans]
    return dump_json(
        {
            "unit": evidence.unit,
            "t": [_seconds(each.at_utc) for each in points],
            "y": [each.observed for each in points],
            "low": [each.expected_low for each in points],
            "high": [each.expected_high for each in points],
            "bad": [
                each.observed if is_looked else None
                for each, is_looked in zip(points, looked, strict=True)
            ],
            "rule": [_seconds(evidence.rule_from_utc), _seconds(evidence.rule_to_utc)],
            "limit": limits[0] if limits else None,
            "nights": shaded,
            "flags": [[each.number, _seconds(each.at_utc)] for each in drawn],
        }
    ).decode()
