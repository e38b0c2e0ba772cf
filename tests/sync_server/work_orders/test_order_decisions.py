"""What kind of order an alert becomes, and whether by itself."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_server.work_orders.auto_orders import AutoReason, decide_automatic
from sync_server.work_orders.instructions import instructions_for
from sync_server.work_orders.order_plan import plan_order
from wire_contracts.kinds import FAMILY, Family, Kind
from wire_contracts.orders import OrderType, SafetyClass
from wire_contracts.quantities import Medium


@pytest.mark.parametrize(("kind", "medium"), list(itertools.product(Kind, Medium)))
def test_every_kind_on_every_medium_has_a_plan_with_steps_in_both_languages(
    kind: Kind, medium: Medium
) -> None:
    plan = plan_order(kind, medium, "M-1")
    steps = instructions_for(plan.order_type, medium)

    assert len(steps) >= 3
    assert all(text.en and text.zh for text in (plan.title, *steps))
    assert plan.title.en.endswith("meter M-1")


@pytest.mark.parametrize("kind", [kind for kind in Kind if FAMILY[kind] is Family.EXCESS])
def test_escaping_gas_is_always_of_the_highest_class(kind: Kind) -> None:
    assert plan_order(kind, Medium.GAS, "M-1").safety_class is SafetyClass.A


def test_a_silent_meter_asks_for_a_look_at_the_line() -> None:
    plan = plan_order(Kind.COMM_GAP, Medium.WATER, "M-1")

    assert (plan.order_type, plan.safety_class) == (OrderType.COMM_CHECK, SafetyClass.C)


@given(
    kind=st.sampled_from(Kind),
    medium=st.sampled_from(Medium),
    rate=st.none() | st.floats(0, 10),
    limit=st.floats(0, 10),
)
def test_the_rule_orders_danger_at_once_and_the_rest_by_measured_false_alarms(
    kind: Kind, medium: Medium, rate: float | None, limit: float
) -> None:
    verdict = decide_automatic(kind, medium, false_alarms_per_1000_md=rate, most_per_1000_md=limit)

    is_danger = kind is Kind.BURST or (medium is Medium.GAS and FAMILY[kind] is Family.EXCESS)
    assert verdict.is_automatic is (is_danger or (rate is not None and rate <= limit))
    assert (verdict.reason is AutoReason.NOT_MEASURED) is (not is_danger and rate is None)
