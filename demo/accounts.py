"""Which accounts the town's people have on the server, and in which role."""

from dataclasses import dataclass

from demo.staff import StaffMember, StaffRole
from demo.town import Town
from sync_server.access.roles import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoAccount:
    """One account to be made, without its password."""

    login: str
    display_name: str
    role: Role
    crew_id: str | None = None


_ROLE_OF = {
    StaffRole.DIRECTOR: Role.DIRECTOR,
    StaffRole.TECHNICIAN: Role.METERING_ENGINEER,
    StaffRole.SAFETY_OFFICER: Role.SAFETY_OFFICER,
    StaffRole.REPAIR: Role.CREW_MEMBER,
    StaffRole.SAFETY_CHECK: Role.SAFETY_CHECKER,
    StaffRole.PATROL: Role.INSPECTOR,
    StaffRole.SERVICE: Role.HOTLINE_AGENT,
}
_ROLE_OF_LOGIN = {
    "repair1": Role.TEAM_LEADER,
    "repair4": Role.TEAM_LEADER,
    "service1": Role.CONTROL_ROOM,
    "service2": Role.DISPATCHER,
    "service3": Role.WINDOW_CLERK,
    "service4": Role.QUALITY_OFFICER,
}
"""A company of 19 has no control room of its own: two of the service desk sit at its screens."""

CONTROL_ROOM_LOGIN = "service1"
DISPATCHER_LOGIN = "service2"
CREW_LOGIN = "repair1"
ADMINISTRATOR_LOGIN = "admin"


def plan_accounts(town: Town) -> list[DemoAccount]:
    """Return one account per member of staff, and the administrator's."""
    people = [_account(member) for member in town.staff]
    administrator = DemoAccount(
        login=ADMINISTRATOR_LOGIN, display_name="系统管理员", role=Role.ADMINISTRATOR
    )
    return [administrator, *people]


def _account(member: StaffMember) -> DemoAccount:
    return DemoAccount(
        login=member.login,
        display_name=member.name,
        role=_ROLE_OF_LOGIN.get(member.login, _ROLE_OF[member.role]),
        crew_id=member.crew_id,
    )
