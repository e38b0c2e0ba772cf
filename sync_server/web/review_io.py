"""The routes of the review queue: what a crew wrote and could not be used as it came."""

from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from sync_server.db.engine_io import reading
from sync_server.sync.chosen_values import value_of
from sync_server.sync.late_judgement import judge_late_work
from sync_server.sync.ledger_store import (
    FieldConflict,
    conflict_of_operation,
    kept_bodies,
    record_of_operation,
)
from sync_server.sync.lost_orders import make_again
from sync_server.sync.order_copy_store import find_copy
from sync_server.sync.review_desk import Decision, current_value, settle
from sync_server.sync.review_store import ReviewItem, ReviewKind, get_review, list_reviews
from sync_server.sync.sealed_room import DRAFT_ENTITY, kept_drafts
from sync_server.web.guarded_io import ResolveReview, SeeReview
from sync_server.web.page_queries_store import (
    account_names,
    crew_names,
    order_numbers,
    sender_tablets,
    tablet_names,
)
from sync_server.web.pages_io import Pages, Reader, see_other
from sync_server.web.review_views import (
    Both,
    Names,
    Sent,
    Source,
    both_values,
    content_view,
    lost_order_view,
    order_stands,
    review_row,
    rights_of,
    sent_view,
    source_of,
)
from sync_server.web.words import age, mark
from sync_server.work_orders.fact_store import find_fact
from sync_server.work_orders.order_rows_store import find_order
from wire_contracts.errors import ContractError
from wire_contracts.life_cycle import RefusedTransition
from wire_contracts.review_outcomes import Choice

_LISTED_RESOLVED = 20
MAX_REASON = 400
MAX_VALUE = 20_000
MAX_SEEN = 200_000


def review_router(pages: Pages) -> APIRouter:
    """Return the routes of the review queue."""
    router = APIRouter()

    @router.get("/review")
    def review(request: Request, person: SeeReview, item: str = "") -> Response:
        """Show the queue and one item."""
        return _page(pages, request, pages.reader(person), item)

    @router.post("/review/{review_id}/resolve")
    def resolve(  # noqa: PLR0913, PLR0917  # the fields of the form
        request: Request,
        person: ResolveReview,
        review_id: str,
        reason: Annotated[str, Form(max_length=MAX_REASON)] = "",
        choice: Annotated[Choice, Form()] = Choice.NOTED,
        value: Annotated[str, Form(max_length=MAX_VALUE)] = "",
        seen: Annotated[str | None, Form(max_length=MAX_SEEN)] = None,
    ) -> Response:
        """Close the item with what was decided and why."""
        reader = pages.reader(person)
        if not reason.strip():
            problem = reader.words.gettext(mark("A reason is needed before it is resolved."))
            return _page(pages, request, reader, review_id, problem)
        decision = Decision(choice=choice, reason=reason.strip(), seen=seen)
        try:
            _settle(pages, reader, review_id, decision, value)
        except (ContractError, RefusedTransition) as refusal:
            return _page(pages, request, reader, review_id, str(refusal))
        return see_other("/review")

    @router.post("/review/{review_id}/make-order")
    def make_order(
        request: Request,
        person: ResolveReview,
        review_id: str,
        reason: Annotated[str, Form(max_length=MAX_REASON)] = "",
    ) -> Response:
        """Make an order again that only tablets remember, and let what crews told of it count."""
        reader, now_utc = pages.reader(person), pages.clock.now_utc()
        if not reason.strip():
            problem = reader.words.gettext(mark("A reason is needed before it is resolved."))
            return _page(pages, request, reader, review_id, problem)
        try:
            with pages.engine.begin() as connection:
                order_id = make_again(
                    connection, review_id, reason.strip(), person.account_id, now_utc
                )
        except ContractError as refusal:
            return _page(pages, request, reader, review_id, str(refusal))
        judge_late_work(pages.engine, now_utc)
        return see_other(f"/orders/{order_id}")

    return router


def _settle(pages: Pages, reader: Reader, review_id: str, decision: Decision, typed: str) -> None:
    with pages.engine.begin() as connection:
        item = get_review(connection, review_id)
        conflict = _conflict(connection, item)
        if conflict is not None and decision.choice is Choice.OTHER:
            zone = reader.words.zone
            chosen = value_of(conflict.field, typed, lambda moment: moment.replace(tzinfo=zone))
            decision = replace(decision, value=chosen)
        now_utc = pages.clock.now_utc()
        settle(connection, review_id, decision, reader.person.account_id, now_utc)


def _conflict(connection: Connection, item: ReviewItem | None) -> FieldConflict | None:
    if item is None or item.op_id is None:
        return None
    return conflict_of_operation(connection, item.op_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Detail:
    """The chosen item with everything that is known of its operation."""

    item: ReviewItem
    both: Both | None
    source: Source | None
    sent: list[Sent]
    stands: str
    is_lost_order: bool


def _detail(
    connection: Connection, pages: Pages, reader: Reader, item: ReviewItem, names: Names
) -> _Detail:
    words, conflict = reader.words, _conflict(connection, item)
    record = None if item.op_id is None else record_of_operation(connection, item.op_id)
    now_utc = pages.clock.now_utc()
    now = None if conflict is None else current_value(connection, conflict)
    return _Detail(
        item=item,
        both=None if conflict is None else both_values(conflict, now, words, names),
        source=None if record is None else source_of(record, words, now_utc, names),
        sent=[] if conflict is not None else _sent(connection, item, reader, names),
        stands=_stands(connection, item, reader, names),
        is_lost_order=item.kind is ReviewKind.LOST_ORDER,
    )


def _stands(connection: Connection, item: ReviewItem, reader: Reader, names: Names) -> str:
    order = find_order(connection, item.entity_id) if item.entity_id in names.orders else None
    return "" if order is None else order_stands(order, reader.words, names)


def _sent(connection: Connection, item: ReviewItem, reader: Reader, names: Names) -> list[Sent]:
    """Return what the crew sent, wherever it is kept."""
    words = reader.words
    if item.kind is ReviewKind.LOST_ORDER:
        copy = find_copy(connection, item.entity_id)
        return [] if copy is None else lost_order_view(copy, words, names)
    if item.entity == DRAFT_ENTITY:
        drafts = kept_drafts(connection, item.entity_id)
        return [content_view(DRAFT_ENTITY, draft, words) for draft in drafts]
    if item.kind is ReviewKind.ORPHAN_FACT:
        fact = find_fact(connection, item.entity_id)
        return [] if fact is None else [content_view(fact.fact_type, fact.payload, words)]
    bodies = kept_bodies(connection, item.op_id) if item.op_id is not None else []
    return [sent_view(body, words, names) for body in bodies]


def _page(
    pages: Pages, request: Request, reader: Reader, chosen: str, problem: str = ""
) -> Response:
    words, now_utc = reader.words, pages.clock.now_utc()
    with reading(pages.engine) as connection:
        waiting = list_reviews(connection)
        done = list_reviews(connection, is_open=False)
        lately = sorted(done, key=lambda each: each.resolved_at_utc or now_utc, reverse=True)
        lately = lately[:_LISTED_RESOLVED]
        names = Names(
            accounts=account_names(connection),
            crews=crew_names(connection),
            tablets=tablet_names(connection),
            orders=order_numbers(connection, [each.entity_id for each in (*waiting, *lately)]),
            senders=sender_tablets(connection, [each.op_id for each in waiting if each.op_id]),
        )
        item = next((each for each in waiting if each.review_id == chosen), None)
        item = item or next(iter(waiting), None)
        detail = _detail(connection, pages, reader, item, names) if item is not None else None
    current = item.review_id if item else ""
    oldest = min((each.created_at_utc for each in waiting), default=None)
    return pages.page(
        request,
        reader,
        "review.html",
        "review",
        waiting=[review_row(each, words, now_utc, names, current) for each in waiting],
        overdue=sum(each.due_at_utc < now_utc for each in waiting),
        resolved=[review_row(each, words, now_utc, names, "") for each in lately],
        item=review_row(item, words, now_utc, names, current) if item else None,
        detail=detail,
        oldest=age(now_utc - oldest) if oldest else "",
        can=rights_of(reader.person),
        problem_text=problem,
        status=400 if problem else 200,
    )
