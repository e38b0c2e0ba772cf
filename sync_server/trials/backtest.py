"""Decides what another version of the rules would have found, lost and raised in vain."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from wire_contracts.kinds import FAMILY, Kind

SAME_S = 3 * 86_400
"""Alerts of one meter and family that began within three days are the same one (judgement)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialAlert:
    """One alert of either side; `is_false`: a crew found that all was normal."""

    meter_id: str
    kind: Kind
    start_s: int
    detected_s: int
    score: float
    is_confirmed: bool = False
    is_false: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What a trial says beside what was live.

    Attributes:
        both: Pairs: live, trial.
        found: The trial alone says so.
        lost: Live alone said so, and a crew did not find that all was normal.
        mended: Live alone said so, and a crew found that all was normal.
        false_again: The trial says again what a crew found to be normal.
    """

    both: Sequence[tuple[TrialAlert, TrialAlert]]
    found: Sequence[TrialAlert]
    lost: Sequence[TrialAlert]
    mended: Sequence[TrialAlert]
    false_again: Sequence[TrialAlert]


def compare(live: Sequence[TrialAlert], trial: Sequence[TrialAlert]) -> Comparison:
    """Return what both sides say, each alert used once, the earliest first."""
    rest = sorted(trial, key=lambda each: (each.detected_s, each.meter_id, each.kind))
    both: list[tuple[TrialAlert, TrialAlert]] = []
    alone: list[TrialAlert] = []
    for alert in sorted(live, key=lambda each: (each.detected_s, each.meter_id, each.kind)):
        same = next((each for each in rest if _is_same(alert, each)), None)
        if same is None:
            alone.append(alert)
        else:
            both.append((alert, same))
            rest.remove(same)
    return Comparison(
        both=both,
        found=rest,
        lost=[each for each in alone if not each.is_false],
        mended=[each for each in alone if each.is_false],
        false_again=[alert for alert, _ in both if alert.is_false],
    )


def _is_same(one: TrialAlert, other: TrialAlert) -> bool:
    return (
        one.meter_id == other.meter_id
        and FAMILY[one.kind] is FAMILY[other.kind]
        and abs(one.start_s - other.start_s) <= SAME_S
    )


def say_reach(wanted_from_utc: datetime, from_utc: datetime, oldest_utc: datetime | None) -> str:
    """Return how far back a back-test saw that asked for readings since `wanted_from_utc`.

    Args:
        wanted_from_utc: From when on it learns, where there are readings.
        from_utc: The first moment that it judges.
        oldest_utc: The first reading in the database; None: there is none.
    """
    if oldest_utc is None:
        return "saw no reading: the database has none; the archive's files are not read"
    since_utc = max(oldest_utc, wanted_from_utc)
    learned = max((from_utc - since_utc).days, 0)
    wanted = (from_utc - wanted_from_utc).days
    line = f"saw readings since {since_utc:%Y-%m-%d}: {learned} days to learn from before --from"
    if learned >= wanted:
        return line
    return f"{line}, of {wanted} asked for; the database alone is read, not the archive's files"


def report(found: Comparison, meter_days: float) -> Sequence[str]:
    """Return the comparison in lines for a person."""
    sooner = [(live.detected_s - trial.detected_s) / 3600.0 for live, trial in found.both]
    lines = [
        (
            f"both: {len(found.both)}; found: {len(found.found)}; lost: {len(found.lost)}; "
            f"false alarms gone: {len(found.mended)}; false alarms again: {len(found.false_again)}"
        ),
        f"trial alone, per 1000 meter-days: {len(found.found) / max(meter_days, 1e-9) * 1000:.2f}",
    ]
    if sooner:
        lines.append(f"told sooner by {sorted(sooner)[len(sooner) // 2]:.1f} h (median of both)")
    for name, alerts in (("found", found.found), ("lost", found.lost)):
        lines += [
            f"{name}: {each.meter_id} {each.kind} score {each.score:.2f}"
            f"{' (confirmed by a crew)' if each.is_confirmed else ''}"
            for each in alerts
        ]
    return lines
