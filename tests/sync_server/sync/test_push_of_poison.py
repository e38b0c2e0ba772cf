"""One operation that cannot be read or applied delays no other."""

import json
from dataclasses import replace

import pytest
from sqlalchemy import NullPool, PoolProxiedConnection, create_engine
from sqlalchemy.exc import TimeoutError  # noqa: A004  # SQLAlchemy's own
from typing_extensions import override

from sync_server.sync.inbox import Broken, ReadPush, read_push
from sync_server.sync.ledger_store import kept_bodies
from sync_server.sync.push import take_push
from tests.sync_server.people_parts import Pen, Utility
from tests.sync_server.real_parts import NOON
from tests.sync_server.sync.push_parts import outcome, push, refused, repeated
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.fields import JsonValue
from wire_contracts.operations import (
    Operation,
    OperationKind,
    OperationResult,
    Outcome,
    dump_push_answer,
    operation_json,
    parse_push_answer,
)
from wire_contracts.payloads import read_json
from wire_contracts.work_order_states import WorkOrderEvent


def test_a_thing_this_server_does_not_know_is_refused(utility: Utility, pen: Pen) -> None:
    strange = pen.operation(OperationKind.SET, "x", "a", entity="spaceship", new="b")
    gone = pen.set("not-there", "diagnosis", "", "x")

    results = push(utility, pen, strange, gone)

    assert [outcome(result) for result in results] == [
        refused(Code.ENTITY_UNKNOWN),
        refused(Code.GONE),
    ]


def test_a_poison_operation_delays_no_other(utility: Utility, pen: Pen, order_id: str) -> None:
    good = pen.set(order_id, "diagnosis", "", "dry")
    poison = pen.set(order_id, "cause", "", "\ud800")
    last = pen.go(order_id, WorkOrderEvent.ACCEPT)

    results = push(utility, pen, good, poison, last)

    assert [outcome(result) for result in results] == [
        (Outcome.APPLIED, None),
        refused(Code.OPERATION_FAILED),
        (Outcome.APPLIED, None),
    ]
    assert push(utility, pen, good, poison, last) == repeated(results, pen)
    with utility.engine.connect() as connection:
        assert len(kept_bodies(connection, poison.op_id)) == 1


def sent(utility: Utility, text: str) -> list[OperationResult]:
    read = read_push(read_json("push", text.encode()))
    return list(utility.service.push(utility.tablet, read).results)


def push_text(*operations: Operation) -> str:
    bodies = [dict(operation_json(each)) for each in operations]
    return json.dumps({"v": 1, "replica": "r", "ops": bodies})


def test_a_number_beyond_every_float_delays_no_other(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    poison, good = pen.answers(order_id), pen.go(order_id, WorkOrderEvent.ACCEPT)
    text = push_text(poison, good).replace('"flow_m3h": 0.4', '"flow_m3h": 1e999')

    results = sent(utility, text)

    assert [outcome(result) for result in results] == [
        refused(Code.FIELD_RANGE),
        (Outcome.APPLIED, None),
    ]
    assert sent(utility, text) == repeated(results, pen)
    with utility.engine.connect() as connection:
        assert len(kept_bodies(connection, poison.op_id)) == 1


@pytest.mark.parametrize("value", [10**30, -(2**63) - 1, [10**30], {"a": float("inf")}])
@pytest.mark.parametrize("place", ["old", "new"])
def test_a_number_that_no_register_holds_takes_no_good_word_of_its_action_along(
    utility: Utility, pen: Pen, order_id: str, place: str, value: JsonValue
) -> None:
    good = pen.set(order_id, "diagnosis", "", "flange is loose")
    number = replace(pen.set(order_id, "priority", 3, 4), group=good.group)
    poison = replace(number, old=value) if place == "old" else replace(number, new=value)
    other = replace(pen.set(order_id, "cause", "", "joint"), group=good.group)

    text = push_text(good, poison, other).replace("Infinity", "1e999")
    results = sent(utility, text)

    assert [outcome(result) for result in results] == [
        (Outcome.APPLIED, None),
        refused(Code.FIELD_RANGE),
        (Outcome.APPLIED, None),
    ]


@pytest.mark.parametrize("name", ["work_order", "ORDER", "boot-1"])
def test_a_name_that_no_database_takes_delays_no_other(
    utility: Utility, pen: Pen, order_id: str, name: str
) -> None:
    poison, good = pen.set(order_id, "note", "", "x"), pen.go(order_id, WorkOrderEvent.ACCEPT)
    part = order_id if name == "ORDER" else name
    text = push_text(poison).replace(part, part[:3] + "\\u0000" + part[3:])
    both = text.replace("]}", f", {json.dumps(dict(operation_json(good)))}]}}")

    results = sent(utility, both)

    assert [outcome(result) for result in results] == [
        refused(Code.FIELD_RANGE),
        (Outcome.APPLIED, None),
    ]
    assert sent(utility, both) == repeated(results, pen)


@pytest.mark.parametrize("levels", [40, 600, 943, 946, 949])
def test_content_nested_too_deeply_is_refused_before_it_breaks_a_reader(
    utility: Utility, pen: Pen, order_id: str, levels: int
) -> None:
    deep = "[" * levels + "]" * levels
    text = push_text(pen.answers(order_id)).replace('"flow_m3h": 0.4', f'"flow_m3h": {deep}')

    with pytest.raises(ContractError):
        sent(utility, text)


def test_the_text_of_an_outcome_is_never_longer_than_a_tablet_reads(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    text = push_text(replace(pen.answers(order_id), n=7)).replace('"n": 7', '"n": ' + "9" * 4000)
    read = read_push(read_json("push", text.encode()))

    answer = utility.service.push(utility.tablet, read)

    parsed = parse_push_answer(read_json("answer", dump_push_answer(answer)))
    assert [outcome(result) for result in parsed.results] == [refused(Code.FIELD_RANGE)]


class BusyAtFirst(NullPool):
    """A pool without a free connection at the first call, as on a crowded morning."""

    is_busy = True

    @override
    def connect(self) -> PoolProxiedConnection:
        if self.is_busy:
            self.is_busy = False
            raise TimeoutError
        return super().connect()


def test_a_server_without_a_free_connection_gives_no_verdict(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    operation = pen.go(order_id, WorkOrderEvent.ACCEPT)
    entries = ReadPush(protocol=1, replica_id="replica-1", entries=(operation,))
    busy = create_engine(utility.engine.url, poolclass=BusyAtFirst)

    with pytest.raises(TimeoutError):
        take_push(busy, utility.tablet, entries, NOON)
    busy.dispose()

    assert outcome(push(utility, pen, operation)[0]) == (Outcome.APPLIED, None)


def test_an_operation_that_cannot_be_read_is_refused_alone(
    utility: Utility, pen: Pen, order_id: str
) -> None:
    good = operation_json(pen.set(order_id, "diagnosis", "", "dry"))
    broken = dict(operation_json(pen.set(order_id, "cause", "", "joint")))
    broken["kind"] = "teleport"
    body = json.dumps({"v": 1, "replica": "r", "ops": [broken, good]}).encode()

    read = read_push(read_json("push", body))
    answer = utility.service.push(utility.tablet, read)

    assert isinstance(read.entries[0], Broken)
    assert [outcome(result) for result in answer.results] == [
        refused(Code.FIELD_RANGE),
        (Outcome.APPLIED, None),
    ]
    assert answer.results[0].detail == (
        "ops[0].kind: cannot be read; the whole of it is kept for a person"
    )
