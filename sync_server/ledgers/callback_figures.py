"""Decides how callbacks are counted: reached, finished, promise kept, score (rule D-28)."""

from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo

from sync_server.aftercare.callback_store import Answers
from sync_server.ledgers.ledger import Cell, Count, LedgerRow, Mean, Term, Vocabulary, share

Called = tuple[datetime, str, Answers]


def callback_rows(called: Sequence[Called], days: Sequence[str], zone: tzinfo) -> list[LedgerRow]:
    """Return the callbacks by day and their sum."""
    rows = []
    for day in days:
        own = [each for each in called if each[0].astimezone(zone).date().isoformat() == day]
        if own:
            rows.append(LedgerRow(cells=(day, *_cells(own))))
    total = Term(vocabulary=Vocabulary.TOTAL, code="total")
    return [*rows, LedgerRow(cells=(total, *_cells(called)))] if rows else []


def _cells(called: Sequence[Called]) -> tuple[Cell, ...]:
    reached = [each for each in called if each[2].is_finished is not None]
    scored = [
        (request_id, answers.score)
        for _, request_id, answers in reached
        if answers.score is not None
    ]
    return (
        _those(called),
        _those(reached),
        share(_those(each for each in reached if each[2].is_finished), len(reached)),
        share(_those(each for each in reached if each[2].is_kept), len(reached)),
        _mean(scored),
        _those(each for each in reached if each[2].opinion),
        _those(each for each in reached if not each[2].is_finished),
    )


def _mean(scored: Sequence[tuple[str, int]]) -> Mean | None:
    """Return the mean score of 1 to 5; None where nobody gave one."""
    if not scored:
        return None
    mean = sum(score for _, score in scored) / len(scored)
    return Mean(round(mean, 2), (request_id for request_id, _ in scored))


def _those(called: Iterable[Called]) -> Count:
    """Return how many callbacks, and of which requests."""
    return Count(request_id for _, request_id, _ in called)
