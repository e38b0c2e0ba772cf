"""The routes of the network's parts: the book, one part, what happens to it."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from sync_server.access.roles import Action, may
from sync_server.db.engine_io import reading
from sync_server.plant.plant import PLANT_CYCLE, PlantEvent
from sync_server.plant.plant_store import (
    PlantMove,
    all_parts,
    find_part,
    move_plant,
    record_of,
    states_of,
    steps_of,
)
from sync_server.service_desk.request_store import Office
from sync_server.web.attempts_io import attempt
from sync_server.web.guarded_io import DispatchOrder, SeeOrders
from sync_server.web.labels import MEDIA, label
from sync_server.web.office_labels import PLANT_EVENTS, PLANT_STATES
from sync_server.web.page_queries_store import account_names, order_lines
from sync_server.web.pages_io import Pages, Reader, see_other
from sync_server.web.plant_views import MOST_SHOWN, part_rows, part_view


class PlantQuery(BaseModel):
    """Which parts are shown, and which one beside them."""

    kind: str = Field(default="", max_length=40)
    medium: str = Field(default="", max_length=8)
    state: str = Field(default="", max_length=12)
    q: str = Field(default="", max_length=64)
    part: str = Field(default="", max_length=64)
    rows: int = Field(default=MOST_SHOWN, ge=1, le=100_000)


class MoveForm(BaseModel):
    """What happened to a part."""

    event: PlantEvent
    text: str = Field(default="", max_length=2000)
    severity: int | None = Field(default=None, ge=1, le=3)


def plant_router(pages: Pages) -> APIRouter:
    """Return the routes of the network's parts."""
    router = APIRouter()

    @router.get("/plant")
    def plant(
        request: Request, person: SeeOrders, asked: Annotated[PlantQuery, Query()]
    ) -> Response:
        """Show the parts with their states, and one of them."""
        return _page(pages, request, pages.reader(person), asked)

    @router.post("/plant/{plant_id}")
    def move(
        request: Request,
        person: DispatchOrder,
        plant_id: str,
        form: Annotated[MoveForm, Form()],
    ) -> Response:
        """Note what happened to a part; a defect makes its work order."""
        reader = pages.reader(person)

        def change(connection: Connection, office: Office) -> None:
            new = PlantMove(event=form.event, text=form.text, severity=form.severity)
            move_plant(connection, plant_id, new, office)

        problem = attempt(pages, reader, change)
        if problem is not None:
            return _page(pages, request, reader, PlantQuery(part=plant_id), problem)
        return see_other(f"/plant?part={plant_id}")

    return router


def _page(
    pages: Pages, request: Request, reader: Reader, asked: PlantQuery, problem: str = ""
) -> Response:
    words = reader.words
    with reading(pages.engine) as connection:
        parts, states = all_parts(connection), states_of(connection)
        names = account_names(connection)
        shown = None
        if asked.part:
            part = find_part(connection, asked.part)
            record = record_of(connection, asked.part)
            orders = order_lines(connection, [record.order_id] if record.order_id else [])
            steps = steps_of(connection, asked.part)
            shown = part_view(part, record, steps, orders, words, names)
            events = PLANT_CYCLE.possible_events(record.state)
        else:
            events = []
    rows = part_rows(parts, states, asked.kind, asked.medium, asked.state, asked.q, words)
    return pages.page(
        request,
        reader,
        "plant.html",
        "map",
        rows=rows[: asked.rows],
        more_count=max(0, len(rows) - asked.rows),
        more_rows=asked.rows + MOST_SHOWN,
        count=len(rows),
        part_count=len(parts),
        asked=asked,
        part=shown,
        events=[(str(each), label(words, PLANT_EVENTS, each)) for each in events],
        states=[(code, words.gettext(name)) for code, name in PLANT_STATES.items()],
        media=[(code, words.gettext(name)) for code, name in MEDIA.items()],
        can_move=may(reader.person.role, Action.DISPATCH_ORDER),
        problem_text=problem,
        status=409 if problem else 200,
    )
