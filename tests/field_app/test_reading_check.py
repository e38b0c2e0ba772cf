"""A meter of which one reading is known is not believed whatever it shows."""

import pytest

from field_app.orders.reading_check import DAY_MS, Doubt, doubt_of
from wire_contracts.order_site import Count

LAST_MONTH = Count(at_ms=0, value=1200.0)


@pytest.mark.parametrize(
    ("text", "doubt"),
    [("98765", Doubt.MUCH_MORE), ("1490", None), ("1200", None), ("1190", Doubt.BACKWARDS)],
)
def test_one_former_reading_is_enough_for_a_question(text: str, doubt: Doubt | None) -> None:
    assert doubt_of(text, (LAST_MONTH,), 30 * DAY_MS) is doubt
