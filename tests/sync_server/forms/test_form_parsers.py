"""Models, rules and answer sets from outside: what can be read comes back, the rest is refused."""

import json
from functools import cache
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync_server.forms.builtin_io import CHECKLISTS
from sync_server.forms.expression_text import ExpressionError, parse_expression
from sync_server.forms.intake_io import read_form
from tests.sync_server.forms.random_forms import random_form
from tests.sync_server.forms.test_form_reference import AROUND
from wire_contracts.errors import ContractError
from wire_contracts.fields import FieldReader, JsonValue
from wire_contracts.forms.answer_sets import AnswerSet, answer_set_json, parse_answer_set
from wire_contracts.forms.evaluation import UnknownFunctionError
from wire_contracts.forms.items import FormPage
from wire_contracts.forms.model import model_json, parse_model
from wire_contracts.forms.references import CircleError
from wire_contracts.forms.session import CompiledForm, FormSession
from wire_contracts.forms.trees import MAX_DEPTH, Call, Tree, parse_tree, tree_json
from wire_contracts.payloads import dump_json

PLACES = st.from_regex(r"[a-z]{1,4}(\[[0-9]{1,3}\])?(/[a-z]{1,4}){0,2}", fullmatch=True)
ANYTHING: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@cache
def safety_check() -> str:
    model = read_form((CHECKLISTS / "safety-check.xlsx").read_bytes()).model
    return dump_json(model_json(model)).decode()


def spoiled(value: JsonValue, chance: Random, strange: JsonValue) -> JsonValue:
    """Return the value with one thing in it, somewhere, exchanged for something else."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        key = chance.choice(sorted(value))
        return {**value, key: spoiled(value[key], chance, strange)}
    if isinstance(value, list) and value and chance.random() < 0.9:
        index = chance.randrange(len(value))
        return [*value[:index], spoiled(value[index], chance, strange), *value[index + 1 :]]
    return strange


def read(document: JsonValue) -> str:
    """Return why a model is refused, or empty when it can be filled in."""
    values = document if isinstance(document, dict) else {}
    try:
        session = FormSession(
            CompiledForm(parse_model(FieldReader(place="form", values=values))), AROUND
        )
    except (ContractError, UnknownFunctionError, CircleError) as refused:
        return str(refused)
    FormPage(session, "en").items()
    return ""


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False), ANYTHING)
def test_a_spoiled_model_is_filled_in_or_refused_in_words(
    chance: Random, strange: JsonValue
) -> None:
    assert isinstance(read(spoiled(json.loads(safety_check()), chance, strange)), str)


def test_a_model_is_refused_where_it_is_out_of_place() -> None:
    document = json.loads(safety_check())
    document["nodes"][0]["path"] = "/data/items/meter"

    assert "nodes[0].path: '/data/items/meter' is out of place" in read(document)


@settings(max_examples=30, deadline=None)
@given(st.randoms(use_true_random=False))
def test_a_random_form_comes_back_from_its_json(chance: Random) -> None:
    model = random_form(chance).model
    document = json.loads(dump_json(model_json(model)))

    assert parse_model(FieldReader(place="form", values=document)) == model


def tree_of(text: str) -> Tree | None:
    try:
        return parse_expression(text)
    except ExpressionError:
        return None


@given(st.text(max_size=40) | st.text(alphabet="ab1/.()[]'=<,-+* |", max_size=30))
def test_a_rule_is_refused_or_its_tree_comes_back(text: str) -> None:
    tree = tree_of(text)
    again = None if tree is None else parse_tree(tree_json(tree), place="form", field="rule")

    assert again == tree


@pytest.mark.parametrize("sign", ["or", "and", "+", "|"])
def test_a_chain_is_taken_as_far_as_tablets_read_it(sign: str) -> None:
    longest = parse_expression(f" {sign} ".join(["a"] * (MAX_DEPTH - 1)))

    assert parse_tree(tree_json(longest), place="x", field="rule") == longest
    for length in (MAX_DEPTH + 1, 1_500):
        with pytest.raises(ExpressionError, match="nested deeper"):
            parse_expression(f" {sign} ".join(["a"] * length))


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+b",
        "((a+)x?)+b",
        "(a|aa)+b",
        ".*.*.*.*.*.*=",
        "(?:(b*)c?){3}",
        "((a|b)c)*",
        "a*a*a*",
        "a+(a*)a{0,400}b",
        "[a-z]*[a-m ]*x?[abc]*=",
        "[京沪]*[沪津]*[沪]*",
        "a?" * 30 + "a{30}",
        r"\w*\d*[0-9]*",
        "(ab)*(ab)*(ab)*",
        "x|a*a*(?=b)a*",
    ],
)
def test_a_pattern_that_could_take_for_ever_is_refused(pattern: str) -> None:
    with pytest.raises(ExpressionError, match="for ever"):
        parse_expression(f"regex(., '{pattern}')")


@pytest.mark.parametrize(
    "pattern",
    [
        "[0-9]{4}-[0-9]{2}",
        "(a|b)",
        "(a+)?",
        "[*+]+(x)",
        r"\(a+\)+",
        "[^@]+@[^@]+[.][a-z]+",
        "(ab)+",
        "([0-9]{2}:)+",
        "[0-9]+-[0-9]+-[0-9]+-[0-9]+",
        "a*a*",
        "^[京津沪][A-Z][A-Z0-9]{5,6}$",
        "[A-Za-z]+ [A-Za-z]+ [A-Za-z]+",
        r"\d*[.]?\d*",
        "a*b*c*d*",
        "(yes|no)?",
        "a*|a*|a*|a*",
    ],
)
def test_an_ordinary_pattern_is_taken(pattern: str) -> None:
    assert isinstance(parse_expression(f"regex(., '{pattern}')"), Call)


@given(
    st.dictionaries(PLACES, st.text(min_size=1, max_size=20), max_size=5),
    st.dictionaries(st.sampled_from(["gas_lel_pct", "flow_m3h"]), st.floats(-1e6, 1e6), max_size=2),
)
def test_an_answer_set_comes_back_from_its_fact(
    answers: dict[str, str], measured: dict[str, float]
) -> None:
    told = AnswerSet(
        form="trial@1",
        form_sha256="0" * 64,
        about="work_order",
        about_id="o-1",
        answers=answers,
        measured=measured,
    )
    body = json.loads(dump_json(answer_set_json(told)))

    assert parse_answer_set(FieldReader(place="fact", values=body)) == told
    assert body["order_id"] == "o-1"
