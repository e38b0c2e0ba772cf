"""The routes of the review queue: what a crew wrote and could not be used as it came."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from sync_server.access.roles import Action, may
from sync_server.db.engine_io import reading
from sync_server.sync.review_store import list_reviews, resolve_review
from sync_server.web.guarded_io import ResolveReview, SeeReview
from sync_server.web.page_queries_store import account_names, conflicts_of, order_numbers
from sync_server.web.pages_io import Pages, Reader, see_other
from sync_server.web.record_views import Difference, review_row, shown_value
from sync_server.web.words import age, mark
from wire_contracts.errors import ContractError

_LISTED_RESOLVED = 20
MAX_REASON = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRights:
    """What the reader may do on the page."""

    resolve: bool


def review_router(pages: Pages) -> APIRouter:
    """Return the routes of the review queue."""
    router = APIRouter()

    @router.get("/review")
    def review(request: Request, person: SeeReview, item: str = "") -> Response:
        """Show the queue and one item."""
        return _page(pages, request, pages.reader(person), item)

    @router.post("/review/{review_id}/resolve")
    def resolve(
        request: Request,
        person: ResolveReview,
        review_id: str,
        reason: Annotated[str, Form(max_length=MAX_REASON)] = "",
    ) -> Response:
        """Close the item with what was decided and why."""
        reader = pages.reader(person)
        if not reason.strip():
            problem = reader.words.gettext(mark("A reason is needed before it is resolved."))
            return _page(pages, request, reader, review_id, problem)
        try:
            with pages.engine.begin() as connection:
                now_utc = pages.clock.now_utc()
                resolve_review(connection, review_id, person.account_id, reason.strip(), now_utc)
        except ContractError as refusal:
            return _page(pages, request, reader, "", str(refusal))
        return see_other("/review")

    return router


def _page(
    pages: Pages, request: Request, reader: Reader, chosen: str, problem: str = ""
) -> Response:
    words, now_utc = reader.words, pages.clock.now_utc()
    with reading(pages.engine) as connection:
        waiting = list_reviews(connection)
        done = list_reviews(connection, is_open=False)[-_LISTED_RESOLVED:]
        numbers = order_numbers(connection, [each.entity_id for each in (*waiting, *done)])
        names = {**account_names(connection), **numbers}
        item = next((each for each in waiting if each.review_id == chosen), None)
        item = item or next(iter(waiting), None)
        conflicts = conflicts_of(connection, item.op_id) if item and item.op_id else ()
    current = item.review_id if item else ""
    oldest = min((each.created_at_utc for each in waiting), default=None)
    return pages.page(
        request,
        reader,
        "review.html",
        "review",
        waiting=[review_row(each, words, now_utc, names, current) for each in waiting],
        resolved=[review_row(each, words, now_utc, names, "") for each in reversed(done)],
        item=review_row(item, words, now_utc, names, current) if item else None,
        differences=[
            Difference(
                field=each.field,
                crew=shown_value(each.crew_value),
                office=shown_value(each.office_value),
                kept=each.kept,
            )
            for each in conflicts
        ],
        oldest=age(now_utc - oldest) if oldest else "",
        can=ReviewRights(resolve=may(reader.person.role, Action.RESOLVE_REVIEW)),
        problem_text=problem,
        status=400 if problem else 200,
    )
