"""Sync messages: operations, pages, orders and evidence survive the wire."""

import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.evidence import ChartPoint, Evidence, EvidenceNumber
from wire_contracts.fields import FieldReader
from wire_contracts.frames import LATEST_MS, utc_from_ms
from wire_contracts.kinds import FindingResult
from wire_contracts.operations import (
    TOLD_BYTES,
    DeviceTime,
    Operation,
    OperationKind,
    OperationResult,
    Outcome,
    PushAnswer,
    PushRequest,
    dump_push,
    dump_push_answer,
    parse_push,
    parse_push_answer,
)
from wire_contracts.orders import (
    OrderType,
    SafetyClass,
    WorkOrderDocument,
    order_json,
    parse_order,
)
from wire_contracts.payloads import dump_json, read_json
from wire_contracts.pulls import (
    BucketEnd,
    BucketPage,
    EntityRow,
    PullAnswer,
    Tombstone,
    dump_pull,
    hash_row,
    parse_pull,
)
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText
from wire_contracts.work_order_states import WorkOrderState

names = st.text(min_size=1, max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
documents = st.dictionaries(names, values, max_size=5)
uuids = st.uuids().map(str)
times = st.builds(
    DeviceTime,
    wall_ms=st.integers(0, 10**12),
    mono_ms=st.integers(0, 10**12),
    boot_id=names,
    offset_ms=st.integers(-(10**9), 10**9),
)
common = {
    "op_id": uuids,
    "n": st.integers(0, 10**9),
    "group": uuids,
    "actor": names,
    "entity": names,
    "entity_id": names,
    "at": times,
    "app": names,
}
operations = st.one_of(
    st.builds(
        Operation, kind=st.just(OperationKind.SET), field=names, old=values, new=values, **common
    ),
    st.builds(Operation, kind=st.just(OperationKind.GO), field=names, **common),
    st.builds(
        Operation, kind=st.just(OperationKind.FACT), field=names, payload=documents, **common
    ),
    st.builds(Operation, kind=st.just(OperationKind.ATTACH), payload=documents, **common),
)


def text(english: str) -> BilingualText:
    return BilingualText(en=english, zh="夜间流量")


def some_evidence() -> Evidence:
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    return Evidence(
        sentence=text("Night flow 0.42 m³/h over 0.15 m³/h"),
        quantity="flow_m3h",
        unit="m³/h",
        rule_from_utc=noon,
        rule_to_utc=noon,
        points=(
            ChartPoint(at_utc=noon, observed=0.4, expected_low=0.0, expected_high=0.1),
            ChartPoint(at_utc=noon, observed=None),
        ),
        numbers=(
            EvidenceNumber(
                name=text("Night minimum"), value=0.42, unit="m³/h", limit=0.15, is_trigger=True
            ),
        ),
        check_first=(text("Close the stop valve"),),
    )


def some_order() -> WorkOrderDocument:
    return WorkOrderDocument(
        number="WO-000123",
        state=WorkOrderState.RELEASED,
        order_type=OrderType.LEAK_CHECK,
        medium=Medium.GAS,
        safety_class=SafetyClass.A,
        priority=1,
        title=text("Gas leak"),
        address="137 Xinhua N St",
        created_at_utc=utc_from_ms(1795292648000),
        due_at_utc=utc_from_ms(1795296248000),
        meter_id="GM-1",
        evidence=some_evidence(),
        instructions=(text("Ventilate"),),
        result=FindingResult.LEAK,
    )


@given(st.lists(operations, max_size=5))
def test_a_push_arrives_as_it_was_sent(sent: list[Operation]) -> None:
    told = {each.op_id: each.at.wall_ms for each in sent[::2]}
    request = PushRequest(replica_id="r-1", operations=tuple(sent), told=told)

    assert parse_push(read_json("push", dump_push(request))) == request


@given(
    st.lists(
        st.builds(
            OperationResult,
            op_id=uuids,
            outcome=st.sampled_from(Outcome),
            code=st.none() | st.sampled_from(Code),
            detail=st.text(max_size=50),
            seq=st.integers(0, 10**9),
        ),
        max_size=5,
    )
)
def test_an_outcome_arrives_as_it_was_sent(results: list[OperationResult]) -> None:
    answer = PushAnswer(server_epoch=4, server_now_ms=10**12, results=tuple(results))

    assert parse_push_answer(read_json("answer", dump_push_answer(answer))) == answer


@given(st.lists(st.tuples(st.sampled_from(["work_order", "meter"]), documents), max_size=6))
def test_a_page_arrives_as_it_was_sent_absent_fields_included(
    contents: list[tuple[str, dict[str, None]]],
) -> None:
    rows = tuple(
        EntityRow(
            entity=entity,
            entity_id=str(index),
            seq=index + 1,
            row_hash=hash_row(entity, str(index), document),
            document=document,
        )
        for index, (entity, document) in enumerate(contents)
    )
    page = BucketPage(
        bucket="crew:1",
        is_reset=True,
        rows=rows,
        tombstones=(Tombstone(entity="meter", entity_id="x", seq=9),),
        end=BucketEnd(count=len(rows), checksum=3),
    )
    answer = PullAnswer(
        server_epoch=1,
        server_now_ms=5,
        token="t",  # noqa: S106  # a position, not a secret
        has_more=False,
        buckets=(page,),
        dropped_buckets=("area:2",),
    )

    assert parse_pull(read_json("pull", dump_pull(answer))) == answer


@given(documents)
def test_equal_content_has_an_equal_hash_whatever_the_order_of_its_fields(
    document: dict[str, None],
) -> None:
    turned = dict(reversed(document.items()))

    assert hash_row("meter", "1", document) == hash_row("meter", "1", turned)


def test_an_order_with_evidence_survives_the_wire() -> None:
    plain = dump_json(order_json(some_order()))

    assert parse_order(read_json("order", plain)) == some_order()


def test_an_order_with_a_field_of_tomorrow_is_still_read() -> None:
    body = {**order_json(some_order()), "added_next_year": 1}

    assert parse_order(FieldReader(place="order", values=body)) == some_order()


def test_a_chart_with_a_column_too_short_is_refused() -> None:
    body = json.loads(dump_json(order_json(some_order())))
    body["evidence"]["points"]["low"] = [0.1]

    with pytest.raises(ContractError, match=r"evidence\.points\.low: has 1 values for 2 times"):
        parse_order(FieldReader(place="order", values=body))


@given(st.binary(max_size=120))
def test_any_body_is_parsed_or_refused_with_a_named_field(body: bytes) -> None:
    refusals: list[ContractError] = []
    try:
        parse_push(read_json("push", body))
    except ContractError as error:
        refusals.append(error)

    assert all(error.field for error in refusals)


def test_what_says_nothing_of_a_former_server_is_left_out() -> None:
    odd = {"a": 7, "b": "x", "c": None, "d": True, "e": -1, "f": 2**60, "g": 0}

    for told, kept in ((odd, {"a": 7, "g": 0}), ([1], {}), ("x", {}), (None, {})):
        body = json.dumps({"v": 2, "replica": "r", "ops": [], "told": told}).encode()
        assert parse_push(read_json("push", body)).told == kept


def test_every_push_of_repeats_fits_with_what_is_told_of_them() -> None:
    at = DeviceTime(wall_ms=LATEST_MS, mono_ms=1, boot_id="b", offset_ms=0)
    one = Operation(
        op_id=str(uuid.UUID(int=1)),
        n=1,
        group=str(uuid.UUID(int=2)),
        actor="a",
        kind=OperationKind.GO,
        entity="work_order",
        entity_id="w",
        field="accept",
        at=at,
    )
    alone = PushRequest(replica_id="r", operations=[one])
    with_told = replace(alone, told={one.op_id: LATEST_MS})

    assert len(dump_push(with_told)) - len(dump_push(alone)) <= TOLD_BYTES + len('"told":{},')


def test_an_operation_needs_a_uuid() -> None:
    operation = {"op_id": "7", "kind": "go"}
    body = json.dumps({"v": 1, "replica": "r", "ops": [operation]}).encode()

    with pytest.raises(ContractError, match=r"ops\[0\]\.op_id: '7' is not known here"):
        parse_push(read_json("push", body))


def test_a_text_is_shown_in_the_language_of_the_reader() -> None:
    assert text("Night flow").in_language("zh-CN") == "夜间流量"
    assert text("Night flow").in_language("en") == "Night flow"
