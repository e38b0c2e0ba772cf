"""What the facts of a crew come to for the next one, without a database."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sync_server.work_orders.left_work import closes_first, has_nothing, left_work, told_so_far
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


@pytest.mark.parametrize(("minutes", "is_doubtful"), [(-5, False), (-40, False), (0.5, True)])
def test_gas_that_was_corrected_by_a_clock_that_is_wrong_was_no_slip(
    *, minutes: float, is_doubtful: bool
) -> None:
    found = step(60, "measure", {"gas_lel_pct": "12"})
    again = step(60 + minutes, "measure", {"gas_lel_pct": "0"}, supersedes=found.fact_id)
    left = left_work(None, [found, replace(again, is_time_doubtful=is_doubtful)], 0)

    assert left is not None
    assert left.lel_pct == 12.0


def test_steps_and_gas_of_a_visit_that_is_over_are_not_left_but_its_valves_are() -> None:
    facts = [valve(1, "closed"), ISOLATED, step(3, "measure", {"gas_lel_pct": "40"})]
    left = left_work(None, facts, 1)

    assert left is not None
    assert (left.lel_pct, left.steps) == (None, ())
    assert [each.valve_id for each in left.valves] == ["VW-1"]


def test_what_was_told_in_parts_is_what_is_told_at_once() -> None:
    facts = [valve(1, "closed"), ISOLATED, step(3, "repair"), valve(4, "reopened")]
    told: Handover | None = None
    for count in range(1, len(facts) + 1):
        told = told_so_far(told, facts[:count], 0)

    assert told == told_so_far(None, facts, 0)
    assert steps_of(told) == [SafetyStep.REPAIR]


def test_gas_and_steps_taken_back_of_a_doubted_time_count_in_the_visit_they_may_be_of() -> None:
    gas = fact(30, FactType.GAS_MEASUREMENT, {"purpose": "before", "lel_pct": 15.0})
    undone = step(30.5, "repair", is_undone=True)
    repaired = replace(step(20, "repair"), visit=1)
    told = [repaired, *(replace(each, is_time_doubtful=True) for each in (gas, undone, ISOLATED))]
    reopened_utc = NINE + timedelta(minutes=10)
    left = left_work(None, told, 1, reopened_utc)

    assert left is not None
    assert (left.lel_pct, left.steps) == (15.0, ())
    assert SafetyStep.REPAIR in {each.step for each in left.fallen}
    before = left_work(None, told, 1, NINE + timedelta(hours=1))
    assert before is not None
    assert (before.lel_pct, steps_of(before)) == (None, [SafetyStep.REPAIR])


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


def test_what_was_told_so_far_follows_a_corrected_slip_and_says_what_does_not_stand() -> None:
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
    for left in (
        told_so_far(closed, [valve(1, "closed"), valve(2, "reopened")], 0),
        left_work(closed, [valve(1, "closed"), valve(2, "reopened")], 0),
    ):
        assert left is not None
        assert left.is_so_far
        assert has_nothing(left)
        assert [(each.valve_id, each.fact_id) for each in left.opened] == [("VW-1", "fact-2")]


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


def of_clock(told: Fact, store: str, n: int, *, word: float | None = None) -> Fact:
    """Return a fact as a store told it, received at minute 60; doubted with the `word` before."""
    doubted = replace(
        told,
        replica_id=store,
        n=n,
        fact_id=f"{store}-{n}",
        received_at_utc=NINE + timedelta(minutes=60),
    )
    if word is None:
        return doubted
    word_utc = NINE + timedelta(minutes=word)
    return replace(doubted, is_time_doubtful=True, word_utc=word_utc)


@pytest.mark.parametrize(
    ("closing", "opening", "is_closed"),
    [
        # Closed by the other store at minute 10, opened by a clock that is ahead: at its receipt.
        (of_clock(valve(10, "closed"), "b", 1), of_clock(valve(60, "reopened"), "a", 1, word=5), 1),
        # The same, but the tablet had heard of the server since: it was opened later.
        (
            of_clock(valve(10, "closed"), "b", 1),
            of_clock(valve(60, "reopened"), "a", 1, word=11),
            0,
        ),
        # A closing whose time is doubted may be later than it says.
        (of_clock(valve(10, "closed"), "b", 1, word=9), of_clock(valve(20, "reopened"), "a", 1), 1),
        # Of one store its count decides, whatever its clock says.
        (of_clock(valve(60, "closed"), "a", 1, word=5), of_clock(valve(20, "reopened"), "a", 2), 0),
        (of_clock(valve(10, "closed"), "a", 3), of_clock(valve(60, "reopened"), "a", 2, word=5), 1),
        (of_clock(valve(10, "closed"), "b", 1), of_clock(valve(20, "reopened"), "a", 1), 0),
        (of_clock(valve(20, "closed"), "b", 1), of_clock(valve(10, "reopened"), "a", 1), 1),
    ],
)
def test_a_doubted_opening_opens_no_valve_that_may_have_been_closed_since(
    closing: Fact, opening: Fact, *, is_closed: int
) -> None:
    facts = sorted((closing, opening), key=lambda each: each.happened_at_utc)
    for known in (None, told_so_far(None, [closing], 0), told_so_far(None, [opening], 0)):
        left = told_so_far(known, facts, 0)
        assert left is not None
        assert (len(left.valves), len(left.opened)) == (is_closed, 1 - is_closed)


@pytest.mark.parametrize(
    ("undone", "done", "is_done"),
    [
        # Done again by a clock that is ahead: it may have been taken back since.
        (
            of_clock(step(10, "repair", is_undone=True), "b", 1),
            of_clock(step(60, "repair"), "a", 1, word=5),
            False,
        ),
        (
            of_clock(step(10, "repair", is_undone=True), "b", 1),
            of_clock(step(60, "repair"), "a", 1, word=11),
            True,
        ),
        # Taken back by a clock that is ahead, and done again by the same store.
        (
            of_clock(step(60, "repair", is_undone=True), "a", 1, word=5),
            of_clock(step(20, "repair"), "a", 2),
            True,
        ),
        (
            of_clock(step(10, "repair", is_undone=True), "b", 1),
            of_clock(step(20, "repair"), "a", 1),
            True,
        ),
    ],
)
def test_a_doubted_step_does_not_stand_where_it_may_have_been_taken_back_since(
    undone: Fact, done: Fact, *, is_done: bool
) -> None:
    facts = sorted((undone, done), key=lambda each: each.happened_at_utc)
    left = told_so_far(told_so_far(None, [done], 0), facts, 0)
    assert left is not None
    assert bool(left.steps) == is_done
    assert [each.fact_id for each in left.fallen] == ([] if is_done else [undone.fact_id])


def test_who_may_open_a_valve_is_named_though_no_fact_tells_that_it_was_closed() -> None:
    known = told_so_far(None, [valve(1, "closed", "VW-7")], 0)
    left = told_so_far(known, [valve(2, "named", "VW-7", "control room")], 0)

    assert left is not None
    assert [(each.valve_id, each.may_reopen) for each in left.valves] == [("VW-7", "control room")]
