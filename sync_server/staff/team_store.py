"""Owns the teams of the organisation: each found by any of its names, with its people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from sync_server.access.account_store import get_person
from sync_server.access.audit_store import AuditEvent, append_audit
from sync_server.access.refusals import not_found
from sync_server.db.staff_tables import TEAM, TEAM_MEMBER
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError

LONGEST_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A team; `aliases` are other names of the same one."""

    team_id: str
    name_en: str
    name_zh: str
    aliases: Sequence[str]

    def is_called(self, name: str) -> bool:
        """Return whether this is one of its names, letter case aside."""
        known = {self.team_id, self.name_en, self.name_zh, *self.aliases}
        return name.strip().casefold() in {each.casefold() for each in known}


def list_teams(connection: Connection) -> Sequence[Team]:
    """Return the teams by their id."""
    rows = connection.execute(select(TEAM).order_by(TEAM.c.team_id))
    return [
        Team(
            team_id=row.team_id,
            name_en=row.name_en,
            name_zh=row.name_zh,
            aliases=tuple(row.aliases.splitlines()),
        )
        for row in rows
    ]


def find_team(connection: Connection, name: str) -> Team | None:
    """Return the team of this name or alias; None when no team is called so (rule E-01)."""
    return next((each for each in list_teams(connection) if each.is_called(name)), None)


def name_team(
    connection: Connection, team_id: str, aliases: Sequence[str], actor: str, now_utc: datetime
) -> None:
    """Set the other names of a team; raise ContractError when another team is called so."""
    names = [each.strip()[:LONGEST_NAME] for each in aliases if each.strip()]
    for name in names:
        other = find_team(connection, name)
        if other is not None and other.team_id != team_id:
            raise ContractError(
                place=f"team {team_id}",
                field="aliases",
                problem=f"{name!r} is the team {other.team_id}",
                remedy="choose another name",
                code=Code.STATE,
            )
    changed = connection.execute(
        update(TEAM).where(TEAM.c.team_id == team_id).values(aliases="\n".join(names))
    ).rowcount
    if not changed:
        raise not_found(f"team {team_id!r}", "team")
    event = AuditEvent(actor=actor, action="team.name", subject=team_id, detail={})
    append_audit(connection, event, now_utc)


def put_into_team(
    connection: Connection, account_id: str, name: str, actor: str, now_utc: datetime
) -> None:
    """Put a person into the team of this name, out of all others; an empty name: into none."""
    get_person(connection, account_id)
    team = find_team(connection, name) if name else None
    if name and team is None:
        raise not_found(f"team {name!r}", "team")
    connection.execute(delete(TEAM_MEMBER).where(TEAM_MEMBER.c.account_id == account_id))
    if team is not None:
        connection.execute(insert(TEAM_MEMBER).values(account_id=account_id, team_id=team.team_id))
    detail: dict[str, str] = {"team": team.team_id if team else ""}
    event = AuditEvent(actor=actor, action="team.member", subject=account_id, detail={**detail})
    append_audit(connection, event, now_utc)


def teams_by_account(connection: Connection) -> Mapping[str, str]:
    """Return account -> team."""
    rows = connection.execute(select(TEAM_MEMBER.c.account_id, TEAM_MEMBER.c.team_id))
    return {row.account_id: row.team_id for row in rows}
