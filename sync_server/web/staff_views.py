"""What the page of the staff shows: people with team and skills, messages for the reader."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sync_server.access.account_store import Person
from sync_server.staff.notice_store import StaffMessage
from sync_server.staff.skill_store import PersonSkill
from sync_server.staff.skills import Standing, standing_of
from sync_server.staff.team_store import Team
from sync_server.web.labels import ROLES, label
from sync_server.web.office_labels import SKILLS, STANDINGS
from sync_server.web.words import Words

_TONES: Mapping[Standing, tuple[str, str]] = {
    Standing.VALID: ("ok", "check"),
    Standing.EXPIRING: ("warn", "clock"),
    Standing.EXPIRED: ("danger", "warn"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """Everybody who works here, with what is known of them."""

    people: Sequence[Person]
    teams: Sequence[Team]
    team_of: Mapping[str, str]
    skills: Sequence[PersonSkill]
    crews: Mapping[str, str]
    warn: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class SkillView:
    """One skill of a person; `until` is the last day, empty without an end."""

    code: str
    name: str
    certificate: str
    until: str
    words: str
    tone: str
    icon: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    """One person."""

    account_id: str
    name: str
    role: str
    crew: str
    team_id: str
    team: str
    skills: Sequence[SkillView]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRow:
    """One message for the reader."""

    message_id: int
    taken_by: str
    caller: str
    text: str
    at: str
    is_unread: bool


def person_rows(roster: Roster, words: Words, now_utc: datetime) -> list[PersonRow]:
    """Return the people by team and name, each with what they can do."""
    teams = {each.team_id: _name(each, words) for each in roster.teams}
    rows = []
    for person in roster.people:
        team_id = roster.team_of.get(person.account_id, "")
        rows.append(
            PersonRow(
                account_id=person.account_id,
                name=person.display_name,
                role=label(words, ROLES, person.role),
                crew=roster.crews.get(person.crew_id or "", person.crew_id or ""),
                team_id=team_id,
                team=teams.get(team_id, ""),
                skills=[
                    _skill(each, roster.warn, words, now_utc)
                    for each in roster.skills
                    if each.account_id == person.account_id
                ],
            )
        )
    return sorted(rows, key=lambda each: (not each.team, each.team, each.name))


def _name(team: Team, words: Words) -> str:
    return team.name_zh if words.language == "zh" else team.name_en


def _skill(skill: PersonSkill, warn: timedelta, words: Words, now_utc: datetime) -> SkillView:
    standing = standing_of(skill.ends_at_utc, now_utc, warn)
    tone, icon = _TONES[standing]
    until = ""
    if skill.ends_at_utc is not None:
        last = skill.ends_at_utc - timedelta(seconds=1)
        until = last.astimezone(words.zone).date().isoformat()
    return SkillView(
        code=str(skill.skill),
        name=label(words, SKILLS, skill.skill),
        certificate=skill.certificate,
        until=until,
        words=label(words, STANDINGS, standing),
        tone=tone,
        icon=icon,
    )


def message_rows(
    messages: Sequence[StaffMessage], roster: Roster, words: Words
) -> list[MessageRow]:
    """Return one's own messages, unread ones first."""
    names = {each.account_id: each.display_name for each in roster.people}
    return [
        MessageRow(
            message_id=each.message_id,
            taken_by=names.get(each.taken_by, each.taken_by),
            caller=each.caller,
            text=each.text,
            at=words.moment(each.at_utc),
            is_unread=each.read_at_utc is None,
        )
        for each in messages
        if each.text
    ]
