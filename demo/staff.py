"""Who works for the utility: 19 people with their roles, the crews among them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from demo.chance import key_of
from demo.names import person_name


class StaffRole(StrEnum):
    """What a person does; named as in the plan."""

    DIRECTOR = "director"
    TECHNICIAN = "technician"
    SAFETY_OFFICER = "safety officer"
    REPAIR = "repair"
    SAFETY_CHECK = "indoor safety check (inside the repair team)"
    PATROL = "patrol"
    SERVICE = "customer service / charging"


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffMember:
    """One person with a log-in name; `crew_id` is None in the office."""

    staff_id: str
    login: str
    name: str
    role: StaffRole
    crew_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """The people on one tablet."""

    crew_id: str
    name_zh: str
    name_en: str
    role: StaffRole
    size: int


_CREWS = (
    Crew(
        crew_id="crew-repair-1",
        name_zh="抢修一班",
        name_en="Repair crew 1",
        role=StaffRole.REPAIR,
        size=3,
    ),
    Crew(
        crew_id="crew-repair-2",
        name_zh="抢修二班",
        name_en="Repair crew 2",
        role=StaffRole.REPAIR,
        size=2,
    ),
    Crew(
        crew_id="crew-safety-1",
        name_zh="入户安检班",
        name_en="Indoor safety crew",
        role=StaffRole.SAFETY_CHECK,
        size=2,
    ),
    Crew(
        crew_id="crew-patrol-1",
        name_zh="巡线一班",
        name_en="Patrol crew 1",
        role=StaffRole.PATROL,
        size=2,
    ),
    Crew(
        crew_id="crew-patrol-2",
        name_zh="巡线二班",
        name_en="Patrol crew 2",
        role=StaffRole.PATROL,
        size=2,
    ),
)

_LOGINS = {
    StaffRole.DIRECTOR: "director",
    StaffRole.TECHNICIAN: "technician",
    StaffRole.SAFETY_OFFICER: "safety",
    StaffRole.REPAIR: "repair",
    StaffRole.SAFETY_CHECK: "inspector",
    StaffRole.PATROL: "patrol",
    StaffRole.SERVICE: "service",
}


def plan_crews() -> list[Crew]:
    """Return the crews, each with one tablet."""
    return list(_CREWS)


def plan_staff(seed: int, head_count: Mapping[str, int]) -> list[StaffMember]:
    """Return the people of the plan, each with a log-in name such as `repair3`."""
    draw = Random(key_of(seed, "staff"))
    people: list[StaffMember] = []
    for role in StaffRole:
        crews = _crews_of(role)
        for index in range(head_count[role]):
            number = str(index + 1) if head_count[role] > 1 else ""
            people.append(
                StaffMember(
                    staff_id=f"staff-{len(people) + 1:02d}",
                    login=f"{_LOGINS[role]}{number}",
                    name=person_name(draw.randrange(10**9)),
                    role=role,
                    crew_id=crews[index] if crews else None,
                )
            )
    return people


def _crews_of(role: StaffRole) -> Sequence[str]:
    return [crew.crew_id for crew in _CREWS if crew.role is role for _ in range(crew.size)]
