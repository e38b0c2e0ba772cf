"""The routes of the town's map: the page, what seldom changes, what moves."""

from collections.abc import Sequence

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from sync_server.access.roles import Action, may
from sync_server.db.engine_io import reading
from sync_server.patrols.inspection_store import CHECKPOINTS, PLANS, load_all
from sync_server.patrols.result_store import latest_facts
from sync_server.web.guarded_io import SeeAlerts
from sync_server.web.map_store import (
    MapCall,
    map_alerts,
    map_calls,
    map_crews,
    map_meter_count,
    map_meters,
    map_places,
    network_texts,
    silent_meters,
)
from sync_server.web.map_views import (
    LAYERS,
    LiveSource,
    StillSource,
    live_layers,
    read_part,
    still_layers,
)
from sync_server.web.page_queries_store import crew_names
from sync_server.web.pages_io import Pages, Reader
from sync_server.web.patrol_progress import CrewSeen, PatrolStop, last_seen, progress
from wire_contracts.orders import FactType

_OF_PATROLS = (FactType.PATROL_RUN, FactType.PATROL_POINT, FactType.CHECK_IN)
_FACTS = 400
"""Newest of them that are read: a day of ten patrols."""


def map_router(pages: Pages) -> APIRouter:
    """Return the routes of the map."""
    router = APIRouter()

    @router.get("/map")
    def town_map(request: Request, person: SeeAlerts) -> Response:
        """Show the page; its script fetches what is drawn."""
        return pages.page(request, pages.reader(person), "map.html", "map", layers=LAYERS)

    @router.get("/map/still")
    def still(person: SeeAlerts) -> Response:
        """Give pipes, points, meters and names."""
        return _json(still_layers(_still_source(pages), pages.reader(person).words))

    @router.get("/map/live")
    def live(person: SeeAlerts) -> Response:
        """Give meters that are not well, alerts, crews, and open requests by community."""
        reader = pages.reader(person)
        return _json(live_layers(_live_source(pages, reader), reader.words))

    return router


def _json(body: object) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")


def _still_source(pages: Pages) -> StillSource:
    with reading(pages.engine) as connection:
        return StillSource(
            parts=[read_part(text) for text in network_texts(connection)],
            meters=map_meters(connection),
            places=map_places(connection),
        )


def _live_source(pages: Pages, reader: Reader) -> LiveSource:
    with reading(pages.engine) as connection:
        stops, seen = _patrols(pages, connection, reader)
        return LiveSource(
            parts=[read_part(text) for text in network_texts(connection)],
            meter_count=map_meter_count(connection),
            silent=silent_meters(connection, pages.clock.now_utc()),
            alerts=map_alerts(connection),
            crews=map_crews(connection),
            calls=_calls(connection, reader),
            crew_names=crew_names(connection),
            stops=stops,
            seen=seen,
            now_utc=pages.clock.now_utc(),
        )


def _patrols(
    pages: Pages, connection: Connection, reader: Reader
) -> tuple[Sequence[PatrolStop], Sequence[CrewSeen]]:
    """Return the stops of the day's patrols, and where their crews were last."""
    if not may(reader.person.role, Action.SEE_ORDERS):
        return (), ()
    facts = latest_facts(connection, _OF_PATROLS, _FACTS)
    if not facts:
        return (), ()
    plans, places = load_all(connection, PLANS), load_all(connection, CHECKPOINTS)
    now_utc = pages.clock.now_utc()
    return progress(facts, plans, places, now_utc), last_seen(facts, places, now_utc)


def _calls(connection: Connection, reader: Reader) -> list[MapCall]:
    return list(map_calls(connection)) if may(reader.person.role, Action.SEE_REQUESTS) else []
