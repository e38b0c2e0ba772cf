"""Lives the stored past of meters through the detectors, part by part, here or by a runner.

A part is judged by one function, wherever that is done: `live_over`, of a connection and a part.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy import Connection, Engine

from sync_server.batch.database_parts_io import run_over
from sync_server.batch.runner import BatchError, Done, InProcess, Runner, nobody_asks
from sync_server.detection.advance import advance
from sync_server.detection.fleet_state import FleetState, empty_state
from sync_server.detection.meters.candidates import RULES_VERSION, Candidate
from sync_server.detection.meters.columns import Ints
from sync_server.detection.meters.fleet import Fleet, MeterSpec, fleet_of
from sync_server.detection.quality.slots import slot_of
from sync_server.detection.watch.history_parts import METERS_IN_PART, cut_fleet
from sync_server.detection.watch.history_store import load_history, oldest_reading_ms
from sync_server.detection.watch.reading_batches import day_by_day, readings_of
from sync_server.detection.watch.surroundings_window import SurroundingsWindow

_HOUR_MS = 3_600_000
_STEP_MS = 240 * _HOUR_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class PastWanted:
    """What is lived: the readings of a fleet in [from, to), ms since 1970.

    Attributes:
        fleet: The meters.
        with_base: Gas meters judged by their volume at base conditions.
        from_ms: Older readings are not looked at.
        to_ms: Nor are those from here on.
        keeps_state: Whether the result holds the detectors' memory, too.
        meters_in_part: How many meters a worker takes at once.
    """

    fleet: Fleet
    with_base: frozenset[str]
    from_ms: int
    to_ms: int
    keeps_state: bool = False
    meters_in_part: int = METERS_IN_PART


@dataclass(frozen=True, slots=True, kw_only=True)
class PastSpan:
    """Which past is lived: readings in [from, to), ms since 1970; `oldest_ms`: the first of all."""

    from_ms: int
    to_ms: int
    oldest_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PastPart:
    """Meters that are judged without the others, and their past.

    `with_base`: gas meters judged by their volume at base conditions. `keeps_state`: the result
    holds the detectors' memory, too.
    """

    specs: Sequence[MeterSpec]
    span: PastSpan
    with_base: frozenset[str]
    keeps_state: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """What came of a part; rows are those of the part. `made_by`: rules and library of who did."""

    candidates: Sequence[Candidate]
    state: FleetState | None
    reading_count: int
    made_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What came of a fleet: candidates with the fleet's rows; the memory where it was asked for.

    `oldest_ms`: the first reading of any of its meters in the database, None when there is none.
    """

    candidates: Sequence[Candidate]
    states: Sequence[tuple[Ints, FleetState]]
    reading_count: int
    oldest_ms: int | None


MADE_BY = f"rules {RULES_VERSION}, numpy {np.__version__}"
"""What must be the same for two workers to find the same."""


def live_fleet(
    engine: Engine,
    connection: Connection,
    wanted: PastWanted,
    by: tuple[Runner, Done] = (InProcess(), nobody_asks),
) -> Past:
    """Return what the detectors say of a fleet's stored readings.

    Args:
        engine: The database, for workers outside this process.
        connection: A connection that reads it.
        wanted: Which meters, and from when to when.
        by: Who does the parts, and who is told how many are done.

    Raises:
        BatchError: Workers cannot reach this database, or have other rules.
    """
    fleet = wanted.fleet
    oldest_ms = oldest_reading_ms(connection, [spec.meter_id for spec in fleet.specs])
    if oldest_ms is None or oldest_ms >= wanted.to_ms:
        return Past(candidates=[], states=[], reading_count=0, oldest_ms=oldest_ms)
    first_ms = max(oldest_ms, wanted.from_ms)
    span = PastSpan(from_ms=first_ms - first_ms % _HOUR_MS, to_ms=wanted.to_ms, oldest_ms=first_ms)
    places = cut_fleet(fleet, wanted.meters_in_part)
    parts = [
        PastPart(
            specs=[fleet.specs[row] for row in rows.tolist()],
            span=span,
            with_base=wanted.with_base,
            keeps_state=wanted.keeps_state,
        )
        for rows in places
    ]
    return _joined(places, run_over(engine, connection, live_over, parts, by), oldest_ms)


def live_over(connection: Connection, part: PastPart) -> Lived:
    """Return what the detectors say of a part, day by day as it came, ten days read at a time."""
    fleet, span = fleet_of(part.specs), part.span
    state, window, count = empty_state(fleet), SurroundingsWindow(), 0
    state.slots.slot[:] = slot_of(np.array([span.oldest_ms / 1000.0]))[0] - 1
    meter_ids = [spec.meter_id for spec in fleet.specs]
    candidates: list[Candidate] = []
    for from_ms in range(span.from_ms, span.to_ms, _STEP_MS):
        to_ms = min(from_ms + _STEP_MS, span.to_ms)
        rows = load_history(connection, meter_ids, from_ms, to_ms)
        batch = readings_of(fleet, rows, part.with_base)
        surroundings = window.at(connection, fleet, to_ms)
        for until_s, day in day_by_day(batch, from_ms // 1000, to_ms // 1000):
            candidates += advance(fleet, state, day, surroundings, until_s).candidates
        count += len(rows.meter_ids)
    return Lived(
        candidates=candidates,
        state=state if part.keeps_state else None,
        reading_count=count,
        made_by=MADE_BY,
    )


def _joined(places: Sequence[Ints], lived: Sequence[Lived], oldest_ms: int) -> Past:
    others = sorted({each.made_by for each in lived} - {MADE_BY})
    if others:
        message = (
            f"--scheduler: a worker has {others[0]}, this process {MADE_BY};"
            " install the same release everywhere"
        )
        raise BatchError(message)
    return Past(
        candidates=[
            replace(candidate, row=int(rows[candidate.row]))
            for rows, each in zip(places, lived, strict=True)
            for candidate in each.candidates
        ],
        states=[
            (rows, each.state)
            for rows, each in zip(places, lived, strict=True)
            if each.state is not None
        ],
        reading_count=sum(each.reading_count for each in lived),
        oldest_ms=oldest_ms,
    )
