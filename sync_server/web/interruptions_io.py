"""The routes of planned interruptions: plan, see who is concerned, announce, begin, end."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from sync_server.access.roles import Action, may
from sync_server.db.engine_io import reading
from sync_server.messages.message_store import states_of
from sync_server.messages.templates import Template
from sync_server.outages.interruption import OUTAGE, NewInterruption, OutageEvent
from sync_server.outages.interruption_store import (
    add_community,
    get_interruption,
    move_interruption,
    newest_interruptions,
    places_of,
    plan,
    valves_of,
)
from sync_server.web.desk_names_store import load_names
from sync_server.web.guarded_io import PlanInterruption, SeeInterruptions
from sync_server.web.intake_io import office_of
from sync_server.web.labels import MEDIA, label
from sync_server.web.outage_views import message_chips, outage_row, place_rows
from sync_server.web.pages_io import Pages, Reader, see_other
from sync_server.web.row_numbers import RowNumber
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.life_cycle import RefusedTransition
from wire_contracts.quantities import Medium

_MOST_VALVES = 20


class PlanForm(BaseModel):
    """A plan: times are the site's."""

    medium: Medium
    reason: str = Field(default="", max_length=400)
    from_at: str = Field(max_length=20)
    to_at: str = Field(max_length=20)
    valve: list[str] = Field(default_factory=list, max_length=_MOST_VALVES)
    urgent: str = Field(default="", max_length=3)


def interruptions_router(pages: Pages) -> APIRouter:
    """Return the routes of planned interruptions."""
    router = APIRouter()

    @router.get("/interruptions")
    def interruptions(
        request: Request, person: SeeInterruptions, medium: str = "water"
    ) -> Response:
        """Show what is planned, and the valves of a medium to plan with."""
        return _list_page(pages, request, pages.reader(person), medium)

    @router.post("/interruptions")
    def planned(
        request: Request, person: PlanInterruption, form: Annotated[PlanForm, Form()]
    ) -> Response:
        """Plan an interruption; who is concerned is found from the network."""
        reader = pages.reader(person)
        try:
            new = NewInterruption(
                medium=form.medium,
                reason=form.reason,
                valves=tuple(form.valve),
                from_utc=_moment(pages, "from", form.from_at),
                to_utc=_moment(pages, "to", form.to_at),
                is_urgent=bool(form.urgent),
            )
            with pages.engine.begin() as connection:
                found = plan(connection, new, office_of(pages, reader))
        except ContractError as problem:
            if problem.code is not Code.STATE:
                raise
            return _list_page(pages, request, reader, form.medium, problem=str(problem))
        return see_other(f"/interruptions/{found.interruption_id}")

    return router


def interruption_router(pages: Pages) -> APIRouter:
    """Return the routes of one interruption."""
    router = APIRouter()

    @router.get("/interruptions/{interruption_id}")
    def one(request: Request, person: SeeInterruptions, interruption_id: RowNumber) -> Response:
        """Show one interruption: who is concerned, who was told."""
        return _page(pages, request, pages.reader(person), interruption_id)

    @router.post("/interruptions/{interruption_id}/homes")
    def add(
        person: PlanInterruption,
        interruption_id: RowNumber,
        community: Annotated[str, Form(min_length=1, max_length=40)],
    ) -> Response:
        """Add the homes of a community by hand."""
        office = office_of(pages, pages.reader(person))
        with pages.engine.begin() as connection:
            add_community(connection, interruption_id, community, office)
        return see_other(f"/interruptions/{interruption_id}")

    @router.post("/interruptions/{interruption_id}")
    def move(
        request: Request,
        person: PlanInterruption,
        interruption_id: RowNumber,
        event: Annotated[OutageEvent, Form()],
    ) -> Response:
        """Announce, begin, end or cancel it."""
        reader = pages.reader(person)
        try:
            with pages.engine.begin() as connection:
                move_interruption(connection, interruption_id, event, office_of(pages, reader))
        except (ContractError, RefusedTransition) as problem:
            if isinstance(problem, ContractError) and problem.code is not Code.STATE:
                raise
            return _page(pages, request, reader, interruption_id, problem=str(problem))
        return see_other(f"/interruptions/{interruption_id}")

    return router


def _moment(pages: Pages, field: str, text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ContractError(
            place="interruption",
            field=field,
            problem=f"{text!r} is no time",
            remedy="write 2026-12-01T08:00",
            code=Code.STATE,
        ) from error
    return found if found.tzinfo is not None else found.replace(tzinfo=pages.settings.zone)


def _list_page(
    pages: Pages, request: Request, reader: Reader, medium: str, problem: str = ""
) -> Response:
    words, now_utc = reader.words, pages.clock.now_utc()
    shown = Medium(medium) if medium in set(Medium) else Medium.WATER
    with reading(pages.engine) as connection:
        found = newest_interruptions(connection)
        valves = valves_of(connection, shown)
    return pages.page(
        request,
        reader,
        "interruptions.html",
        "interruptions",
        rows=[outage_row(each, words, now_utc) for each in found],
        medium=str(shown),
        media=[(str(each), label(words, MEDIA, each)) for each in Medium],
        valves=[(each.point_id, each.name or each.point_id) for each in valves],
        can_plan=may(reader.person.role, Action.PLAN_INTERRUPTION),
        problem_text=problem,
        status=409 if problem else 200,
    )


def _page(
    pages: Pages, request: Request, reader: Reader, interruption_id: int, problem: str = ""
) -> Response:
    words, now_utc = reader.words, pages.clock.now_utc()
    with reading(pages.engine) as connection:
        found = get_interruption(connection, interruption_id)
        names = load_names(connection)
        places = places_of(connection, interruption_id)
        subject = str(interruption_id)
        told = states_of(connection, Template.INTERRUPTION, subject)
        untold = states_of(connection, Template.INTERRUPTION_CANCELLED, subject)
    can_plan = may(reader.person.role, Action.PLAN_INTERRUPTION)
    is_open = OutageEvent.ANNOUNCE in OUTAGE.possible_events(found.state)
    communities = sorted(
        (each, name.zh if words.language == "zh" else name.en)
        for each, name in names.communities.items()
    )
    return pages.page(
        request,
        reader,
        "interruption.html",
        "interruptions",
        i=outage_row(found, words, now_utc),
        places=place_rows(places, words, names),
        home_total=sum(each.lost + each.doubtful + each.by_hand for each in places),
        told=message_chips(told, words),
        untold=message_chips(untold, words),
        communities=communities,
        can_plan=can_plan,
        can_add=can_plan and is_open,
        problem_text=problem,
        status=409 if problem else 200,
    )
