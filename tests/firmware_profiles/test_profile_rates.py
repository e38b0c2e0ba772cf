"""No meter jumps: what moved faster than its profile allows is doubted."""

from datetime import UTC, datetime, timedelta

import pytest

from firmware_profiles.rates import Poll, rate_suspects
from tests.firmware_profiles.profile_text import TEXT, parsed, with_line
from wire_contracts.quantities import Quantity

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def poll(minutes: int, flow_m3h: float | None) -> Poll:
    values = {} if flow_m3h is None else {Quantity.FLOW_M3H: flow_m3h}
    return Poll(at_utc=NOON + timedelta(minutes=minutes), values=values)


@pytest.mark.parametrize(
    ("minutes", "flow_m3h", "is_suspect"),
    [(30, 2.0, False), (30, 2.1, True), (30, -0.1, True), (0, 9.0, False), (-5, 9.0, False)],
)
def test_a_jump_is_doubted(minutes: int, flow_m3h: float, *, is_suspect: bool) -> None:
    profile = parsed(with_line(TEXT, "max_rate = 2"))

    found = rate_suspects(profile, poll(0, 1.0), poll(minutes, flow_m3h))

    assert found == ({Quantity.FLOW_M3H: "suspect_rate"} if is_suspect else {})


def test_nothing_is_judged_without_two_values_and_a_limit() -> None:
    limited = parsed(with_line(TEXT, "max_rate = 2"))

    assert rate_suspects(parsed(), poll(0, 1.0), poll(1, 99.0)) == {}
    assert rate_suspects(limited, poll(0, None), poll(1, 99.0)) == {}
    assert rate_suspects(limited, poll(0, 1.0), poll(1, None)) == {}


def test_a_rate_is_in_the_printed_unit_of_its_register() -> None:
    text = TEXT.replace('unit = "m3/h"', 'unit = "L/h"')
    profile = parsed(with_line(text, "max_rate = 2000"))

    assert rate_suspects(profile, poll(0, 1.0), poll(60, 3.0)) == {}
    assert rate_suspects(profile, poll(0, 1.0), poll(60, 3.1)) != {}
