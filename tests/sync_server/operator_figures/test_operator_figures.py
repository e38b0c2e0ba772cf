"""What a period's alerts say of the operator's load and of the rules."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sync_server.operator_figures.figures import (
    AckTime,
    OperatorLoad,
    RaisedAlert,
    Watch,
    ack_times,
    bad_actors,
    chattering,
    load_of,
    loads_of_operators,
    rule_worths,
    stale,
)
from wire_contracts.kinds import Kind, Label
from wire_contracts.quantities import Medium

START = datetime(2026, 11, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def alert(
    after: timedelta,
    meter_id: str = "WM-1",
    *,
    acked: timedelta | None = None,
    label: Label = Label.NONE,
    priority: int = 2,
) -> RaisedAlert:
    raised_utc = START + after
    return RaisedAlert(
        alert_id=f"{meter_id}-{after}",
        meter_id=meter_id,
        medium=Medium.WATER,
        kind=Kind.BURST,
        rule="burst",
        priority=priority,
        raised_at_utc=raised_utc,
        acknowledged_at_utc=None if acked is None else raised_utc + acked,
        over_at_utc=None,
        label=label,
    )


def test_alerts_are_counted_by_hour_with_the_hours_that_had_none() -> None:
    alerts = [alert(each * MINUTE) for each in (0, 5, 59, 125)]

    load = load_of(alerts, START, START + 3 * HOUR)

    assert [count for _, count in load.hours] == [3, 0, 1]
    assert (load.raised, load.busiest, load.hours_above, load.floods) == (4, 3, 0, 0)
    assert load.per_hour == 4 / 3


def test_more_than_ten_alerts_in_ten_minutes_are_one_flood() -> None:
    first = [alert(each * MINUTE / 2) for each in range(15)]
    second = [alert(5 * HOUR + each * MINUTE / 2) for each in range(11)]
    calm = [alert(9 * HOUR + each * MINUTE) for each in range(10)]

    load = load_of([*first, *second, *calm], START, START + 24 * HOUR)

    assert load.floods == 2
    assert load.hours_above == 3


def test_a_period_without_time_has_no_rate() -> None:
    assert load_of([], START, START).per_hour is None


@given(minutes=st.lists(st.integers(0, 7 * 24 * 60 - 1), max_size=60))
def test_no_alert_is_lost_between_the_hours(minutes: Sequence[int]) -> None:
    load = load_of([alert(each * MINUTE) for each in minutes], START, START + timedelta(days=7))

    assert sum(count for _, count in load.hours) == len(minutes) == load.raised


def test_an_operator_bears_what_came_on_watch() -> None:
    watches = [
        Watch(account_id="a", from_utc=START, to_utc=START + 8 * HOUR),
        Watch(account_id="b", from_utc=START + 8 * HOUR, to_utc=START + 12 * HOUR),
    ]
    alerts = [alert(each * HOUR) for each in (0, 1, 8, 13)]

    loads = loads_of_operators(alerts, watches, {"b": 3, "c": 1})

    assert loads == [
        OperatorLoad(account_id="a", hours=8.0, raised=2, acknowledged=0),
        OperatorLoad(account_id="b", hours=4.0, raised=1, acknowledged=3),
        OperatorLoad(account_id="c", hours=0.0, raised=0, acknowledged=1),
    ]
    assert [each.per_hour for each in loads] == [0.25, 0.25, None]


def test_the_worst_ten_are_named_with_their_share() -> None:
    alerts = [alert(each * HOUR, f"WM-{each % 12:02d}") for each in range(30)]

    worst = bad_actors(alerts)

    assert len(worst) == 10
    assert (worst[0].meter_id, worst[0].raised, worst[0].share) == ("WM-00", 3, 0.1)


def test_three_times_within_a_day_is_chattering_and_over_two_days_is_not() -> None:
    quick = [alert(each * HOUR, "quick") for each in (0, 10, 24)]
    slow = [alert(each * HOUR, "slow") for each in (0, 24, 48)]

    assert chattering([*quick, *slow]) == [("quick", Kind.BURST, 3)]


def test_what_stands_longer_than_a_day_is_stale_the_oldest_first() -> None:
    alerts = [alert(timedelta(0), "old"), alert(HOUR, "older?"), alert(30 * HOUR, "fresh")]

    found = stale(alerts, START + 31 * HOUR)

    assert [each.meter_id for each in found] == ["old", "older?"]


def test_times_to_acknowledge_stand_by_priority() -> None:
    alerts = [alert(each * HOUR, acked=each * MINUTE) for each in range(1, 21)]
    alerts.append(alert(HOUR, priority=1))

    assert ack_times(alerts) == [
        AckTime(priority=1, raised=1, acknowledged=0, median=None, slowest_of_20=None),
        AckTime(
            priority=2,
            raised=20,
            acknowledged=20,
            median=10 * MINUTE,
            slowest_of_20=19 * MINUTE,
        ),
    ]


def test_false_alerts_are_told_per_thousand_meters_and_day() -> None:
    labels = [Label.FALSE, Label.FALSE, Label.CONFIRMED, Label.NONE]
    alerts = [alert(index * HOUR, label=label) for index, label in enumerate(labels)]

    worth = rule_worths(alerts, {Medium.WATER: 500}, 2.0)[0]
    nobody = rule_worths(alerts, {}, 2.0)[0]

    assert (worth.raised, worth.checked, worth.false) == (4, 3, 2)
    assert worth.false_per_1000_days == 2.0
    assert nobody.false_per_1000_days is None
