"""Decides how callbacks are counted: reached, finished, promise kept, score (rule D-28)."""

from collections.abc import Sequence
from datetime import datetime, tzinfo

from sync_server.aftercare.callback_store import Answers
from sync_server.ledgers.ledger import Cell, LedgerRow, Term, Vocabulary, share

Called = tuple[datetime, Answers]


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
    reached = [answers for _, answers in called if answers.is_finished is not None]
    scores = [each.score for each in reached if each.score is not None]
    return (
        len(called),
        len(reached),
        share(sum(bool(each.is_finished) for each in reached), len(reached)),
        share(sum(bool(each.is_kept) for each in reached), len(reached)),
        round(sum(scores) / len(scores), 2) if scores else None,
        sum(bool(each.opinion) for each in reached),
        sum(not each.is_finished for each in reached),
    )
