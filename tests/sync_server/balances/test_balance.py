"""What a balance counts, and what it says of meters that it cannot count."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sync_server.balances.balance import (
    LONGEST_STRETCH,
    Around,
    Balance,
    BoundTotal,
    Member,
    MeterUse,
    Register,
    Standing,
    ZoneKind,
    balance_of,
    total_at,
    use_of,
)
from wire_contracts.quantities import Quantity

BOUND = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def register(after: timedelta, total: float, quantity: Quantity = Quantity.VOLUME_M3) -> Register:
    return Register(at_utc=BOUND + after, total=total, quantity=quantity)


def bound(total: float, quantity: Quantity = Quantity.VOLUME_M3) -> BoundTotal:
    return BoundTotal(total=total, quantity=quantity, is_estimated=False)


def use(
    meter_id: str, begin: BoundTotal | None, end: BoundTotal | None, *, is_inflow: bool = False
) -> MeterUse:
    member = Member(meter_id=meter_id, is_inflow=is_inflow)
    return use_of(member, begin, end, Quantity.VOLUME_M3)


def test_a_register_read_at_the_bound_is_taken_as_it_is() -> None:
    around = Around(before=register(-HOUR, 9.0), behind=register(timedelta(0), 10.0))

    assert total_at(BOUND, around) == bound(10.0)


def test_a_register_between_two_readings_lies_on_the_line_between_them() -> None:
    around = Around(before=register(-HOUR, 10.0), behind=register(3 * HOUR, 14.0))

    assert total_at(BOUND, around) == bound(11.0)


def test_monthly_readings_give_an_estimated_register() -> None:
    around = Around(
        before=register(-timedelta(days=10), 100.0), behind=register(timedelta(days=20), 130.0)
    )

    assert total_at(BOUND, around) == BoundTotal(
        total=110.0, quantity=Quantity.VOLUME_M3, is_estimated=True
    )


def test_what_is_too_far_apart_or_of_two_quantities_or_on_one_side_is_not_known() -> None:
    far = Around(before=register(-LONGEST_STRETCH, 1.0), behind=register(HOUR, 2.0))
    mixed = Around(before=register(-HOUR, 1.0), behind=register(HOUR, 2.0, Quantity.VOLUME_BASE_M3))
    late = Around(before=None, behind=register(HOUR, 2.0))
    stale = Around(before=register(-timedelta(days=2), 1.0), behind=None)

    assert [total_at(BOUND, each) for each in (far, mixed, late, stale)] == [None] * 4


@given(
    before_h=st.integers(1, 400),
    behind_h=st.integers(0, 400),
    total=st.floats(0, 1e7),
    more=st.floats(0, 1e4),
)
def test_a_register_never_leaves_the_two_readings_around_it(
    before_h: int, behind_h: int, total: float, more: float
) -> None:
    around = Around(
        before=register(-before_h * HOUR, total), behind=register(behind_h * HOUR, total + more)
    )

    found = total_at(BOUND, around)

    assert found is not None
    assert total - 1e-6 <= found.total <= total + more + 1e-6


def test_the_loss_is_the_inflow_less_its_meters() -> None:
    uses = [
        use("in", bound(0), bound(100), is_inflow=True),
        use("a", bound(10), bound(60)),
        use("b", bound(0), bound(30)),
    ]

    assert balance_of(ZoneKind.DISTRICT, uses) == Balance(
        inflow=100, metered=80, unaccounted=20, share=0.2, counted=2, estimated=0, meters=2
    )


def test_a_meter_without_a_reading_is_no_zero_and_makes_the_sum_incomplete() -> None:
    uses = [
        use("in", bound(0), bound(100), is_inflow=True),
        use("a", bound(10), bound(60)),
        use("b", None, bound(30)),
    ]

    found = balance_of(ZoneKind.DISTRICT, uses)

    assert (found.metered, found.unaccounted, found.is_whole) == (50, 50, False)
    assert (found.counted, found.meters) == (1, 2)


def test_without_every_inflow_or_without_any_meter_there_is_no_loss_to_name() -> None:
    no_inflow = balance_of(
        ZoneKind.DISTRICT,
        [use("in", None, bound(1), is_inflow=True), use("a", bound(1), bound(2))],
    )
    no_meters = balance_of(
        ZoneKind.DISTRICT, [use("in", bound(0), bound(9), is_inflow=True), use("a", None, None)]
    )

    assert (no_inflow.inflow, no_inflow.unaccounted, no_inflow.share) == (None, None, None)
    assert (no_meters.inflow, no_meters.metered, no_meters.unaccounted) == (9, None, None)


def test_make_up_water_is_lost_as_a_whole() -> None:
    found = balance_of(ZoneKind.FED, [use("in", bound(5), bound(15), is_inflow=True)])

    assert (found.unaccounted, found.share) == (10, 1.0)


def test_an_inflow_that_stood_still_has_no_share() -> None:
    found = balance_of(
        ZoneKind.DISTRICT,
        [use("in", bound(5), bound(5), is_inflow=True), use("a", bound(1), bound(1))],
    )

    assert (found.unaccounted, found.share) == (0, None)


def test_what_cannot_be_counted_says_why() -> None:
    exchanged = Member(meter_id="x", is_inflow=False, is_exchanged=True)
    base = bound(2, Quantity.VOLUME_BASE_M3)

    found = [
        use_of(exchanged, bound(1), bound(2), Quantity.VOLUME_M3).standing,
        use("a", bound(9), bound(2)).standing,
        use("b", base, base).standing,
        use("c", bound(1), None).standing,
    ]

    assert found == [
        Standing.EXCHANGED,
        Standing.WENT_BACK,
        Standing.OTHER_QUANTITY,
        Standing.NO_READING,
    ]
