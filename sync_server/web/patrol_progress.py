"""Decides how far each patrol of the day is, and where its crew was seen last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sync_server.patrols.inspection_store import Inspected
from sync_server.work_orders.order import Fact
from wire_contracts.fields import FieldReader
from wire_contracts.orders import FactType
from wire_contracts.patrol_facts import (
    PatrolRun,
    PointOutcome,
    SeenFix,
    parse_check_in,
    parse_point,
    parse_run,
)
from wire_contracts.patrols import Checkpoint, PatrolPlan
from wire_contracts.texts import BilingualText

OF_THE_DAY = timedelta(hours=24)
"""A run that began earlier is no longer shown on the map; the page of the rounds has them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatrolStop:
    """One stop of a patrol: `number` along its way; `outcome` is None while it is open."""

    route: BilingualText
    number: int
    checkpoint: Checkpoint
    outcome: PointOutcome | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewSeen:
    """Where a crew on its round was last; `name` is the checkpoint's."""

    crew_id: str
    latitude_deg: float
    longitude_deg: float
    at_utc: datetime
    name: BilingualText


def progress(
    facts: Sequence[Fact],
    plans: Mapping[str, Inspected[PatrolPlan]],
    places: Mapping[str, Inspected[Checkpoint]],
    now_utc: datetime,
) -> Sequence[PatrolStop]:
    """Return the stops of the newest run of each route that was walked in the last day.

    `facts` are the runs and points that crews sent, the newest first.
    """
    fresh = [
        each
        for each in facts
        if now_utc - each.happened_at_utc <= OF_THE_DAY and isinstance(each.payload, Mapping)
    ]
    runs: dict[str, PatrolRun] = {}
    for each in fresh:
        if each.fact_type is FactType.PATROL_RUN:
            run = parse_run(_reader(each))
            runs.setdefault(run.plan_id or run.run_id, run)
    outcomes: dict[tuple[str, str], PointOutcome] = {}
    for each in fresh:
        if each.fact_type is FactType.PATROL_POINT:
            point = parse_point(_reader(each))
            outcomes.setdefault((point.run_id, point.checkpoint_id), point.outcome)
    return [
        PatrolStop(
            route=plans[plan_id].thing.name,
            number=number,
            checkpoint=places[stop].thing,
            outcome=outcomes.get((run.run_id, stop)),
        )
        for plan_id, run in runs.items()
        if plan_id in plans
        for number, stop in enumerate(run.stops or plans[plan_id].thing.stops, start=1)
        if stop in places
    ]


def last_seen(
    facts: Sequence[Fact], places: Mapping[str, Inspected[Checkpoint]], now_utc: datetime
) -> Sequence[CrewSeen]:
    """Return where each inspecting crew was last, by the tablet's position or by the checkpoint.

    `facts` as for `progress`, with check-ins; what is older than a day, and a position that
    another app made up, is left out.
    """
    found: dict[str, CrewSeen] = {}
    for each in facts:
        seen = _seen(each, places) if now_utc - each.happened_at_utc <= OF_THE_DAY else None
        if seen is not None:
            found.setdefault(seen.crew_id, seen)
    return list(found.values())


def _seen(fact: Fact, places: Mapping[str, Inspected[Checkpoint]]) -> CrewSeen | None:
    if not isinstance(fact.payload, Mapping):
        return None
    place = places.get(str(fact.payload.get("checkpoint_id")))
    if fact.fact_type not in {FactType.CHECK_IN, FactType.PATROL_POINT} or place is None:
        return None
    spot: Checkpoint | SeenFix = place.thing
    if fact.fact_type is FactType.CHECK_IN:
        fix = parse_check_in(_reader(fact)).fix
        spot = fix if fix is not None and not fix.is_mock else spot
    return CrewSeen(
        crew_id=place.crew_id,
        latitude_deg=spot.latitude_deg,
        longitude_deg=spot.longitude_deg,
        at_utc=fact.happened_at_utc,
        name=place.thing.name,
    )


def _reader(fact: Fact) -> FieldReader:
    values = fact.payload if isinstance(fact.payload, Mapping) else {}
    return FieldReader(place=f"fact {fact.fact_id}", values=values)
