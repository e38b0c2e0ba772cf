"""The routes of the staff: teams, skills with their end, messages for whoever is absent."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from sync_server.access.account_store import list_people
from sync_server.access.roles import Action, may
from sync_server.db.engine_io import reading
from sync_server.service_desk.request_store import Office
from sync_server.staff.notice_store import NewMessage, leave_message, messages_of, read_message
from sync_server.staff.skill_store import PersonSkill, end_skill, list_skills, note_skill
from sync_server.staff.skills import Skill
from sync_server.staff.team_store import list_teams, name_team, put_into_team, teams_by_account
from sync_server.web.attempts_io import attempt
from sync_server.web.guarded_io import ManageStaff, SeeStaff
from sync_server.web.labels import label
from sync_server.web.office_labels import SKILLS
from sync_server.web.page_queries_store import crew_names
from sync_server.web.pages_io import Pages, Reader, see_other
from sync_server.web.row_numbers import RowNumber
from sync_server.web.staff_views import Roster, message_rows, person_rows
from sync_server.work_orders.policy_store import policy_at
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError


class SkillForm(BaseModel):
    """Who can do what, by which certificate, until which day."""

    account_id: str = Field(max_length=64)
    skill: Skill
    certificate: str = Field(default="", max_length=80)
    ends_on: str = Field(default="", max_length=10)
    change: str = Field(default="save", max_length=10)


class MessageForm(BaseModel):
    """For whom, who called, and what."""

    to: str = Field(max_length=64)
    caller: str = Field(default="", max_length=80)
    text: str = Field(default="", max_length=2000)


def staff_router(pages: Pages) -> APIRouter:
    """Return the routes of people, messages and teams."""
    router = APIRouter()

    @router.get("/staff")
    def staff(request: Request, person: SeeStaff) -> Response:
        """Show people with team and skills, and one's own messages."""
        return _page(pages, request, pages.reader(person))

    @router.post("/staff/messages")
    def leave(request: Request, person: SeeStaff, form: Annotated[MessageForm, Form()]) -> Response:
        """Take a message for somebody who is not there."""
        new = NewMessage(to_account=form.to, caller=form.caller, text=form.text)

        def change(connection: Connection, office: Office) -> None:
            leave_message(connection, new, office.actor, office.now_utc)

        return _after(pages, request, pages.reader(person), change)

    @router.post("/staff/messages/{message_id}/read")
    def read(person: SeeStaff, message_id: RowNumber) -> Response:
        """Note that the own message was read."""
        with pages.engine.begin() as connection:
            read_message(connection, message_id, person.account_id, pages.clock.now_utc())
        return see_other("/staff")

    @router.post("/staff/teams/{team_id}")
    def team(
        request: Request,
        person: ManageStaff,
        team_id: str,
        aliases: Annotated[str, Form(max_length=2000)] = "",
    ) -> Response:
        """Set the other names of a team."""

        def change(connection: Connection, office: Office) -> None:
            name_team(connection, team_id, aliases.splitlines(), office.actor, office.now_utc)

        return _after(pages, request, pages.reader(person), change)

    return router


def skills_router(pages: Pages) -> APIRouter:
    """Return the routes that change skills and teams of a person."""
    router = APIRouter()

    @router.post("/staff/skills")
    def skill(
        request: Request, person: ManageStaff, form: Annotated[SkillForm, Form()]
    ) -> Response:
        """Note a skill with its certificate, or take it back."""

        def change(connection: Connection, office: Office) -> None:
            if form.change == "remove":
                end_skill(connection, form.account_id, form.skill, office.actor, office.now_utc)
                return
            new = PersonSkill(
                account_id=form.account_id,
                skill=form.skill,
                certificate=form.certificate,
                ends_at_utc=_end_of(form.ends_on, office),
            )
            note_skill(connection, new, office.actor, office.now_utc)

        return _after(pages, request, pages.reader(person), change)

    @router.post("/staff/{account_id}/team")
    def put(
        request: Request,
        person: ManageStaff,
        account_id: str,
        team: Annotated[str, Form(max_length=200)] = "",
    ) -> Response:
        """Put a person into a team, by any of its names."""

        def change(connection: Connection, office: Office) -> None:
            put_into_team(connection, account_id, team, office.actor, office.now_utc)

        return _after(pages, request, pages.reader(person), change)

    return router


def _end_of(text: str, office: Office) -> datetime | None:
    """Return the end of a certificate's last day at the site; None: without an end."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text) + timedelta(days=1)
    except (ValueError, OverflowError):
        raise ContractError(
            place="skill",
            field="ends_on",
            problem=f"{text!r} is no day",
            remedy="write a day such as 2027-05-31",
            code=Code.STATE,
        ) from None
    return datetime.combine(day, time(0), office.zone).astimezone(UTC)


def _after(
    pages: Pages, request: Request, reader: Reader, change: Callable[[Connection, Office], None]
) -> Response:
    problem = attempt(pages, reader, change)
    return see_other("/staff") if problem is None else _page(pages, request, reader, problem)


def _page(pages: Pages, request: Request, reader: Reader, problem: str = "") -> Response:
    words, now_utc = reader.words, pages.clock.now_utc()
    with reading(pages.engine) as connection:
        roster = Roster(
            people=[each for each in list_people(connection) if each.is_active],
            teams=list_teams(connection),
            team_of=teams_by_account(connection),
            skills=list_skills(connection),
            crews=crew_names(connection),
            warn=timedelta(days=policy_at(connection, "certificate.warn.days", now_utc)),
        )
        own = messages_of(connection, reader.person.account_id)
    return pages.page(
        request,
        reader,
        "staff.html",
        "staff",
        people=person_rows(roster, words, now_utc),
        messages=message_rows(own, roster, words),
        teams=roster.teams,
        skills=[(str(each), label(words, SKILLS, each)) for each in Skill],
        can_manage=may(reader.person.role, Action.MANAGE_STAFF),
        language=words.language,
        problem_text=problem,
        status=409 if problem else 200,
    )
