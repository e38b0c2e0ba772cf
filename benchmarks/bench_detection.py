"""Measures the detectors: what they find, what they cry wolf about, and how fast they are.

Run `make bench-detection`. The table is that of a made-up town (`detection_town`): it ranks rules
and guards against regressions; it promises nothing about a city. Beside it stands the field's rule
of 24 hours without rest. METERS sets the meters of the throughput measurement (10,000).

A false alarm is an alert outside every label (24 h after its end).
"""

import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection_town import Label, Town, build_town
from sync_server.detection.advance import advance
from sync_server.detection.alert_book import AlertBook, Change, decide_alerts
from sync_server.detection.candidates import Candidate
from sync_server.detection.fleet import MeterSpec, fleet_of
from sync_server.detection.fleet_state import FleetState, empty_state
from sync_server.detection.intake import ReadingBatch, Surroundings
from sync_server.detection.state_arrays import take_rows
from wire_contracts.kinds import FAMILY
from wire_contracts.quantities import Medium

RESULTS = Path(__file__).parent / "results"
GRACE_S = 86_400
HOUR_S = 3600
DAY_S = 86_400
TOWN = (60, 63, 420)
"""Homes, heated buildings, days: 252 days to learn, 168 judged."""

TICK_METERS = int(os.environ.get("METERS", "10000"))
WARM_DAYS = 3
LEAST_LPH = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One row of the alert list."""

    meter_id: str
    family: str
    at_s: float
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What a list of alerts is worth."""

    name: str
    typed_recall: float
    false_per_1000_days: float
    recall_at_half: float
    precision: float
    median_delay_h: float
    p90_delay_h: float
    duplicates_per_hit: float


def rows_of(batch: ReadingBatch, chosen: NDArray[np.int64]) -> ReadingBatch:
    """Return these readings of a batch."""
    return ReadingBatch(**{each.name: getattr(batch, each.name)[chosen] for each in fields(batch)})


def follow(town: Town, days: int) -> tuple[Sequence[Candidate], FleetState]:
    """Return everything that is said while the town's readings arrive, a week at a time."""
    state = empty_state(town.fleet)
    found: list[Candidate] = []
    received = town.batch.received_s
    edges = np.arange(received[0], received[-1] + days * DAY_S, days * DAY_S)
    for start, stop in pairwise(edges):
        chosen = np.arange(np.searchsorted(received, start), np.searchsorted(received, stop))
        step = advance(town.fleet, state, rows_of(town.batch, chosen), town.surroundings, int(stop))
        state = step.state
        found.extend(step.candidates)
    return found, state


def alerts_of(candidates: Sequence[Candidate]) -> Sequence[Alert]:
    """Return the alert list as the control room would have seen it."""
    _, changes = decide_alerts(AlertBook(), candidates, 2**40)
    return [
        Alert(
            meter_id=change.candidate.meter_id,
            family=FAMILY[change.candidate.kind],
            at_s=change.candidate.at_s,
            score=change.candidate.score,
        )
        for change in changes
        if change.change is Change.RAISED and change.candidate is not None
    ]


def continuous_flow(town: Town) -> Sequence[Alert]:
    """Return the alerts of the field's rule: 24 hours without one of rest; water only."""
    alerts: list[Alert] = []
    for row, spec in enumerate(town.fleet.specs):
        if spec.medium is not Medium.WATER:
            continue
        mine = town.batch.row == row
        stamps, volume = town.batch.measured_s[mine], town.batch.volume_m3[mine] * 1000.0
        rate = np.diff(volume) / np.maximum(np.diff(stamps), 1) * HOUR_S
        run = 0
        for place, value in enumerate(rate):
            run = run + 1 if value >= LEAST_LPH else 0
            if run == 24 and stamps[place + 1] >= spec.judged_from_s:  # noqa: PLR2004 -- hours
                at_s = float(stamps[place + 1])
                alerts.append(Alert(meter_id=spec.meter_id, family="excess", at_s=at_s, score=1.0))
    return alerts


def score_alerts(name: str, town: Town, alerts: Sequence[Alert]) -> Score:
    """Return the figures of the evaluation harness for one list."""
    hits: dict[int, tuple[float, float]] = {}
    false_scores: list[float] = []
    duplicates = 0
    for alert in sorted(alerts, key=lambda each: each.at_s):
        index = _label_of(town.labels, alert)
        if index is None:
            false_scores.append(alert.score)
            continue
        label = town.labels[index]
        duplicates += index in hits
        if FAMILY[label.kind] == alert.family or {FAMILY[label.kind], alert.family} <= _ALIKE:
            delay_h = max(0.0, alert.at_s - label.start_s) / HOUR_S
            at, best = hits.get(index, (delay_h, alert.score))
            hits[index] = (min(at, delay_h), max(best, alert.score))
    clean = _clean_days(town)
    delays = np.array([delay for delay, _ in hits.values()] or [np.nan])
    return Score(
        name=name,
        typed_recall=len(hits) / len(town.labels),
        false_per_1000_days=1000.0 * len(false_scores) / clean,
        recall_at_half=_recall_at(hits, false_scores, clean, len(town.labels)),
        precision=len(hits) / max(len(hits) + len(false_scores), 1),
        median_delay_h=float(np.median(delays)),
        p90_delay_h=float(np.quantile(delays, 0.9)),
        duplicates_per_hit=duplicates / max(len(hits), 1),
    )


_ALIKE = {"excess", "thermal"}
"""An open valve shows in the use and in the return temperature: either names it."""


def _label_of(labels: Sequence[Label], alert: Alert) -> int | None:
    for index, label in enumerate(labels):
        is_inside = label.start_s - HOUR_S <= alert.at_s <= label.end_s + GRACE_S
        if label.meter_id == alert.meter_id and is_inside:
            return index
    return None


def _clean_days(town: Town) -> float:
    last_s = float(town.batch.measured_s.max())
    judged = sum((last_s - spec.judged_from_s) / DAY_S for spec in town.fleet.specs)
    return judged - sum((each.end_s + GRACE_S - each.start_s) / DAY_S for each in town.labels)


def _recall_at(
    hits: dict[int, tuple[float, float]], false: list[float], clean: float, labels: int
) -> float:
    """Return the recall when the score is cut so that at most 0.5 false alarms are left."""
    allowed = int(0.5 * clean / 1000.0)
    worst = sorted(false, reverse=True)
    cut = worst[allowed] if len(worst) > allowed else -np.inf
    return sum(score > cut for _, score in hits.values()) / labels


def throughput(count: int) -> tuple[float, float]:
    """Return meter-days a second of detection alone, and the seconds of one hourly tick."""
    town = build_town(4, 4, 12, 7)
    base = town.fleet.specs
    specs = [_again(base[index % len(base)], index) for index in range(count)]
    fleet = fleet_of(specs)
    state = empty_state(fleet)
    per_hour = _hours(town, count, len(base))
    for hour in range(24 * WARM_DAYS):
        state = advance(fleet, state, *_tick(per_hour, hour, town.surroundings)).state
    begun = time.process_time()
    for hour in range(24 * WARM_DAYS, 24 * (WARM_DAYS + 1)):
        state = advance(fleet, state, *_tick(per_hour, hour, town.surroundings)).state
    spent = time.process_time() - begun
    return count / spent, spent / 24.0


def _again(spec: MeterSpec, index: int) -> MeterSpec:
    values = {each.name: getattr(spec, each.name) for each in fields(spec)}
    return MeterSpec(**{**values, "meter_id": f"{spec.meter_id}-{index}", "judged_from_s": 0})


def _hours(town: Town, count: int, base: int) -> Sequence[ReadingBatch]:
    slots = (town.batch.measured_s - int(town.batch.measured_s.min())) // HOUR_S
    batches = []
    copies = np.arange(count)
    for hour in range(24 * (WARM_DAYS + 1)):
        chosen = np.flatnonzero(slots == hour)
        place = np.full(base, -1)
        place[town.batch.row[chosen]] = chosen
        taken = place[copies % base]
        batch = rows_of(town.batch, taken[taken >= 0])
        values = {each.name: getattr(batch, each.name) for each in fields(batch)}
        batches.append(ReadingBatch(**{**values, "row": copies[taken >= 0]}))
    return batches


def _tick(
    hours: Sequence[ReadingBatch], hour: int, surroundings: Surroundings
) -> tuple[ReadingBatch, Surroundings, int]:
    batch = hours[hour]
    return batch, surroundings, int(batch.measured_s.min()) + 310


def replay_ms(town: Town, state: FleetState) -> float:
    """Return the milliseconds in which 14 days of one meter are replayed."""
    spec = town.fleet.specs[-1]
    one = fleet_of([spec])
    row = len(town.fleet.specs) - 1
    mine = np.flatnonzero(town.batch.row == row)[: 24 * 14]
    batch = rows_of(town.batch, mine)
    values = {each.name: getattr(batch, each.name) for each in fields(batch)}
    shift_s = int(state.slots.slot[0]) * HOUR_S - int(batch.measured_s[0]) + HOUR_S
    moved = {"measured_s": batch.measured_s + shift_s, "received_s": batch.received_s + shift_s}
    batch = ReadingBatch(**{**values, **moved, "row": np.zeros(len(mine), dtype=np.int64)})
    spent = []
    for _ in range(5):
        part = take_rows(state, np.array([row]))
        begun = time.process_time()
        advance(one, part, batch, town.surroundings, int(batch.received_s.max()) + 600)
        spent.append(time.process_time() - begun)
    return 1000.0 * float(np.median(spent))


def _table(scores: Sequence[Score]) -> str:
    head = "| | typed recall | false/1000 days | recall at 0.5 | precision | delay h | dup/hit |\n"
    lines = [
        f"| {each.name} | {each.typed_recall:.2f} | {each.false_per_1000_days:.2f} |"
        f" {each.recall_at_half:.2f} | {each.precision:.2f} |"
        f" {each.median_delay_h:.0f} / {each.p90_delay_h:.0f} | {each.duplicates_per_hit:.2f} |\n"
        for each in scores
    ]
    return head + "|---|---|---|---|---|---|---|\n" + "".join(lines)


def main() -> None:
    """Measure, print, and keep the result."""
    homes, buildings, days = TOWN
    town = build_town(homes, buildings, days, 20)
    begun = time.process_time()
    candidates, state = follow(town, 7)
    spent = time.process_time() - begun
    scores = [
        score_alerts("Lamplighter", town, alerts_of(candidates)),
        score_alerts("24 h without rest", town, continuous_flow(town)),
    ]
    rate, tick_s = throughput(TICK_METERS)
    speed = {
        "meter_days_per_s_small_fleet": (homes + buildings) * days / spent,
        "meter_days_per_s": rate,
        "tick_s_per_100000_meters": tick_s * 100_000 / TICK_METERS,
        "replay_14_days_ms": replay_ms(town, state),
    }
    lines = [f"made-up town: {homes} homes, {buildings} heated buildings, {days} days\n"]
    lines.append(_table(scores))
    lines.extend(f"{name}: {value:.3g}\n" for name, value in speed.items())
    print("".join(lines))
    RESULTS.mkdir(exist_ok=True)
    record = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scores": [
            {each.name: getattr(score, each.name) for each in fields(score)} for score in scores
        ],
        "speed": speed,
    }
    (RESULTS / "detection.json").write_text(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
