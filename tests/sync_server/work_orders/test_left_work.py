"""What the facts of a crew come to for the next one, without a database."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from sync_server.work_orders.left_work import closes_first, left_work, told_so_far
from sync_server.work_orders.order import Fact
from wire_contracts.fields import JsonValue
from wire_contracts.frames import ms_from_utc
from wire_contracts.orders import FactType
from wire_contracts.site_facts import ClosedValve, Handover, SafetyStep

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


def fact(
    minute: float,
    fact_type: FactType,
    payload: Mapping[str, JsonValue],
    *,
    supersedes: str | None = None,
) -> Fact:
    at_utc = NINE + timedelta(minutes=minute)
    return Fact(
        fact_id=f"fact-{minute}",
        fact_type=fact_type,
        order_id="order",
        actor="li",
        tablet_id="tablet",
        op_id=f"op-{minute}",
        payload=payload,
        happened_at_utc=at_utc,
        received_at_utc=at_utc,
        supersedes=supersedes,
    )


def valve(minute: float, action: str, valve_id: str = "VW-1", keeper: str = "") -> Fact:
    payload = {"valve_id": valve_id, "action": action, "may_reopen": keeper}
    return fact(minute, FactType.ISOLATION, payload)


def step(
    minute: float,
    name: str,
    values: Mapping[str, JsonValue] | None = None,
    *,
    is_undone: bool = False,
    supersedes: str | None = None,
) -> Fact:
    payload: dict[str, JsonValue] = {"step": name, "values": dict(values or {})}
    payload["is_undone"] = is_undone
    return fact(minute, FactType.SAFETY_STEP, payload, supersedes=supersedes)


ISOLATED = step(2, "isolate", {"how": "valve_closed"})


def steps_of(handover: Handover | None) -> list[SafetyStep]:
    return [] if handover is None else [each.step for each in handover.steps]


def test_who_may_open_a_valve_is_what_was_said_last() -> None:
    named = [valve(1, "closed"), valve(2, "named", "vw-1 ", "control room")]
    left = left_work(None, named, 0)

    assert left is not None
    assert [(each.valve_id, each.by, each.may_reopen) for each in left.valves] == [
        ("VW-1", "li", "control room")
    ]


@pytest.mark.parametrize(
    ("facts", "steps"),
    [
        ([valve(1, "closed"), ISOLATED], [SafetyStep.ISOLATE]),
        ([valve(1, "closed"), ISOLATED, step(3, "isolate", is_undone=True)], []),
        ([valve(1, "closed"), step(2, "isolate", {"how": "not_needed"})], []),
        (
            [valve(1, "closed"), valve(1.5, "closed", "VW-2"), ISOLATED, valve(4, "reopened")],
            [],
        ),
        (
            [valve(1, "closed"), ISOLATED, step(3, "repair"), valve(4, "reopened")],
            [SafetyStep.REPAIR],
        ),
        ([step(2, "ventilate"), step(3, "repair")], [SafetyStep.REPAIR]),
    ],
)
def test_only_a_repair_and_isolation_behind_closed_valves_outlast_the_visit(
    facts: list[Fact], steps: list[SafetyStep]
) -> None:
    assert steps_of(left_work(None, facts, 0)) == steps


@pytest.mark.parametrize(
    ("typed", "lel_pct"), [("12,5", 12.5), ("20-25", 25.0), ("OL", 100.0), ("\uff11\uff12", 12.0)]
)
def test_gas_is_taken_as_it_was_typed(typed: str, lel_pct: float) -> None:
    left = left_work(None, [step(1, "measure", {"gas_lel_pct": typed})], 0)

    assert left is not None
    assert left.lel_pct == lel_pct


@pytest.mark.parametrize(("seconds", "lel_pct"), [(30, 4.0), (90, 40.0)])
def test_gas_that_a_step_corrected_at_once_was_a_slip(seconds: int, lel_pct: float) -> None:
    slip = step(1, "measure", {"gas_lel_pct": "40"})
    corrected = step(1 + seconds / 60, "measure", {"gas_lel_pct": "4"}, supersedes=slip.fact_id)
    left = left_work(None, [slip, corrected], 0)

    assert left is not None
    assert left.lel_pct == lel_pct


def test_steps_and_gas_of_a_visit_that_is_over_are_not_left_but_its_valves_are() -> None:
    facts = [valve(1, "closed"), ISOLATED, step(3, "measure", {"gas_lel_pct": "40"})]
    left = left_work(None, facts, 1)

    assert left is not None
    assert (left.lel_pct, left.steps) == (None, ())
    assert [each.valve_id for each in left.valves] == ["VW-1"]


def test_a_hand_over_keeps_its_words_and_valves_that_no_fact_tells_of() -> None:
    forgotten = ClosedValve(valve_id="VW-7", at_ms=ms_from_utc(NINE), by="li")
    opened = ClosedValve(valve_id="VW-1", at_ms=ms_from_utc(NINE), by="li")
    known = Handover(
        note="joint is bare",
        by="Wang",
        at_ms=ms_from_utc(NINE + timedelta(minutes=5)),
        valves=(forgotten, opened),
    )
    left = left_work(known, [valve(1, "closed"), valve(6, "reopened")], 0)

    assert left is not None
    assert (left.note, left.by) == ("joint is bare", "Wang")
    assert left.valves == (forgotten,)
    assert left.at_ms == ms_from_utc(NINE + timedelta(minutes=6))
    assert left_work(known, [], 0) == known


def test_what_was_told_so_far_follows_a_corrected_slip_and_ends_when_nothing_is_left() -> None:
    slip = step(3, "measure", {"gas_lel_pct": "40"})
    right = step(3.5, "measure", {"gas_lel_pct": "4"}, supersedes=slip.fact_id)
    before = told_so_far(None, [valve(1, "closed"), ISOLATED, slip], 0)
    after = told_so_far(before, [valve(1, "closed"), ISOLATED, slip, right], 0)

    assert before is not None
    assert after is not None
    assert (before.lel_pct, after.lel_pct) == (40, 4)
    assert after.is_so_far
    assert [each.step for each in after.steps] == [SafetyStep.ISOLATE]
    closed = told_so_far(None, [valve(1, "closed")], 0)
    assert told_so_far(closed, [valve(1, "closed"), valve(2, "reopened")], 0) is None
    assert left_work(closed, [valve(1, "closed"), valve(2, "reopened")], 0) is None


def test_what_was_told_so_far_keeps_a_valve_that_a_restored_server_has_no_fact_of() -> None:
    known = told_so_far(None, [valve(1, "closed", "VW-7")], 0)
    left = told_so_far(known, [valve(2, "closed")], 0)

    assert left is not None
    assert {each.valve_id for each in left.valves} == {"VW-1", "VW-7"}


def test_only_a_valve_that_stays_closed_asks_and_of_several_that_came_together_the_first() -> None:
    first, second = valve(1, "closed"), valve(1, "closed", "VW-2")
    assert closes_first(first, [first])
    assert not closes_first(second, [first, second])
    assert not closes_first(first, [first, valve(2, "reopened")])
    assert not closes_first(valve(2, "named"), [valve(2, "named")])
