"""Two detectors of PyOD on daily features: the peers that ours is measured against (PEERS=1).

PyOD pins libraries that ours do not share, so it lives in an environment of its own: the folder of
a virtual environment with `pyod` is named by `PEERS_VENV`. Each is fitted on the days before a
meter is judged and scores the days after; its threshold is the one with at most
`FALSE_MOST` false alarms per 1000 clean days, chosen on the very labels it is measured by, which
flatters it.
"""

import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection_town import Town
from sync_server.detection.meters.columns import Floats

PEERS = ("ECOD", "IForest")
FALSE_MOST = 3.0
"""Two and a half to three and a half is what such detectors are usually tuned to."""

DAY_S = 86_400
HOUR_S = 3600
REARM_DAYS = 4
USUAL_DAYS = 28

_RUN = """
import sys, numpy as np
from pyod.models.ecod import ECOD
from pyod.models.iforest import IForest
made = {"ECOD": lambda: ECOD(), "IForest": lambda: IForest(random_state=1)}[sys.argv[1]]
z = np.load(sys.argv[2])
score = np.zeros(len(z["features"]))
for group in np.unique(z["group"]):
    mine = z["group"] == group
    model = made()
    model.fit(z["features"][mine & ~z["judged"]])
    score[mine] = model.decision_function(z["features"][mine])
np.save(sys.argv[3], score)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayAlert:
    """One alert of a peer, at the end of a day."""

    meter_id: str
    at_s: float
    score: float


FalseAlarms = Callable[[Sequence[DayAlert]], float]
"""Gives the false alarms per 1000 clean days of a list of alerts."""


def peer_python() -> Path | None:
    """Return the Python of the peers' environment, None when it is not asked for or not there."""
    venv = os.environ.get("PEERS_VENV")
    if os.environ.get("PEERS") != "1" or not venv:
        return None
    python = Path(venv) / "bin" / "python"
    return python if python.is_file() else None


def peer_alerts(python: Path, name: str, town: Town, false_alarms: FalseAlarms) -> list[DayAlert]:
    """Return the alerts of one peer at the threshold that keeps its false alarms bounded."""
    row, day_s, features = _features(town)
    judged_from = np.array([spec.judged_from_s for spec in town.fleet.specs])
    is_judged = day_s >= judged_from[row]
    group = np.array([spec.medium.value for spec in town.fleet.specs])[row]
    with tempfile.TemporaryDirectory() as folder:
        days, scores = Path(folder) / "days.npz", Path(folder) / "scores.npy"
        np.savez(days, features=features, group=group, judged=is_judged)
        subprocess.run(  # noqa: S603  # the environment is named by who measures
            [python, "-c", _RUN, name, str(days), str(scores)], check=True
        )
        score = np.load(scores)
    alerts: list[DayAlert] = []
    for share in np.linspace(0.9, 0.9999, 60):
        limit = float(np.quantile(score[~is_judged], share))
        alerts = _rearmed(town, row, day_s, np.where(is_judged, score, -np.inf), limit)
        if false_alarms(alerts) <= FALSE_MOST:
            return alerts
    return alerts


def _rearmed(
    town: Town, row: NDArray[np.int64], day_s: NDArray[np.int64], score: Floats, limit: float
) -> list[DayAlert]:
    alerts: list[DayAlert] = []
    quiet_until: dict[int, float] = {}
    for place in np.flatnonzero(score > limit):
        each, at_s = int(row[place]), float(day_s[place]) + DAY_S
        if at_s >= quiet_until.get(each, 0.0):
            meter_id = town.fleet.specs[each].meter_id
            alerts.append(DayAlert(meter_id=meter_id, at_s=at_s, score=float(score[place])))
        quiet_until[each] = at_s + REARM_DAYS * DAY_S
    return alerts


def _features(town: Town) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Return rows, days and what a day looks like beside the meter's four weeks before it."""
    rows: list[NDArray[np.int64]] = []
    days: list[NDArray[np.int64]] = []
    features: list[Floats] = []
    for row, spec in enumerate(town.fleet.specs):
        mine = town.batch.row == row
        stamps = town.batch.measured_s[mine]
        register = town.batch.volume_m3[mine]
        order = np.argsort(stamps, kind="stable")
        rate = np.diff(register[order]) / np.maximum(np.diff(stamps[order]), 1) * HOUR_S
        day = stamps[order][1:] // DAY_S
        found = np.unique(day)
        parts = [rate[day == each] for each in found]
        table = np.array(
            [[p.mean(), p.min(), p.max(), np.quantile(p, 0.25), (p <= 0).mean()] for p in parts]
        )
        usual = np.array(
            [np.median(table[max(0, at - USUAL_DAYS) : at + 1], axis=0) for at in range(len(table))]
        )
        scale = np.abs(usual) + 1e-4
        whole = np.concatenate([(table - usual) / scale, np.log1p(np.abs(table))], axis=1)
        weather = town.surroundings.weather.get(spec.weather_id or "")
        hours = (found * DAY_S - (weather.first_hour_s if weather else 0)) // HOUR_S
        temps = np.zeros(len(found))
        if weather is not None:
            temps = weather.temp_degc[np.clip(hours + 12, 0, len(weather.temp_degc) - 1)]
        rows.append(np.full(len(found), row))
        days.append(found * DAY_S)
        features.append(np.column_stack([whole, np.nan_to_num(temps)]))
    return np.concatenate(rows), np.concatenate(days), np.concatenate(features)
