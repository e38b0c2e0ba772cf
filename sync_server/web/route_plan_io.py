"""The routes of the patrols' planning: a new route, its crew and date, its stops in order."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from sync_server.access.account_store import list_crews
from sync_server.db.engine_io import reading
from sync_server.patrols.inspection_store import CHECKPOINTS, Inspected, load_all
from sync_server.patrols.route_store import (
    RouteDraft,
    change_route,
    change_stop,
    get_route,
    make_route,
)
from sync_server.patrols.routes import StopChange
from sync_server.web.guarded_io import PlanRounds
from sync_server.web.pages_io import Pages, Reader, see_other
from sync_server.web.words import Words
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.patrols import LONGEST_INTERVAL_S, Checkpoint, PatrolPlan
from wire_contracts.texts import BilingualText

MOST_OFFERED: Final = 60
_DAY_S: Final = 86_400


class RouteForm(BaseModel):
    """What the office says of a route."""

    name_zh: str = Field(min_length=1, max_length=200)
    name_en: str = Field(default="", max_length=200)
    crew_id: str = Field(min_length=1, max_length=64)
    days: int = Field(default=30, ge=0, le=LONGEST_INTERVAL_S // _DAY_S)
    due: str = Field(default="", max_length=40)


class StopForm(BaseModel):
    """What is done to one stop."""

    change: StopChange
    stop: str = Field(min_length=1, max_length=64)
    q: str = Field(default="", max_length=100)


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRow:
    """One place: on the route with its number, or offered."""

    place_id: str
    number: int
    name: str
    address: str
    again: bool


def route_plan_router(pages: Pages) -> APIRouter:
    """Return the routes of the planning."""
    router = APIRouter()

    @router.post("/rounds/routes")
    def make(person: PlanRounds, form: Annotated[RouteForm, Form()]) -> Response:
        """Make a route and go on to its stops."""
        now_utc = pages.clock.now_utc()
        draft = _draft(form, pages.settings.zone)
        with pages.engine.begin() as connection:
            route_id = make_route(connection, draft, person.account_id, now_utc)
        return see_other(f"/rounds/routes/{route_id}")

    @router.get("/rounds/routes/{route_id}")
    def route(request: Request, person: PlanRounds, route_id: str, q: str = "") -> Response:
        """Show a route with its stops, and the places that could be added."""
        return _page(pages, request, pages.reader(person), route_id, q[:100])

    @router.post("/rounds/routes/{route_id}")
    def change(
        request: Request, person: PlanRounds, route_id: str, form: Annotated[RouteForm, Form()]
    ) -> Response:
        """Give the route another name, crew, interval or date."""
        try:
            draft = _draft(form, pages.settings.zone)
            with pages.engine.begin() as connection:
                now_utc = pages.clock.now_utc()
                change_route(connection, route_id, draft, person.account_id, now_utc)
        except ContractError as problem:
            return _refused(pages, request, pages.reader(person), route_id, problem)
        return see_other(f"/rounds/routes/{route_id}")

    @router.post("/rounds/routes/{route_id}/stops")
    def stops(
        request: Request, person: PlanRounds, route_id: str, form: Annotated[StopForm, Form()]
    ) -> Response:
        """Add, remove or move one stop."""
        try:
            with pages.engine.begin() as connection:
                now_utc = pages.clock.now_utc()
                actor = person.account_id
                change_stop(connection, route_id, form.change, form.stop, actor, now_utc)
        except ContractError as problem:
            return _refused(pages, request, pages.reader(person), route_id, problem)
        return see_other(f"/rounds/routes/{route_id}?q={form.q}")

    return router


def _draft(form: RouteForm, zone: tzinfo) -> RouteDraft:
    name_zh = form.name_zh.strip()
    return RouteDraft(
        name=BilingualText(en=form.name_en.strip() or name_zh, zh=name_zh),
        crew_id=form.crew_id,
        interval_s=form.days * _DAY_S,
        due_at_utc=_moment(form.due.strip(), zone),
    )


def _moment(typed: str, zone: tzinfo) -> datetime | None:
    if not typed:
        return None
    try:
        moment = datetime.fromisoformat(typed)
    except ValueError as error:
        raise ContractError(
            place="route",
            field="due",
            problem=f"{typed!r} is no time",
            remedy="write it like 2026-12-01 08:00",
            code=Code.FIELD_RANGE,
        ) from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)


def _refused(
    pages: Pages, request: Request, reader: Reader, route_id: str, problem: ContractError
) -> Response:
    if problem.code is Code.NOT_FOUND:
        raise problem
    return _page(pages, request, reader, route_id, problem=str(problem))


def _page(  # noqa: PLR0913  # which route, what is sought, what went wrong
    pages: Pages,
    request: Request,
    reader: Reader,
    route_id: str,
    search: str = "",
    *,
    problem: str = "",
) -> Response:
    words = reader.words
    with reading(pages.engine) as connection:
        plan = _route(connection, route_id)
        places = load_all(connection, CHECKPOINTS)
        crews = list_crews(connection)
    offered = _offered(plan, places, search, words)
    return pages.page(
        request,
        reader,
        "route.html",
        "rounds",
        route_id=route_id,
        plan=plan,
        title=plan.name.in_language(words.language),
        days=plan.interval_s // _DAY_S,
        due=words.moment(plan.due_at_utc) if plan.due_at_utc else "",
        crews=crews,
        stops=_stops(plan, places, words),
        offered=offered[:MOST_OFFERED],
        more=max(0, len(offered) - MOST_OFFERED),
        search=search,
        problem_text=problem,
        status=409 if problem else 200,
    )


def _route(connection: Connection, route_id: str) -> PatrolPlan:
    return get_route(connection, route_id)


def _stops(
    plan: PatrolPlan, places: Mapping[str, Inspected[Checkpoint]], words: Words
) -> list[StopRow]:
    return [_row(stop, index, places.get(stop), words) for index, stop in enumerate(plan.stops, 1)]


def _row(stop: str, number: int, place: Inspected[Checkpoint] | None, words: Words) -> StopRow:
    return StopRow(
        place_id=stop,
        number=number,
        name=place.thing.name.in_language(words.language) if place else stop,
        address=place.thing.address if place else "",
        again=bool(place.thing.recheck_reason) if place else False,
    )


def _offered(
    plan: PatrolPlan, places: Mapping[str, Inspected[Checkpoint]], search: str, words: Words
) -> list[StopRow]:
    """Return the crew's places that are not on the route and have every word that is sought."""
    wanted = search.casefold().split()
    on_route = set(plan.stops)
    found = []
    for place_id, each in places.items():
        text = f"{place_id} {each.thing.name.en} {each.thing.name.zh} {each.thing.address}"
        is_ours = each.crew_id == plan.crew_id and place_id not in on_route
        if is_ours and all(word in text.casefold() for word in wanted):
            found.append(_row(place_id, 0, each, words))
    return found
