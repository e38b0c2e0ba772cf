"""Where an order stands on the board."""

from datetime import timedelta

import pytest

from sync_server.web.board_views import Span, span_of
from tests.sync_server.real_parts import NOON


@pytest.mark.parametrize(
    ("hours", "span"),
    [
        (-0.01, Span.LATE),
        (0, Span.HOUR),
        (0.99, Span.HOUR),
        (1, Span.FOUR_HOURS),
        (4, Span.DAY),
        (24, Span.LATER),
    ],
)
def test_an_order_stands_where_its_promise_ends(hours: float, span: Span) -> None:
    assert span_of(NOON + timedelta(hours=hours), NOON) is span


def test_an_order_without_a_promise_stands_last() -> None:
    assert span_of(None, NOON) is Span.LATER
