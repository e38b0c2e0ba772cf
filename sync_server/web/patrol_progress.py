"""Decides how far each patrol of the day is: the stops of its newest run, done or still open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sync_server.patrols.inspection_store import Inspected
from sync_server.work_orders.order import Fact
from wire_contracts.fields import FieldReader
from wire_contracts.orders import FactType
from wire_contracts.patrol_facts import PatrolRun, PointOutcome, parse_point, parse_run
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


def _reader(fact: Fact) -> FieldReader:
    values = fact.payload if isinstance(fact.payload, Mapping) else {}
    return FieldReader(place=f"fact {fact.fact_id}", values=values)
