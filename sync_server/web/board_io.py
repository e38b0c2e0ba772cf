"""The route of the dispatch board: open orders by crew and by the hour they are due."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from sync_server.access.account_store import list_crews
from sync_server.access.roles import Action, may
from sync_server.db.engine_io import reading
from sync_server.web.board_views import SPANS, board_lanes
from sync_server.web.guarded_io import SeeOrders
from sync_server.web.order_views import STATES_IN_TAB
from sync_server.web.page_queries_store import place_names
from sync_server.web.pages_io import Pages
from sync_server.work_orders.order import OrderFilter
from sync_server.work_orders.order_store import list_orders

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
        with reading(pages.engine) as connection:
            found = list_orders(connection, wanted)
            crews = [(each.crew_id, each.name) for each in list_crews(connection)]
            places = place_names(connection, [each.document.meter_id or "" for each in found])
        return pages.page(
            request,
            reader,
            "board.html",
            "board",
            lanes=board_lanes(found, crews, reader.words, pages.clock.now_utc(), places),
            spans=SPANS,
            can_send=may(person.role, Action.DISPATCH_ORDER),
            is_cut=len(found) == MOST_CARDS,
        )

    return router
