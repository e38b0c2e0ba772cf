"""The route of the list of requests: one tab, page by page along its key."""

import re
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from sync_server.access.roles import Action, may
from sync_server.aftercare.visit_follow_store import follow_visits
from sync_server.db.engine_io import reading
from sync_server.service_desk.clocks import ENDED
from sync_server.service_desk.order_follow_store import behind, follow_orders
from sync_server.service_desk.request import RequestRecord
from sync_server.service_desk.request_rows_store import OPEN, key_of, newest_page, open_page
from sync_server.web.desk import Tab
from sync_server.web.desk_names_store import load_names
from sync_server.web.guarded_io import SeeRequests
from sync_server.web.intake_io import office_of
from sync_server.web.pages_io import Pages, Reader
from sync_server.web.request_views import request_row
from sync_server.web.words import mark
from wire_contracts.request_states import RequestState

ROWS_ON_PAGE: Final = 50

_S = RequestState
_TABS: Final = {
    "open": mark("Open"),
    "slips": mark("To accept"),
    "callbacks": mark("To call back"),
    "done": mark("Done"),
    "all": mark("All"),
}
_STATES: Final = {
    "open": OPEN,
    "slips": frozenset({_S.DISPATCHED}),
    "callbacks": frozenset({_S.DONE, _S.REPLIED}),
    "done": ENDED | {_S.CONFIRMED},
    "all": frozenset(_S),
}
_CURSOR: Final = re.compile(r"-?\d{1,19}")
_NEWEST_FIRST: Final = frozenset({"done", "all"})


def requests_router(pages: Pages) -> APIRouter:
    """Return the route that shows the list."""
    router = APIRouter()

    @router.get("/requests")
    def requests(
        request: Request, person: SeeRequests, tab: str = "open", after: str = ""
    ) -> Response:
        """Show one page of one tab; what is over next stands first."""
        catch_up(pages, pages.reader(person))
        shown = tab if tab in _TABS else "open"
        return _list_page(pages, request, pages.reader(person), shown, after)

    return router


def catch_up(pages: Pages, reader: Reader) -> None:
    """Let requests follow what crews did meanwhile, so that a page never shows them behind."""
    with reading(pages.engine) as connection:
        is_behind = bool(behind(connection))
    if is_behind:
        with pages.engine.begin() as connection:
            follow_orders(connection, office_of(pages, reader))
            follow_visits(connection, office_of(pages, reader))


def _list_page(pages: Pages, request: Request, reader: Reader, tab: str, after: str) -> Response:
    words, now_utc = reader.words, pages.clock.now_utc()
    with reading(pages.engine) as connection:
        names = load_names(connection)
        found = _page_of(connection, tab, after)
        more = found[ROWS_ON_PAGE:]
        found = found[:ROWS_ON_PAGE]
        counts = {
            each: len(open_page(connection, _STATES[each], None, 100))
            for each in ("open", "slips", "callbacks")
        }
    return pages.page(
        request,
        reader,
        "requests.html",
        "requests",
        tabs=[
            Tab(
                message=message,
                href=f"/requests?tab={key}",
                count=counts.get(key, 0),
                is_current=key == tab,
            )
            for key, message in _TABS.items()
        ],
        rows=[request_row(each, words, now_utc, names) for each in found],
        first_href=f"/requests?tab={tab}" if after else "",
        next_href=f"/requests?tab={tab}&after={_cursor(found[-1], tab)}" if more else "",
        can_take=may(reader.person.role, Action.TAKE_REQUEST),
    )


def _page_of(connection: Connection, tab: str, after: str) -> list[RequestRecord]:
    limit = ROWS_ON_PAGE + 1
    if tab in _NEWEST_FIRST:
        return list(newest_page(connection, _STATES[tab], after or None, limit))
    at_ms, _, request_id = after.partition(".")
    is_key = _CURSOR.fullmatch(at_ms) is not None
    key = (int(at_ms), request_id) if is_key else None
    return list(open_page(connection, _STATES[tab], key, limit))


def _cursor(record: RequestRecord, tab: str) -> str:
    if tab in _NEWEST_FIRST:
        return record.request_id
    at_ms, request_id = key_of(record)
    return f"{at_ms}.{request_id}"
