"""The figures of the callbacks, each with the requests that it is made of."""

from datetime import UTC

from sync_server.aftercare.callback_store import Answers
from sync_server.ledgers.callback_figures import callback_rows
from sync_server.ledgers.ledger import Cell, made_of
from tests.sync_server.real_parts import NOON

_MEAN = 5


def mean_of(*scores: int | None) -> Cell:
    called = [
        (NOON, f"r-{number}", Answers(is_finished=None if score is None else True, score=score))
        for number, score in enumerate(scores)
    ]
    (_, total) = callback_rows(called, [NOON.date().isoformat()], UTC)
    return total.cells[_MEAN]


def test_the_mean_score_leads_to_the_requests_whose_customers_gave_one() -> None:
    mean = mean_of(5, None, 4)

    assert (mean, made_of(mean)) == (4.5, ("r-0", "r-2"))


def test_where_nobody_gave_a_score_there_is_no_mean() -> None:
    assert mean_of(None, None) is None
