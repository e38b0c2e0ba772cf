"""Decides the life of a part of the network, and which class of the book it belongs to."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from wire_contracts.life_cycle import LifeCycle
from wire_contracts.network import NetworkPart, Pipe
from wire_contracts.orders import SafetyClass
from wire_contracts.quantities import Medium


class PlantState(StrEnum):
    """Where a part stands (rule E-02)."""

    PLANNED = "planned"
    IN_SERVICE = "in_service"
    DEFECT = "defect"
    ISOLATED = "isolated"
    RETIRED = "retired"


class PlantEvent(StrEnum):
    """What moves a part."""

    PLAN = "plan"
    COMMISSION = "commission"
    FIND_DEFECT = "find_defect"
    ISOLATE = "isolate"
    REPAIR = "repair"
    RETIRE = "retire"


_S, _E = PlantState, PlantEvent
PLANT_CYCLE: LifeCycle[PlantState, PlantEvent] = LifeCycle(
    "a part of the network",
    {
        (_S.PLANNED, _E.COMMISSION): _S.IN_SERVICE,
        (_S.IN_SERVICE, _E.PLAN): _S.PLANNED,
        (_S.IN_SERVICE, _E.FIND_DEFECT): _S.DEFECT,
        (_S.DEFECT, _E.ISOLATE): _S.ISOLATED,
        (_S.DEFECT, _E.REPAIR): _S.IN_SERVICE,
        (_S.ISOLATED, _E.REPAIR): _S.IN_SERVICE,
        (_S.IN_SERVICE, _E.RETIRE): _S.RETIRED,
        (_S.ISOLATED, _E.RETIRE): _S.RETIRED,
    },
)

SAFETY_OF: Mapping[int, SafetyClass] = {1: SafetyClass.A, 2: SafetyClass.B, 3: SafetyClass.C}
"""Severity -> class of the order; 1 is a danger (domain model 2.7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantPart:
    """One part as the map has it; `length_m` is 0 for what stands at a point.

    `plant_class` is `pipe`, or what stands there, with its pressure: `valve_well.medium`.
    """

    plant_id: str
    plant_class: str
    medium: Medium
    name: str
    length_m: float


def parts_of(network: Sequence[NetworkPart]) -> list[PlantPart]:
    """Return every part of the network, pipes first, by their ids."""
    pipes = [
        PlantPart(
            plant_id=pipe.pipe_id,
            plant_class=f"pipe.{pipe.level}",
            medium=pipe.medium,
            name=pipe.pipe_id,
            length_m=length_m(pipe),
        )
        for area in network
        for pipe in area.pipes
    ]
    points = [
        PlantPart(
            plant_id=point.point_id,
            plant_class=f"{point.kind}.{point.level}",
            medium=point.medium,
            name=point.name or point.point_id,
            length_m=0.0,
        )
        for area in network
        for point in area.points
    ]
    return [
        *sorted(pipes, key=lambda each: each.plant_id),
        *sorted(points, key=lambda each: each.plant_id),
    ]


def length_m(pipe: Pipe) -> float:
    """Return the length of a pipe along its corners, in metres on the site's plane."""
    corners = pipe.line_m
    return sum(math.dist(a, b) for a, b in pairwise(corners))
