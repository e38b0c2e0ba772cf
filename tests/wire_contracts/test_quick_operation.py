"""The quick reader of operations says what the careful one says, or leaves the word to it."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonValue
from wire_contracts.frames import LATEST_MS
from wire_contracts.operations import (
    MAX_COUNTER,
    MAX_SCHEMA,
    Operation,
    OperationKind,
    OperationResult,
    Outcome,
    parse_operation,
    parse_push_answer,
    quick_operation,
)

TIME: Mapping[str, JsonValue] = {
    "wall": 1_795_744_822_000,
    "mono_ms": 5,
    "boot_id": "b",
    "offset_ms": -3,
    "contact": 1_795_744_800_000,
}
USUAL: Mapping[str, JsonValue] = {
    "op_id": "01939f3c-7a00-7000-8000-000000000001",
    "n": 1,
    "group": "01939f3c-7a00-7000-8000-000000000002",
    "actor": "wang",
    "kind": "set",
    "entity": "work_order",
    "id": "o-1",
    "at": TIME,
    "app": "1.0",
    "schema": 1,
    "session": "pin:x",
    "field": "note",
    "old": None,
    "new": "wet",
}

odd: st.SearchStrategy[JsonValue] = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(),
    st.sampled_from([-1, 0, 1, MAX_SCHEMA, MAX_SCHEMA + 1, LATEST_MS, LATEST_MS + 1]),
    st.sampled_from([MAX_COUNTER, MAX_COUNTER + 1, -LATEST_MS, -LATEST_MS - 1]),
    st.sampled_from([str(each) for each in OperationKind]),
    st.sampled_from([0, 1, 40, 41, 64, 65]).map("ß".__mul__),
    st.just("01939F3C-7A00-7000-8000-000000000001"),
    st.lists(st.integers(), max_size=2),
    st.just({"wall": 1}),
)
changed_times = st.dictionaries(st.sampled_from([*sorted(TIME), "restarted"]), odd, max_size=2).map(
    lambda changes: {**TIME, **changes}
)


def careful(values: Mapping[str, JsonValue]) -> Operation | None:
    try:
        return parse_operation(FieldReader(place="push", values=values))
    except ContractError:
        return None


def test_a_field_and_a_step_as_tablets_send_them_are_read_quickly() -> None:
    step = {name: value for name, value in USUAL.items() if name not in {"old", "new"}}

    for values in (USUAL, {**step, "kind": "go", "field": "accept"}):
        assert quick_operation(values) == careful(values) is not None


@given(
    changes=st.dictionaries(st.sampled_from(sorted(USUAL)), odd, max_size=2),
    at=st.one_of(st.none(), changed_times),
    left_out=st.sets(st.sampled_from(sorted(USUAL)), max_size=1),
)
def test_what_is_read_quickly_is_what_the_careful_reader_reads(
    changes: dict[str, JsonValue], at: Mapping[str, JsonValue] | None, left_out: set[str]
) -> None:
    whole = {**USUAL, **({} if at is None else {"at": at}), **changes}
    values = {name: value for name, value in whole.items() if name not in left_out}
    quick = quick_operation(values)

    assert quick is None or quick == careful(values)


RESULT: dict[str, JsonValue] = {
    "op_id": "0190c1d2-0000-7000-8000-000000000007",
    "outcome": "applied",
    "code": None,
    "detail": "",
    "seq": 7,
}
ODD: dict[str, list[JsonValue]] = {
    "op_id": ["0190C1D2-0000-7000-8000-000000000007", "x", None, 7],
    "outcome": ["refused", "unheard of", None, ["applied"]],
    "code": ["state", "of a newer server", 3],
    "detail": ["why", None, "x" * 2001],
    "seq": [True, -1, 2**53 + 1, "7", None],
}


def read_results(*results: JsonValue) -> Sequence[OperationResult] | str:
    values: dict[str, JsonValue] = {"v": 2, "se": 1, "now": 1, "renew_replica": False}
    try:
        return parse_push_answer(
            FieldReader(place="push", values={**values, "results": list(results)})
        ).results
    except ContractError as error:
        return str(error)


@pytest.mark.parametrize(("name", "value"), [(name, each) for name in ODD for each in ODD[name]])
def test_a_result_means_the_same_beside_one_that_is_not_as_usual(
    name: str, value: JsonValue
) -> None:
    odd = {**RESULT, name: value}

    alone, among = read_results(odd), read_results(RESULT, odd)

    if isinstance(alone, str):
        assert among == alone.replace("results[0]", "results[1]")
    else:
        usual = OperationResult(op_id=str(RESULT["op_id"]), outcome=Outcome.APPLIED, seq=7)
        assert list(among) == [usual, *alone]


@pytest.mark.parametrize("name", sorted(RESULT))
def test_a_result_that_lacks_a_part_is_read_as_ever(name: str) -> None:
    lacking = {key: value for key, value in RESULT.items() if key != name}

    read = read_results(lacking)

    is_needed = name in {"op_id", "outcome", "seq"}
    assert isinstance(read, str) == is_needed
