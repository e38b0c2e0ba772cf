"""Rule E-07. Which meters are suspect, why, and in which order."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_server.assets.assets import MeterClass
from sync_server.suspects.suspicion import (
    MeterMonths,
    MonthAlert,
    Reason,
    rank,
    usual_of,
)
from wire_contracts.kinds import Kind
from wire_contracts.quantities import Medium


def months(
    used_m3: float | None,
    before_m3: Sequence[float | None] = (10.0,) * 12,
    alerts: Sequence[MonthAlert] = (),
    meter_id: str = "M-1",
) -> MeterMonths:
    return MeterMonths(
        meter_id=meter_id,
        medium=Medium.GAS,
        meter_class=MeterClass.HOUSEHOLD,
        address="1 Street",
        used_m3=used_m3,
        before_m3=before_m3,
        alerts=alerts,
    )


@pytest.mark.parametrize(
    ("used_m3", "reason"),
    [
        (-0.5, Reason.BACKWARDS),
        (0.0, Reason.NO_USE),
        (4.9, Reason.FELL),
        (20.1, Reason.ROSE),
        (None, Reason.NO_READING),
    ],
)
def test_a_month_unlike_the_others_is_a_suspicion(used_m3: float | None, reason: Reason) -> None:
    found = rank([months(used_m3)], 10)

    assert [each.reason for each in found[0].reasons] == [reason]


@pytest.mark.parametrize("used_m3", [5.0, 10.0, 20.0])
def test_a_month_like_the_others_is_none(used_m3: float) -> None:
    assert rank([months(used_m3)], 10) == []


def test_an_empty_flat_and_a_new_meter_are_no_suspects() -> None:
    empty = months(0.0, (0.4,) * 12)
    new = months(50.0, (10.0, None, 9.0))

    assert rank([empty, new], 10) == []


def test_the_same_month_of_last_year_is_what_counts() -> None:
    cold = months(80.0, (*(10.0,) * 11, 78.0))

    assert usual_of(cold) == 78.0
    assert rank([cold], 10) == []


@pytest.mark.parametrize(("used_m3", "reasons"), [(46.0, 0), (150.0, 1), (7.0, 0), (2.0, 1)])
def test_where_that_month_is_not_known_the_season_beside_it_speaks(
    used_m3: float, reasons: int
) -> None:
    """A home with a boiler in November, of which December of last year is known."""
    boiler = months(used_m3, (20.0, *(7.0,) * 6, 20.0, 48.0, 60.0, 55.0, None))

    assert len(rank([boiler], 10)) == reasons


def test_alerts_lead_the_list_and_say_what_the_crew_looks_for() -> None:
    leak = months(30.0, alerts=[MonthAlert(kind=Kind.SLOW_LEAK, score=4.0)], meter_id="M-2")
    stuck = months(0.0, alerts=[MonthAlert(kind=Kind.STUCK, score=9.0)], meter_id="M-3")

    found = rank([months(30.0), leak, stuck], 2)

    assert [(each.meter_id, each.is_leak_likely) for each in found] == [
        ("M-3", False),
        ("M-2", True),
    ]


@given(st.permutations([months(value, meter_id=f"M-{value}") for value in (0.0, 1.0, 25.0, -1.0)]))
def test_the_order_of_the_meters_does_not_matter(shuffled: list[MeterMonths]) -> None:
    assert [each.meter_id for each in rank(shuffled, 9)] == ["M--1.0", "M-0.0", "M-25.0", "M-1.0"]
