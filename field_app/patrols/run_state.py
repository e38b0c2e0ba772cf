"""Decides how a run stands: what was found, what was left out, where to go next."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from field_app.patrols.directions import Place, distance_m
from field_app.patrols.presence import place_of
from wire_contracts.patrol_facts import (
    CheckIn,
    PatrolPoint,
    PatrolRun,
    PointOutcome,
    RunPhase,
)
from wire_contracts.patrols import Checkpoint

LEFT_OUT = frozenset({PointOutcome.SKIPPED, PointOutcome.NOT_REACHABLE})
"""Said openly, with a reason: not missed, but not looked at either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """One run as its facts tell it.

    Attributes:
        run: As it was started, None before that.
        is_submitted: The run has ended; nothing is added any more.
        check_ins: The last check-in per checkpoint.
        points: The last result per checkpoint.
    """

    run: PatrolRun | None = None
    is_submitted: bool = False
    check_ins: Mapping[str, CheckIn] = field(default_factory=dict)
    points: Mapping[str, PatrolPoint] = field(default_factory=dict)

    @property
    def stops(self) -> Sequence[str]:
        """Return the checkpoints of the run in the order of its route."""
        return () if self.run is None else self.run.stops

    @property
    def skipped(self) -> tuple[str, ...]:
        """Return what was left out with a reason."""
        return tuple(
            each
            for each in self.stops
            if each in self.points and self.points[each].outcome in LEFT_OUT
        )

    @property
    def missed(self) -> tuple[str, ...]:
        """Return what nobody has said anything about."""
        return tuple(each for each in self.stops if each not in self.points)

    @property
    def done_count(self) -> int:
        """Return how many checkpoints were looked at."""
        return len(self.stops) - len(self.skipped) - len(self.missed)


Fact = PatrolRun | CheckIn | PatrolPoint


def fold(facts: Iterable[Fact]) -> RunState:
    """Return how a run stands after its facts, the oldest first; a later word replaces a former."""
    run: PatrolRun | None = None
    is_submitted = False
    check_ins: dict[str, CheckIn] = {}
    points: dict[str, PatrolPoint] = {}
    for fact in facts:
        if isinstance(fact, CheckIn):
            check_ins[fact.checkpoint_id] = fact
        elif isinstance(fact, PatrolPoint):
            points[fact.checkpoint_id] = fact
        elif fact.phase is RunPhase.STARTED:
            run = fact
        else:
            is_submitted = True
    return RunState(run=run, is_submitted=is_submitted, check_ins=check_ins, points=points)


def next_stop(state: RunState, checkpoints: Mapping[str, Checkpoint]) -> str | None:
    """Return where the route leads next: after the last one that was dealt with, else what is left.

    None when nothing is left, or nothing of it is known on this tablet.
    """
    left = [each for each in state.missed if each in checkpoints]
    if not left:
        return None
    behind = [index for index, each in enumerate(state.stops) if each in state.points]
    last = max(behind, default=-1)
    return next((each for each in state.stops[last + 1 :] if each in left), left[0])


def nearest_first(here: Place, checkpoints: Mapping[str, Checkpoint]) -> tuple[str, ...]:
    """Return a way through places without a route: always on to the nearest one that is left."""
    left = dict(checkpoints)
    order: list[str] = []
    while left:
        near = min(left, key=lambda each: (distance_m(here, place_of(left[each])), each))
        order.append(near)
        here = place_of(left.pop(near))
    return tuple(order)
