"""The route of the dispatch board: open orders by crew and by the hour they are due."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from sync_server.access.account_store import list_crews, list_people
from sync_server.access.roles import Action, may
from sync_server.db.engine_io import reading
from sync_server.staff.skill_store import fit_crews, list_skills
from sync_server.web.board_views import SPANS, CrewSkill, Town, board_lanes
from sync_server.web.guarded_io import SeeOrders
from sync_server.web.map_store import map_crews
from sync_server.web.order_views import STATES_IN_TAB
from sync_server.web.page_queries_store import meter_places, place_names
from sync_server.web.pages_io import Pages
from sync_server.work_orders.order import OrderFilter, OrderRecord
from sync_server.work_orders.order_store import list_orders, work_of

MOST_CARDS: Final = 400
"""Open orders on the board; a crew of a town has some dozen."""


def board_router(pages: Pages) -> APIRouter:
    """Return the route of the board."""
    router = APIRouter()

    @router.get("/board")
    def board(request: Request, person: SeeOrders) -> Response:
        """Show the board; a card is sent to a crew by dragging it or by the lane's key."""
        reader = pages.reader(person)
        wanted = OrderFilter(states=STATES_IN_TAB["open"], has_evidence=False, limit=MOST_CARDS)
        now_utc = pages.clock.now_utc()
        with reading(pages.engine) as connection:
            found = list_orders(connection, wanted)
            town = _town(connection, found, now_utc)
        return pages.page(
            request,
            reader,
            "board.html",
            "board",
            lanes=board_lanes(found, town, reader.words, now_utc),
            spans=SPANS,
            can_send=may(person.role, Action.DISPATCH_ORDER),
            is_cut=len(found) == MOST_CARDS,
        )

    return router


def _town(connection: Connection, found: Sequence[OrderRecord], now_utc: datetime) -> Town:
    meters = [each.document.meter_id or "" for each in found]
    at = meter_places(connection, meters)
    works = {each.order_id: work_of(each) for each in found}
    fit = {work: fit_crews(connection, work, now_utc) for work in set(works.values())}
    crew_of = {each.account_id: each.crew_id for each in list_people(connection) if each.crew_id}
    return Town(
        crews=[(each.crew_id, each.name) for each in list_crews(connection)],
        names=place_names(connection, meters),
        places={
            each.order_id: at[each.document.meter_id]
            for each in found
            if each.document.meter_id in at
        },
        stands={each.crew_id: (each.x_m, each.y_m) for each in map_crews(connection)},
        fit={order_id: fit[work] for order_id, work in works.items()},
        skills=[
            CrewSkill(
                crew_id=crew_of[each.account_id], skill=each.skill, ends_at_utc=each.ends_at_utc
            )
            for each in list_skills(connection)
            if each.account_id in crew_of
        ],
    )
