"""Takes pages into the base rows: page, token and rebuilt lines in one transaction each."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol, runtime_checkable

from sqlalchemy import Connection

from field_app.orders import order_store
from field_app.store import (
    base_store,
    lease_store,
    mismatch_reports,
    order_copy_store,
    outcome_store,
    settings_store,
)
from field_app.store.base_store import Thing
from field_app.store.database_io import Database
from field_app.store.personal_rows import Keep, keep_nothing
from field_app.store.settings_store import Key
from field_app.sync import sync_store
from field_app.sync.epochs import start_afresh, take_epoch
from field_app.sync.reasons import Reason, RequestRefused, SyncProblem
from field_app.sync.sync_store import PullProgress
from wire_contracts.clock import Clock
from wire_contracts.errors import ContractError
from wire_contracts.fields import JsonObject
from wire_contracts.orders import ENTITY
from wire_contracts.pulls import MAX_ROWS, PullAnswer
from wire_contracts.review_outcomes import OUTCOME_ENTITY
from wire_contracts.sync import SyncApi


class PageOutcome(StrEnum):
    """What follows a page."""

    MORE = "more"
    COMPLETE = "complete"
    AFRESH = "afresh"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True, kw_only=True)
class PulledPage:
    """A page with what it answered."""

    asked_token: str | None
    round_no: int
    answer: PullAnswer
    received_bytes: int = 0


@runtime_checkable
class CountsBytes(Protocol):
    """A way to the server that knows how much came over it."""

    @property
    def received_bytes(self) -> int:
        """Return how many bytes of answers have come so far."""
        ...


def pull_round(database: Database, api: SyncApi, clock: Clock, keep: Keep = keep_nothing) -> None:
    """Pull until the heads of all buckets are reached; `keep` says what of a person may stay.

    Raises:
        SyncProblem: No usable answer; every page taken before it stays, with its token.
    """
    round_no, token = database.write(_begin_round)
    has_begun_afresh = False
    meter = _ByteMeter(api)

    def begin(token: str | None, answer: PullAnswer) -> "Future[PageOutcome]":
        page = PulledPage(
            asked_token=token, round_no=round_no, answer=answer, received_bytes=meter.since_last()
        )
        return database.submit(lambda connection: take_page(connection, page, clock, keep))

    while True:
        try:
            outcome = _follow(api, token, begin)
        except RequestRefused:
            if token is None or has_begun_afresh:
                raise
            has_begun_afresh = True
            database.write(start_afresh)
        else:
            if outcome in {PageOutcome.COMPLETE, PageOutcome.SUPERSEDED}:
                return
        token = database.read(_load_token)


class _ByteMeter:
    """Tells how much came since it was asked last; nothing over a way that does not count."""

    def __init__(self, api: SyncApi) -> None:
        way: object = api
        self._way = way if isinstance(way, CountsBytes) else None
        self._told = 0 if self._way is None else self._way.received_bytes

    def since_last(self) -> int:
        if self._way is None:
            return 0
        told, self._told = self._told, self._way.received_bytes
        return self._told - told


Begin = Callable[[str | None, PullAnswer], "Future[PageOutcome]"]
"""(token that was asked with, answer) -> the page on its way into the file."""


def _follow(api: SyncApi, token: str | None, begin: Begin) -> PageOutcome:
    """Take pages until one is the last or does not fit; each is fetched while another is written.

    What is fetched ahead is used only when the page before it is in the file.
    """
    writing: Future[PageOutcome] | None = None
    while True:
        try:
            answer = api.pull(token, MAX_ROWS)
        finally:
            if writing is not None:
                wait([writing])
        outcome = PageOutcome.MORE if writing is None else _outcome(writing)
        if outcome is not PageOutcome.MORE:
            return outcome
        _demand_progress(token, answer)
        writing = begin(token, answer)
        if not answer.has_more:
            return _outcome(writing)
        token = answer.token


def _begin_round(connection: Connection) -> tuple[int, str | None]:
    """Return the number of the round and the token that it begins with."""
    return settings_store.count_up(connection, Key.PULL_ROUND), _load_token(connection)


def _load_token(connection: Connection) -> str | None:
    return settings_store.load_text(connection, Key.PULL_TOKEN)


def _demand_progress(token: str | None, answer: PullAnswer) -> None:
    if answer.has_more and answer.token == token:
        detail = "pull: the server says there is more but its token does not move"
        raise SyncProblem(Reason.SERVER, detail)


def _outcome(writing: "Future[PageOutcome]") -> PageOutcome:
    try:
        return writing.result()
    except ContractError as error:
        raise SyncProblem(Reason.SERVER, str(error)) from error


def take_page(
    connection: Connection, page: PulledPage, clock: Clock, keep: Keep = keep_nothing
) -> PageOutcome:
    """Take one page in the caller's transaction; return what follows.

    Raises:
        ContractError: A row does not match its hash; the caller's transaction must roll back.
        SyncProblem: The tablet was withdrawn while the page was on its way; nothing was taken.
    """
    if lease_store.is_withdrawn(connection):  # it has no token, and looks as before its first page
        raise SyncProblem(Reason.WITHDRAWN, "pull: withdrawn while a page was on its way")
    if settings_store.load_text(connection, Key.PULL_TOKEN) != page.asked_token:
        return PageOutcome.SUPERSEDED  # another process took this page meanwhile
    answer = page.answer
    sync_store.note_contact(connection, clock, answer.server_now_ms)
    settings_store.save(connection, Key.PROTOCOL, answer.protocol)
    lease_store.note_lease(
        connection, answer.lease_until_ms, answer.sealing_key, answer.server_now_ms
    )
    if take_epoch(connection, answer.server_epoch):
        return PageOutcome.AFRESH
    is_complete = not answer.has_more
    touched = _take_rows(connection, answer, keep, is_complete=is_complete)
    settings_store.save(connection, Key.PULL_TOKEN, answer.token)
    _finish_page(connection, page, touched, is_complete=is_complete)
    sync_store.note_progress(connection, None if is_complete else _progress(connection, page))
    if _has_begun_repair(connection, answer):
        return PageOutcome.AFRESH
    return PageOutcome.COMPLETE if is_complete else PageOutcome.MORE


def _progress(connection: Connection, page: PulledPage) -> PullProgress | None:
    """Return how far the largest bucket of this page has come, and what came over the network."""
    known = sync_store.load_progress(connection)
    received = page.received_bytes + (0 if known is None else known.received_bytes)
    largest = max(page.answer.buckets, key=lambda each: each.total or 0, default=None)
    if largest is None or not largest.total:
        return None if known is None else replace(known, received_bytes=received)
    rows = base_store.load_tally(connection, largest.bucket).count
    return PullProgress(rows=rows, total=largest.total, received_bytes=received)


def _take_rows(
    connection: Connection, answer: PullAnswer, keep: Keep, *, is_complete: bool
) -> set[Thing]:
    touched: set[Thing] = set()
    for bucket_page in answer.buckets:
        touched |= base_store.apply_page(connection, bucket_page, keep, is_swept=not is_complete)
    for name in answer.dropped_buckets:
        touched |= base_store.drop_bucket(connection, name)
    if is_complete:
        touched |= base_store.sweep_stale(connection)
        order_copy_store.end_watch(connection, answer.server_now_ms)
    return touched


def _finish_page(
    connection: Connection, page: PulledPage, touched: set[Thing], *, is_complete: bool
) -> None:
    complete_round = page.round_no if is_complete else None
    records = outcome_store.close_echoed(connection, complete_round=complete_round)
    records |= outcome_store.note_decisions(connection, _decisions(page.answer))
    orders = {entity_id for entity, entity_id in touched if entity == ENTITY}
    pulled = {
        row.entity_id: row.document
        for bucket_page in page.answer.buckets
        for row in bucket_page.rows
        if row.entity == ENTITY
    }
    order_store.rebuild_lines(connection, sorted(orders | records), pulled)
    if is_complete:
        outcome_store.prune_history(connection, server_now_ms=page.answer.server_now_ms)


def _decisions(answer: PullAnswer) -> Iterator[JsonObject]:
    for page in answer.buckets:
        yield from (row.document for row in page.rows if row.entity == OUTCOME_ENTITY)


def _has_begun_repair(connection: Connection, answer: PullAnswer) -> bool:
    """Check the buckets that reached their head; a mismatch is noted and repaired once.

    A bucket stays known as broken until it adds up again: a second fresh pass over the same
    mismatch would bring the same rows, whatever the other buckets say meanwhile. The office is told
    of it instead.
    """
    ends = {each.bucket: each.end for each in answer.buckets if each.end is not None}
    mismatches = {
        name: mismatch
        for name, end in ends.items()
        if (mismatch := base_store.check_bucket(connection, name, end)) is not None
    }
    known = mismatch_reports.broken_buckets(connection)
    broken = (known - ends.keys() - set(answer.dropped_buckets)) | mismatches.keys()
    if broken != known:
        mismatch_reports.save_broken(connection, broken)
    for name in sorted(mismatches):
        report = (
            mismatch_reports.report_lasting if name in known else mismatch_reports.report_mismatch
        )
        report(connection, mismatches[name], answer.server_now_ms)
    has_news = bool(mismatches.keys() - known)
    if has_news:
        start_afresh(connection)
    return has_news
