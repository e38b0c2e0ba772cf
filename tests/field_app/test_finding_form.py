"""What the finding form asks, and how numbers are typed."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from field_app.forms.finding import (
    MEASURED,
    FindingAnswers,
    Missing,
    Problem,
    draft_of_sealed,
    find_missing,
    kept_value,
    measured_value,
    read_answers,
    seal,
)
from field_app.forms.numbers import parse_number, shown_number
from wire_contracts.findings import Cause, causes_for
from wire_contracts.kinds import FindingResult
from wire_contracts.orders import OrderType
from wire_contracts.quantities import Medium, Quantity

LEL = MEASURED[Medium.GAS][0]


def problems(medium: Medium, answers: FindingAnswers) -> list[Problem]:
    return [each.problem for each in find_missing(medium, answers)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12.0),
        ("0,12", 0.12),
        (" 0.12 ", 0.12),
        (",5", 0.5),
        ("3.", 3.0),
        ("-1,5", -1.5),
        ("\uff11\uff12\uff0e\uff15", 12.5),
        ("1\u30025", 1.5),
    ],
)
def test_a_number_is_read_the_way_crews_type_it(text: str, value: float) -> None:
    assert parse_number(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "1,234.5",
        "1.234,5",
        "1,200",
        "+12,345",
        "1\uff0c200",
        "1e3",
        "nan",
        "inf",
        "12 bar",
        "--1",
        "9" * 400,
    ],
)
def test_what_could_mean_two_things_is_no_number(text: str) -> None:
    assert parse_number(text) is None


@given(st.floats(min_value=-1e9, max_value=1e9))
def test_a_shown_number_is_read_back(value: float) -> None:
    again = parse_number(shown_number(value))

    assert again is not None
    assert abs(again - value) <= 5e-7 + math.ulp(value)


@given(st.text(max_size=40))
def test_no_text_breaks_the_number_reader(text: str) -> None:
    value = parse_number(text)

    assert value is None or value - value == 0


def test_an_empty_form_asks_for_the_result_first() -> None:
    assert problems(Medium.WATER, FindingAnswers()) == [Problem.RESULT_MISSING]


def test_a_gas_leak_needs_a_gas_test() -> None:
    answers = FindingAnswers(result=FindingResult.LEAK, cause=Cause.JOINT)
    tested = FindingAnswers(
        result=FindingResult.LEAK, cause=Cause.JOINT, measured={Quantity.GAS_LEL_PCT: "2,5"}
    )

    assert find_missing(Medium.GAS, answers) == (
        Missing(problem=Problem.GAS_TEST_MISSING, measured=LEL),
    )
    assert find_missing(Medium.GAS, tested) == ()


def test_all_is_well_needs_one_measured_value() -> None:
    answers = FindingAnswers(result=FindingResult.NORMAL, cause=Cause.CHANGED_USE)
    measured = FindingAnswers(
        result=FindingResult.NORMAL, cause=Cause.CHANGED_USE, measured={Quantity.FLOW_M3H: "0"}
    )

    assert problems(Medium.WATER, answers) == [Problem.MEASUREMENT_MISSING]
    assert problems(Medium.WATER, measured) == []


@pytest.mark.parametrize(
    ("result", "cause", "wrong"),
    [
        (FindingResult.NORMAL, Cause.CHANGED_USE, [Problem.GAS_PRESENT]),
        (FindingResult.INACCURATE, Cause.SEE_NOTE, [Problem.GAS_PRESENT]),
        (FindingResult.OTHER, Cause.SEE_NOTE, []),
    ],
)
def test_nothing_is_well_where_gas_is_in_the_air(
    result: FindingResult, cause: Cause, wrong: list[Problem]
) -> None:
    def found(lel: str) -> list[Problem]:
        measured = {Quantity.GAS_LEL_PCT: lel}
        return problems(
            Medium.GAS,
            FindingAnswers(result=result, cause=cause, note="sewer gas", measured=measured),
        )

    assert found("85") == wrong
    assert found("0,5") == []


@pytest.mark.parametrize(
    ("order_type", "wrong"),
    [
        (OrderType.LEAK_CHECK, [Problem.GAS_TEST_MISSING]),
        (OrderType.METER_CHECK, [Problem.GAS_TEST_MISSING]),
        (OrderType.COMM_CHECK, []),
        (OrderType.METER_EXCHANGE, []),
    ],
)
def test_gas_is_tested_whatever_was_found(order_type: OrderType, wrong: list[Problem]) -> None:
    answers = FindingAnswers(result=FindingResult.INACCURATE, cause=Cause.SEE_NOTE, note="worn")

    missing = find_missing(Medium.GAS, answers, order_type)
    assert [each.problem for each in missing] == wrong


def test_gas_in_the_air_without_a_leak_must_be_told_in_the_note() -> None:
    answers = FindingAnswers(
        result=FindingResult.OTHER, cause=Cause.PLANNED_WORK, measured={Quantity.GAS_LEL_PCT: "85"}
    )

    assert problems(Medium.GAS, answers) == [Problem.NOTE_MISSING]


def test_a_cause_must_fit_the_result() -> None:
    answers = FindingAnswers(result=FindingResult.INACCURATE, cause=Cause.JOINT)

    assert problems(Medium.WATER, answers) == [Problem.CAUSE_OF_ANOTHER_RESULT]


def test_something_else_must_be_told_in_the_note() -> None:
    answers = FindingAnswers(result=FindingResult.OTHER, cause=Cause.SEE_NOTE, note="  ")

    assert problems(Medium.HEAT, answers) == [Problem.NOTE_MISSING]


@pytest.mark.parametrize(
    ("text", "problem"),
    [("abc", Problem.NOT_A_NUMBER), ("101", Problem.OUT_OF_RANGE), ("-1", Problem.OUT_OF_RANGE)],
)
def test_an_impossible_gas_value_is_named(text: str, problem: Problem) -> None:
    answers = FindingAnswers(
        result=FindingResult.LEAK, cause=Cause.JOINT, measured={Quantity.GAS_LEL_PCT: text}
    )

    assert find_missing(Medium.GAS, answers) == (Missing(problem=problem, measured=LEL),)


def is_to_be_gas_free(medium: Medium, result: FindingResult) -> bool:
    return medium is Medium.GAS and result in {FindingResult.NORMAL, FindingResult.INACCURATE}


COMPLETE = st.sampled_from(Medium).flatmap(
    lambda medium: st.sampled_from(FindingResult).flatmap(
        lambda result: st.builds(
            lambda cause, note, values: (
                medium,
                FindingAnswers(
                    result=result,
                    cause=cause,
                    note=note,
                    measured={
                        one.quantity: kept_value(
                            one, shown_number(one.low + share * (one.high - one.low))
                        )
                        for one, share in zip(MEASURED[medium], values, strict=False)
                    },
                ),
            ),
            st.sampled_from(causes_for(medium, result)),
            st.text(min_size=1, max_size=50).filter(str.strip),
            st.lists(st.floats(0, 1), min_size=4, max_size=4).map(
                lambda shares: [0.0, *shares] if is_to_be_gas_free(medium, result) else shares
            ),
        )
    )
)


@given(COMPLETE)
def test_a_complete_finding_misses_nothing_and_survives_sealing(
    filled: tuple[Medium, FindingAnswers],
) -> None:
    medium, answers = filled

    sealed = seal("order-1", answers)["answers"]
    assert isinstance(sealed, dict)
    again = read_answers(draft_of_sealed(sealed))

    assert find_missing(medium, answers) == ()
    assert (again.result, again.cause, again.note) == (
        answers.result,
        answers.cause,
        answers.note.strip(),
    )
    assert {name: measured_value(name, text) for name, text in again.measured.items()} == {
        name: measured_value(name, text) for name, text in answers.measured.items()
    }


def test_an_answer_of_a_newer_app_counts_as_not_given() -> None:
    draft = {"result": "haunted", "cause": "ghost", "measured.ectoplasm_m3": "1", "note": None}

    assert read_answers(draft) == FindingAnswers()
