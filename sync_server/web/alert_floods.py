"""Decides which alerts of the list are one flood: many of one kind from one cause at one time.

The cause is the gateway where a line is in trouble, else the station or inflow that the meters lie
behind, else their community. A flood shows as one row, its most urgent alert, with how many follow
it. A gas safety alert is never in the list that is folded here: it is pinned above it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import groupby

from sync_server.web.alert_views import AlertLine
from wire_contracts.kinds import Kind

_OF_THE_LINE = frozenset({Kind.COMM_GAP, Kind.COMM_FROZEN, Kind.CLOCK_SHIFT})
"""Kinds whose cause is the way of the readings rather than the pipes."""


class Cause(StrEnum):
    """What the alerts of a flood share beside their kind."""

    GATEWAY = "gateway"
    STATION = "station"
    COMMUNITY = "community"


FLOOD_FROM = 5
"""Alerts that make a flood (judgement): a fifth of what a screen shows, one cause more likely."""

FLOOD_GAP = timedelta(minutes=60)
"""Alerts of one flood follow each other within the hour (judgement)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """The list with its floods folded.

    Attributes:
        lines: What is shown, in the order in which it came.
        followers: Alert id of a flood's row -> how many follow it.
        keys: Alert id of a flood's row -> the name under which it is opened.
    """

    lines: Sequence[AlertLine]
    followers: Mapping[str, int]
    keys: Mapping[str, str]


def fold_floods(lines: Sequence[AlertLine], opened: str) -> Folded:
    """Return the list; the flood named `opened` stays unfolded, its row says so all the same.

    `lines` come most urgent first; the first of a flood is its row.
    """
    rank = {each.alert_id: index for index, each in enumerate(lines)}
    hidden: set[str] = set()
    followers: dict[str, int] = {}
    keys: dict[str, str] = {}
    for flood in _floods(lines):
        head = min(flood, key=lambda each: rank[each.alert_id])
        followers[head.alert_id] = len(flood) - 1
        keys[head.alert_id] = flood_key(head)
        if flood_key(head) != opened:
            hidden |= {each.alert_id for each in flood} - {head.alert_id}
    return Folded(
        lines=[each for each in lines if each.alert_id not in hidden],
        followers=followers,
        keys=keys,
    )


def flood_key(line: AlertLine) -> str:
    """Return what the alerts of one flood share: kind and cause."""
    cause, name = cause_of(line)
    return f"{line.kind}~{name}" if cause is Cause.COMMUNITY else f"{line.kind}~{cause}~{name}"


def cause_of(line: AlertLine) -> tuple[Cause, str]:
    """Return the likeliest common cause of alerts like this one; its name may be empty."""
    if line.kind in _OF_THE_LINE and line.gateway_id:
        return Cause.GATEWAY, line.gateway_id
    if line.kind not in _OF_THE_LINE and line.station_id:
        return Cause.STATION, line.station_id
    return Cause.COMMUNITY, line.place_en


def _floods(lines: Sequence[AlertLine]) -> list[list[AlertLine]]:
    """Return the floods; an alert without a cause is in none."""
    placed = [each for each in lines if cause_of(each)[1]]
    found = []
    for _, same in groupby(sorted(placed, key=_by_key_and_time), key=flood_key):
        runs: list[list[AlertLine]] = []
        for each in same:
            is_near = runs and each.raised_at_utc - runs[-1][-1].raised_at_utc <= FLOOD_GAP
            if is_near:
                runs[-1].append(each)
            else:
                runs.append([each])
        found += [run for run in runs if len(run) >= FLOOD_FROM]
    return found


def _by_key_and_time(line: AlertLine) -> tuple[str, float]:
    return flood_key(line), line.raised_at_utc.timestamp()
