"""Measures the detectors: what they find, what they cry wolf about, and how fast they are.

Run `make bench-detection`. The table is that of a made-up town (`detection_town`): it ranks rules
and guards against regressions; it promises nothing about a city. DATA=FOLDER measures on recorded
meters with labels instead (`detection_data`). Beside it stand the field's rule of 24 hours without
rest and, with PEERS=1, two detectors of PyOD (`detection_peers`). METERS sets the meters of the
throughput measurement (10,000).

A false alarm is an alert outside every label (24 h after its end, 48 h of daily meters) and every
ignored span (12 h around it).
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

from benchmarks.detection_data import load_town
from benchmarks.detection_peers import PEERS, DayAlert, peer_alerts, peer_python
from benchmarks.detection_town import Label, Town, build_town
from sync_server.detection.advance import advance
from sync_server.detection.alerting.alert_book import AlertBook, Change, decide_alerts
from sync_server.detection.fleet_state import FleetState, empty_state
from sync_server.detection.meters.candidates import Candidate
from sync_server.detection.meters.fleet import MeterSpec, fleet_of
from sync_server.detection.meters.intake import ReadingBatch, Surroundings
from sync_server.detection.meters.state_arrays import take_rows
from wire_contracts.kinds import FAMILY
from wire_contracts.quantities import Medium

RESULTS = Path(__file__).parent / "results"
GRACE_S = 86_400
IGNORED_AROUND_S = 43_200
HOUR_S = 3600
DAY_S = 86_400
TOWN = (60, 63, 420)
"""Homes, heated buildings, days: 252 days to learn, 168 judged."""

TICK_METERS = int(os.environ.get("METERS", "10000"))
WARM_DAYS = 5
LEAST_LPH = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One row of the alert list."""

    meter_id: str
    family: str
    at_s: float
    score: float


ANY = "any"
"""The family of an alert that does not say what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What a list of alerts is worth; `typed` counts only faults that were rightly named."""

    name: str
    recall: float
    typed_recall: float
    false_per_1000_days: float
    recall_at_half: float
    average_precision: float
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
    """Return the alert list as the control room would have seen it, each as sure as it became."""
    _, changes = decide_alerts(AlertBook(), candidates, 2**40)
    surest = {
        (change.alert.row, change.alert.lane, change.alert.raised_at_s): change.alert.score
        for change in changes
    }
    return [
        Alert(
            meter_id=change.candidate.meter_id,
            family=FAMILY[change.candidate.kind],
            at_s=change.candidate.at_s,
            score=surest[change.alert.row, change.alert.lane, change.alert.raised_at_s],
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


@dataclass(slots=True, kw_only=True)
class _Found:
    """What was found of one label: first alert, first with the right name, best score, others."""

    first_s: float
    typed_s: float
    best: float
    others: int


def score_alerts(name: str, town: Town, alerts: Sequence[Alert]) -> Score:
    """Return the figures of the evaluation harness for one list."""
    found: dict[int, _Found] = {}
    false_scores: list[float] = []
    for alert in sorted(alerts, key=lambda each: each.at_s):
        index = _label_of(town, alert)
        if index is not None:
            _note(found, index, alert, is_typed=_is_typed(town.labels[index], alert))
        elif not _is_ignored(town, alert):
            false_scores.append(alert.score)
    clean = _clean_days(town)
    starts = {index: town.labels[index].start_s for index in found}
    hits = {index: max(0.0, one.first_s - starts[index]) / HOUR_S for index, one in found.items()}
    delays = np.array(list(hits.values()) or [np.nan])
    best = {index: (hits[index], one.best) for index, one in found.items()}
    return Score(
        name=name,
        recall=len(found) / len(town.labels),
        typed_recall=sum(np.isfinite(one.typed_s) for one in found.values()) / len(town.labels),
        false_per_1000_days=1000.0 * len(false_scores) / clean,
        recall_at_half=_recall_at(best, false_scores, clean, len(town.labels)),
        average_precision=_average_precision(best, false_scores, len(town.labels)),
        precision=len(found) / max(len(found) + len(false_scores), 1),
        median_delay_h=float(np.median(delays)),
        p90_delay_h=float(np.quantile(delays, 0.9)),
        duplicates_per_hit=sum(one.others for one in found.values()) / max(len(found), 1),
    )


def _note(found: dict[int, _Found], index: int, alert: Alert, *, is_typed: bool) -> None:
    typed_s = alert.at_s if is_typed else np.inf
    before = found.get(index)
    if before is None:
        found[index] = _Found(first_s=alert.at_s, typed_s=typed_s, best=alert.score, others=0)
        return
    before.typed_s = min(before.typed_s, typed_s)
    before.best = max(before.best, alert.score)
    before.others += 1


_ALIKE = ({"excess", "thermal"}, {"drop", "comm"})
"""An open valve shows in the use and in the return temperature, a frozen payload like a stuck
register: either names it."""


def _is_typed(label: Label, alert: Alert) -> bool:
    family = str(FAMILY[label.kind])
    return alert.family == family or any({family, alert.family} <= pair for pair in _ALIKE)


def _interval_s(town: Town, meter_id: str) -> int:
    return town.fleet.specs[town.fleet.row_of[meter_id]].interval_s


def _grace_s(town: Town, meter_id: str) -> int:
    return 2 * GRACE_S if _interval_s(town, meter_id) >= DAY_S else GRACE_S


def _label_of(town: Town, alert: Alert) -> int | None:
    early_s, grace_s = _interval_s(town, alert.meter_id), _grace_s(town, alert.meter_id)
    inside = [
        index
        for index, label in enumerate(town.labels)
        if label.meter_id == alert.meter_id
        and label.start_s - early_s <= alert.at_s <= label.end_s + grace_s
    ]
    inside.sort(key=lambda index: not _is_typed(town.labels[index], alert))
    return inside[0] if inside else None


def _is_ignored(town: Town, alert: Alert) -> bool:
    return any(
        meter_id == alert.meter_id
        and from_s - IGNORED_AROUND_S <= alert.at_s <= to_s + IGNORED_AROUND_S
        for meter_id, from_s, to_s in town.ignored
    )


def _clean_days(town: Town) -> float:
    """Return the judged days of all meters without labelled and ignored spans."""
    spans: dict[str, list[tuple[float, float]]] = {}
    for label in town.labels:
        end_s = label.end_s + _grace_s(town, label.meter_id)
        spans.setdefault(label.meter_id, []).append((label.start_s, end_s))
    for meter_id, from_s, to_s in town.ignored:
        around = (from_s - IGNORED_AROUND_S, to_s + IGNORED_AROUND_S)
        spans.setdefault(meter_id, []).append(around)
    last_s = float(town.batch.measured_s.max())
    clean_s = 0.0
    for spec in town.fleet.specs:
        done_s, to_s = float(spec.judged_from_s), float(spec.in_service_until_s or last_s)
        clean_s += max(0.0, to_s - done_s)
        for start_s, end_s in sorted(spans.get(spec.meter_id, [])):
            begin_s, stop_s = max(start_s, done_s), min(end_s, to_s)
            clean_s -= max(0.0, stop_s - begin_s)
            done_s = max(done_s, stop_s)
    return clean_s / DAY_S


def _recall_at(
    hits: dict[int, tuple[float, float]], false: list[float], clean: float, labels: int
) -> float:
    """Return the recall when the score is cut so that at most 0.5 false alarms are left."""
    allowed = int(0.5 * clean / 1000.0)
    worst = sorted(false, reverse=True)
    cut = worst[allowed] if len(worst) > allowed else -np.inf
    return sum(score > cut for _, score in hits.values()) / labels


def _average_precision(
    hits: dict[int, tuple[float, float]], false: list[float], labels: int
) -> float:
    ranked = sorted([(-best, 0) for _, best in hits.values()] + [(-each, 1) for each in false])
    is_false = np.array([kind for _, kind in ranked], dtype=np.float64)
    if not len(is_false):
        return 0.0
    right = np.cumsum(1.0 - is_false)
    return float(((1.0 - is_false) * right / np.arange(1, len(right) + 1)).sum() / labels)


def throughput(count: int, hours_a_call: int) -> tuple[float, float]:
    """Return meter-days a second of detection alone, and the seconds of one call."""
    town = build_town(4, 4, 12, 7)
    base = town.fleet.specs
    specs = [_again(base[index % len(base)], index) for index in range(count)]
    fleet = fleet_of(specs)
    state = empty_state(fleet)
    per_hour = _hours(town, count, len(base))
    for hour in range(0, 24 * WARM_DAYS, 24):
        state = advance(fleet, state, *_tick(per_hour, hour, 24, town.surroundings)).state
    begun = time.process_time()
    for hour in range(24 * WARM_DAYS, 24 * (WARM_DAYS + 1), hours_a_call):
        state = advance(fleet, state, *_tick(per_hour, hour, hours_a_call, town.surroundings)).state
    spent = time.process_time() - begun
    return count / spent, spent * hours_a_call / 24.0


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
    hours: Sequence[ReadingBatch], first: int, count: int, surroundings: Surroundings
) -> tuple[ReadingBatch, Surroundings, int]:
    """Return these hours' readings as one batch, and when the last of them can be closed."""
    parts = hours[first : first + count]
    whole = {
        each.name: np.concatenate([getattr(part, each.name) for part in parts])
        for each in fields(ReadingBatch)
    }
    return ReadingBatch(**whole), surroundings, int(parts[-1].measured_s.min()) + 310


def replay_ms(town: Town, state: FleetState) -> float:
    """Return the milliseconds in which 14 days of one meter are replayed."""
    spec = town.fleet.specs[-1]
    one = fleet_of([spec])
    row = len(town.fleet.specs) - 1
    mine = np.flatnonzero(town.batch.row == row)[: 24 * 14]
    batch = rows_of(town.batch, mine)
    values = {each.name: getattr(batch, each.name) for each in fields(batch)}
    shift_s = int(state.slots.slot[0]) * HOUR_S - int(batch.measured_s[0]) + HOUR_S
    moved = {
        "measured_s": batch.measured_s + shift_s,
        "received_s": batch.received_s + shift_s,
        "volume_m3": batch.volume_m3 + state.volume.raw[row] / 1000.0 - batch.volume_m3[0],
        "energy_kwh": batch.energy_kwh + state.energy.raw[row] / 1000.0 - batch.energy_kwh[0],
    }
    batch = ReadingBatch(**{**values, **moved, "row": np.zeros(len(mine), dtype=np.int64)})
    spent = []
    for _ in range(5):
        part = take_rows(state, np.array([row]))
        begun = time.process_time()
        advance(one, part, batch, town.surroundings, int(batch.received_s.max()) + 600)
        spent.append(time.process_time() - begun)
    return 1000.0 * float(np.median(spent))


def _table(scores: Sequence[Score]) -> str:
    head = (
        "| | recall | typed | false/1000 days | recall at 0.5 | AP | precision | delay h |"
        " dup/hit |\n|---|---|---|---|---|---|---|---|---|\n"
    )
    lines = [
        f"| {each.name} | {each.recall:.3f} | {each.typed_recall:.3f} |"
        f" {each.false_per_1000_days:.2f} | {each.recall_at_half:.3f} |"
        f" {each.average_precision:.3f} | {each.precision:.2f} |"
        f" {each.median_delay_h:.0f} / {each.p90_delay_h:.0f} | {each.duplicates_per_hit:.2f} |\n"
        for each in scores
    ]
    return head + "".join(lines)


def peers(town: Town) -> Sequence[Score]:
    """Return the scores of PyOD's detectors, none where they are not asked for."""
    python = peer_python()
    if python is None:
        print("| PyOD ECOD, IForest | not run (PEERS=1 and PEERS_VENV ask for them) |")
        return []

    def named(alerts: Sequence[DayAlert]) -> Sequence[Alert]:
        return [
            Alert(meter_id=one.meter_id, family=ANY, at_s=one.at_s, score=one.score)
            for one in alerts
        ]

    def false_alarms(alerts: Sequence[DayAlert]) -> float:
        return score_alerts("", town, named(alerts)).false_per_1000_days

    return [
        score_alerts(f"PyOD {name}", town, named(peer_alerts(python, name, town, false_alarms)))
        for name in PEERS
    ]


def _towns() -> tuple[str, Town]:
    folder = os.environ.get("DATA")
    if folder:
        return f"recorded meters of {Path(folder).name}", load_town(Path(folder))
    homes, buildings, days = TOWN
    name = f"made-up town: {homes} homes, {buildings} heated buildings, {days} days"
    return name, build_town(homes, buildings, days, 20)


def main() -> None:
    """Measure, print, and keep the result."""
    title, town = _towns()
    begun = time.process_time()
    candidates, state = follow(town, 7)
    spent = time.process_time() - begun
    scores = [
        score_alerts("Lamplighter", town, alerts_of(candidates)),
        score_alerts("24 h without rest", town, continuous_flow(town)),
        *peers(town),
    ]
    days = np.ptp(town.batch.measured_s) / DAY_S
    by_day, _ = throughput(TICK_METERS, 24)
    by_hour, tick_s = throughput(TICK_METERS, 1)
    speed = {
        "meter_days_per_s_small_fleet": len(town.fleet.specs) * days / spent,
        "meter_days_per_s_day_by_day": by_day,
        "meter_days_per_s_hour_by_hour": by_hour,
        "tick_s_per_100000_meters": tick_s * 100_000 / TICK_METERS,
        "replay_14_days_ms": replay_ms(town, state),
    }
    lines = [f"{title}\n", _table(scores)]
    lines.extend(f"{name}: {value:.3g}\n" for name, value in speed.items())
    print("".join(lines))
    RESULTS.mkdir(exist_ok=True)
    record = {
        "on": title,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "load_average": os.getloadavg()[0],
        "scores": [
            {each.name: getattr(score, each.name) for each in fields(score)} for score in scores
        ],
        "speed": speed,
    }
    name = "detection_data.json" if os.environ.get("DATA") else "detection.json"
    (RESULTS / name).write_text(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
