"""How many of everything the town has: the totals of one real gas company, made anonymous."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunityPlan:
    """What one residential community has."""

    number: int
    households: int
    building_regulators: int
    cabinet_regulators: int
    mp_valve_wells: int
    lp_valve_wells: int
    courtyard_m: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedPlan:
    """The allocation of `data/seed_plan.json`.

    Attributes:
        communities: The residential communities, numbered from 1.
        hp_sections_m: Lengths of the high-pressure sections.
        mp_sections_m: Lengths of the medium-pressure sections.
        hp_valve_wells: Valve wells on the high-pressure line.
        public_welfare_users: Commercial gas customers that are institutions and catering.
        industrial_users: Commercial gas customers that are factories.
        staff: Head count by the role's name in the plan.
    """

    communities: Sequence[CommunityPlan]
    hp_sections_m: Sequence[int]
    mp_sections_m: Sequence[int]
    hp_valve_wells: int
    public_welfare_users: int
    industrial_users: int
    staff: Mapping[str, int]
