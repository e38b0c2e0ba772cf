"""The route of the rounds: what is planned for inspectors, and what they did."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from sync_server.access.account_store import list_crews
from sync_server.access.roles import Action, may
from sync_server.db.engine_io import reading
from sync_server.patrols.inspection_store import (
    CHECKPOINTS,
    HOUSEHOLDS,
    PLANS,
    load_all,
)
from sync_server.patrols.result_store import latest_facts
from sync_server.web.guarded_io import SeeOrders
from sync_server.web.home_check_views import homes_with_hazards
from sync_server.web.page_queries_store import account_names, count_inspected, crew_names
from sync_server.web.pages_io import Pages
from sync_server.web.round_views import Known, home_counts, result_rows, route_rows
from wire_contracts.meter_rounds import METER_ENTITY
from wire_contracts.orders import FactType

_SHOWN = 200

_PATROLS = (
    FactType.PATROL_RUN,
    FactType.PATROL_POINT,
    FactType.CHECK_IN,
    FactType.GAS_MEASUREMENT,
    FactType.SAFETY_CHECK,
)


def rounds_router(pages: Pages) -> APIRouter:
    """Return the route of the page."""
    router = APIRouter()

    @router.get("/rounds")
    def rounds(request: Request, person: SeeOrders) -> Response:
        """Show routes, what inspectors did lately, homes and meters."""
        reader, now_utc = pages.reader(person), pages.clock.now_utc()
        with reading(pages.engine) as connection:
            places = load_all(connection, CHECKPOINTS)
            plans = load_all(connection, PLANS)
            homes = load_all(connection, HOUSEHOLDS)
            meter_total = count_inspected(connection, METER_ENTITY)
            facts = latest_facts(connection, _PATROLS, _SHOWN)
            crews = crew_names(connection)
            names = account_names(connection)
            known = Known(plans=plans, places=places, homes=homes, accounts=names)
            active = list_crews(connection)
        return pages.page(
            request,
            reader,
            "rounds.html",
            "rounds",
            routes=route_rows(plans, places, crews, reader.words, now_utc),
            results=result_rows(facts, known, reader.words, now_utc),
            homes=home_counts(homes, reader.words),
            hazards=homes_with_hazards(homes, reader.words, now_utc),
            home_total=len(homes),
            meter_total=meter_total,
            place_total=len(places),
            crews=active,
            sees_readings=may(person.role, Action.SEE_READINGS),
            can_plan=may(person.role, Action.PLAN_ROUNDS),
        )

    return router
