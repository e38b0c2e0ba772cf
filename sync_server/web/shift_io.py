"""The routes of the shifts: the log, what is open now, offering and taking a hand-over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from sync_server.access.roles import Action, Role, may
from sync_server.db.engine_io import reading
from sync_server.shifts.shift import Desk, Handover, NewHandover, OpenMatter
from sync_server.shifts.shift_store import (
    add_entry,
    newest_entries,
    newest_handovers,
    offer_handover,
    take_handover,
)
from sync_server.web.guarded_io import KeepShift, SeeShift
from sync_server.web.page_queries_store import account_names
from sync_server.web.pages_io import Pages, Reader, see_other
from sync_server.web.row_numbers import RowNumber
from sync_server.web.shift_matters_store import open_matters
from sync_server.web.words import Words, mark
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError

MOST_TEXT: Final = 4000

DESKS: Final[Mapping[Desk, str]] = {
    Desk.CONTROL_ROOM: mark("Control room"),
    Desk.SERVICE_DESK: mark("Service desk"),
}

TOPICS: Final[Mapping[str, tuple[str, str, str, Action]]] = {
    "safety_alerts": (mark("Gas safety alerts"), "/alerts?tab=all", "danger", Action.SEE_ALERTS),
    "alerts_to_acknowledge": (mark("Alerts to acknowledge"), "/alerts", "warn", Action.SEE_ALERTS),
    "shelved_returning": (
        mark("Shelved, back within the shift"),
        "/alerts?tab=all",
        "",
        Action.SEE_ALERTS,
    ),
    "danger_orders": (mark("Class A orders under way"), "/orders", "danger", Action.SEE_ORDERS),
    "late_orders": (mark("Overdue orders"), "/orders", "warn", Action.SEE_ORDERS),
    "reviews": (mark("Review items"), "/review", "", Action.SEE_REVIEW),
    "late_requests": (
        mark("Requests over their clock"),
        "/requests",
        "danger",
        Action.SEE_REQUESTS,
    ),
    "slips_to_accept": (
        mark("Slips nobody accepted yet"),
        "/requests?tab=slips",
        "warn",
        Action.SEE_REQUESTS,
    ),
    "answers_pending": (
        mark("Callers who wait for an answer"),
        "/requests",
        "warn",
        Action.SEE_REQUESTS,
    ),
    "open_requests": (mark("Open requests"), "/requests", "", Action.SEE_REQUESTS),
}
"""Topic -> words, page, tone of its number when something is open, what its page asks for."""

_DESK_ROLES: Final = frozenset({Role.HOTLINE_AGENT, Role.WINDOW_CLERK, Role.QUALITY_OFFICER})


@dataclass(frozen=True, slots=True, kw_only=True)
class MatterRow:
    """One kind of open thing; `href` is empty where the reader may not go."""

    words: str
    href: str
    count: int
    tone: str
    names: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRow:
    """One line of the log."""

    at: str
    who: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverRow:
    """One hand-over; `to` is empty while nobody took it."""

    handover_id: RowNumber
    from_who: str
    offered: str
    to: str
    taken: str
    note: str
    matters: Sequence[MatterRow]


def shift_router(pages: Pages) -> APIRouter:
    """Return the routes of the shifts."""
    router = APIRouter()

    @router.get("/shift")
    def shift(request: Request, person: SeeShift, desk: str = "") -> Response:
        """Show log, what is open and the hand-overs of a desk."""
        return _page(pages, request, pages.reader(person), _desk(desk, person.role))

    @router.post("/shift/{desk}/entry")
    def entry(
        person: KeepShift,
        desk: Desk,
        text: Annotated[str, Form(min_length=1, max_length=MOST_TEXT)],
    ) -> Response:
        """Add a line to the log."""
        with pages.engine.begin() as connection:
            add_entry(connection, desk, person.account_id, text, pages.clock.now_utc())
        return see_other(f"/shift?desk={desk}")

    @router.post("/shift/{desk}/offer")
    def offer(
        person: KeepShift, desk: Desk, note: Annotated[str, Form(max_length=MOST_TEXT)] = ""
    ) -> Response:
        """Offer the shift as it stands now to the next one."""
        now_utc = pages.clock.now_utc()
        with pages.engine.begin() as connection:
            matters = open_matters(connection, desk, now_utc)
            new = NewHandover(desk=desk, note=note, matters=matters)
            offer_handover(connection, new, person.account_id, now_utc)
        return see_other(f"/shift?desk={desk}")

    @router.post("/shift/handover/{handover_id}/take")
    def take(request: Request, person: KeepShift, handover_id: RowNumber) -> Response:
        """Take a shift over."""
        try:
            with pages.engine.begin() as connection:
                taken = take_handover(
                    connection, handover_id, person.account_id, pages.clock.now_utc()
                )
        except ContractError as problem:
            if problem.code is not Code.STATE:
                raise
            reader = pages.reader(person)
            return _page(pages, request, reader, _desk("", person.role), str(problem))
        return see_other(f"/shift?desk={taken.desk}")

    return router


def _desk(asked: str, role: Role) -> Desk:
    if asked in set(Desk):
        return Desk(asked)
    return Desk.SERVICE_DESK if role in _DESK_ROLES else Desk.CONTROL_ROOM


def _page(
    pages: Pages, request: Request, reader: Reader, desk: Desk, problem: str = ""
) -> Response:
    words, now_utc = reader.words, pages.clock.now_utc()
    with reading(pages.engine) as connection:
        names = account_names(connection)
        matters = open_matters(connection, desk, now_utc)
        entries = newest_entries(connection, desk)
        handovers = newest_handovers(connection, desk)
    rows = [_handover_row(each, reader, names) for each in handovers]
    waiting = next((each for each in rows if not each.to), None)
    is_own = bool(handovers) and handovers[0].from_actor == reader.person.account_id
    return pages.page(
        request,
        reader,
        "shift.html",
        "shift",
        desk=str(desk),
        desks=[(str(each), words.gettext(DESKS[each])) for each in Desk],
        matters=matter_rows(matters, words, reader.person.role),
        entries=[
            EntryRow(
                at=words.near_clock(each.at_utc, now_utc),
                who=names.get(each.actor, each.actor),
                text=each.text,
            )
            for each in entries
        ],
        waiting=waiting,
        is_own=is_own,
        handovers=[each for each in rows if each.to],
        can_keep=may(reader.person.role, Action.KEEP_SHIFT),
        takes_requests=may(reader.person.role, Action.TAKE_REQUEST),
        problem_text=problem,
        status=409 if problem else 200,
    )


def matter_rows(matters: Sequence[OpenMatter], words: Words, role: Role) -> list[MatterRow]:
    """Return what is open in the reader's words; a topic of a later version keeps its code."""
    found = []
    for each in matters:
        message, href, tone, action = TOPICS.get(
            each.topic, (each.topic, "/", "", Action.OWN_SESSION)
        )
        more = each.count - len(each.names)
        names = ", ".join(each.names) + (f" +{more}" if more > 0 and each.names else "")
        found.append(
            MatterRow(
                words=words.gettext(message),
                href=href if may(role, action) else "",
                count=each.count,
                tone=tone if each.count else "",
                names=names,
            )
        )
    return found


def _handover_row(each: Handover, reader: Reader, names: Mapping[str, str]) -> HandoverRow:
    words = reader.words
    return HandoverRow(
        handover_id=each.handover_id,
        from_who=names.get(each.from_actor, each.from_actor),
        offered=words.moment(each.offered_at_utc),
        to=names.get(each.to_actor, each.to_actor) if each.to_actor else "",
        taken=words.moment(each.taken_at_utc) if each.taken_at_utc else "",
        note=each.note,
        matters=matter_rows(each.matters, words, reader.person.role),
    )
