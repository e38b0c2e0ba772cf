"""The crews that an order can be sent to, each with what it has to do already."""

from dataclasses import dataclass

from sqlalchemy import Connection

from sync_server.access.account_store import list_crews
from sync_server.web.order_views import BUSY
from sync_server.web.words import Words
from sync_server.work_orders.order_store import least_busy_crew, orders_per_crew


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewChoice:
    """One crew that may be sent."""

    crew_id: str
    name: str
    words: str
    is_chosen: bool


def crew_choices(connection: Connection, words: Words, former: str) -> list[CrewChoice]:
    """Return the crews but `former`; chosen is the one that the automatic rule would take."""
    wanted = least_busy_crew(connection)
    busy = orders_per_crew(connection, BUSY)
    crews = [crew for crew in list_crews(connection) if crew.crew_id != former]
    return [
        CrewChoice(
            crew_id=crew.crew_id,
            name=crew.name,
            words=words.ngettext("%(n)d open", "%(n)d open", busy.get(crew.crew_id, 0))
            % {"n": busy.get(crew.crew_id, 0)},
            is_chosen=crew.crew_id == wanted,
        )
        for crew in crews
    ]
