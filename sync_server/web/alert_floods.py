"""Decides which alerts of the list are one flood: many of one kind from one place at one time.

A flood shows as one row, its most urgent alert, with how many follow it. A gas safety alert is
never in the list that is folded here: it is pinned above it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

from sync_server.web.alert_views import AlertLine

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
    """Return what the alerts of one flood share: kind and community."""
    return f"{line.kind}~{line.place_en}"


def _floods(lines: Sequence[AlertLine]) -> list[list[AlertLine]]:
    """Return the floods; an alert without a community is in none."""
    placed = [each for each in lines if each.place_en]
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
