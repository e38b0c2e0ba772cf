"""What rules of ODK's own mean: dates, choices, repeats, defaults, values that stay."""

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import count

import pytest

from sync_server.forms.expression_text import parse_expression
from sync_server.forms.intake_io import read_form
from tests.sync_server.forms.sheet_parts import Row, question, workbook
from wire_contracts.forms.functions import FUNCTIONS, Surroundings
from wire_contracts.forms.items import FormPage, Wrong
from wire_contracts.forms.model import FormModel, FormNode, FormText, NodeKind, Rules
from wire_contracts.forms.session import CompiledForm, FormSession

NOW = datetime(2026, 11, 22, 9, 30, 15, tzinfo=UTC)


def around() -> Surroundings:
    numbers = count(1)
    return Surroundings(now=lambda: NOW, random=lambda: 0.25, uuid=lambda: f"id-{next(numbers)}")


def begin(*rows: Row, answers: Mapping[str, str] | None = None) -> FormSession:
    return FormSession(CompiledForm(read_form(workbook(*rows)).model), around(), answers)


def text_at(session: FormSession, place: str) -> str:
    element = session.element(place)
    assert element is not None
    return element.text


def value_of(rule: str, **answers: str) -> str:
    """Return what a calculation comes to over some answers."""
    asked = tuple(FormNode(path=f"/data/{name}", kind=NodeKind.TEXT) for name in answers)
    told = FormNode(
        path="/data/told", kind=NodeKind.CALCULATE, rules=Rules(calculate=parse_expression(rule))
    )
    model = FormModel(form_id="f", version="1", title=FormText(), nodes=(*asked, told))
    return text_at(FormSession(CompiledForm(model), around(), answers), "told")


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("today()", "2026-11-22"),
        ("now()", "2026-11-22T09:30:15.000+00:00"),
        ("/data/a + 1", "20780"),
        ("date(/data/a + 1)", "2026-11-23"),
        ("/data/a < today()", "false"),
        ("/data/a <= today()", "true"),
        ("date('2026-12-01') - /data/a", "9"),
        ("date('nonsense')", ""),
        ("date-time('2026-11-22')", "2026-11-22T00:00:00.000"),
        ("format-date(/data/a, '%e. %b %Y, %a')", "22. Nov 2026, Sun"),
        ("format-date-time(now(), '%H:%M:%S.%3')", "09:30:15.000"),
        ("decimal-date-time('1970-01-02T12:00')", "1.5"),
        ("decimal-time('18:00:00')", "0.75"),
        ("decimal-time('late')", "NaN"),
        ("int(-3.7)", "-3"),
        ("round(2.345, 2)", "2.35"),
        ("round(1250, -2)", "1300"),
        ("round(-0.5)", "0"),
        ("pow(2, 10) + sqrt(16) + abs(-1)", "1029"),
        ("sqrt(-1)", "NaN"),
        ("log10(1000)", "3"),
        ("1 div 0", "Infinity"),
        ("floor(1 div 0)", "Infinity"),
        ("ceiling(-1 div 0)", "-Infinity"),
        ("-7 mod 3", "-1"),
        ("substr('leakage', 0, 4)", "leak"),
        ("substr('leakage', -3)", "age"),
        ("selected-at('a b c', 1)", "b"),
        ("selected-at('a b c', 9)", ""),
        ("count-selected(' a  b ')", "2"),
        ("checklist(1, 2, 'yes', 'no', '1')", "true"),
        ("weighted-checklist(3, -1, 'yes', 2, 'no', 5)", "false"),
        ("boolean-from-string('True')", "true"),
        ("coalesce('', /data/a)", "2026-11-22"),
        ("join(', ', 'a', 'b')", "a, b"),
        ("digest('a', 'SHA-1', 'hex')", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),
        ("digest('a', 'MD5')", "DMF1ucDxtqgxw5niaXcmYQ=="),
        ("regex('HM-100001', '[A-Z]{2}-[0-9]{6}')", "true"),
        ("random()", "0.25"),
        ("uuid()", "id-1"),
        ("string(0.1 + 0.2)", "0.30000000000000004"),
        ("string(1000000000000000000000)", "1000000000000000000000"),
        ("translate('20', '0123456789', '')", ""),
        ("normalize-space('  a   b ')", "a b"),
        ("substring-after('a-b', '-')", "b"),
        ("pi() > 3.14", "true"),
    ],
)
def test_a_function_gives_what_its_definition_says(rule: str, value: str) -> None:
    assert value_of(rule, a="2026-11-22") == value


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - {"regex"}))
def test_no_function_fails_whatever_it_is_given(name: str) -> None:
    known = FUNCTIONS[name]
    number = known.least if known.most is None else known.most
    strange = ["/data/a", "''", "'x'", "-1", "1 div 0", "/data/a[2]", "true()"]

    for offset in range(len(strange)):
        given = [strange[(offset + index) % len(strange)] for index in range(number)]
        assert isinstance(value_of(f"{name}({', '.join(given)})", a="a b"), str)


def test_choices_follow_the_answers_and_one_that_is_not_offered_any_more_is_wrong() -> None:
    session = begin(
        question("text", "area"),
        question("select_one yn", "pick", choice_filter="name = ${area} or ${area} = 'all'"),
    )
    page = FormPage(session, "en")
    session.answer("area", "all")
    session.answer("pick", "no")
    both = [choice.name for choice in page.items()[1].choices]
    session.answer("area", "yes")

    assert both == ["yes", "no"]
    assert [choice.name for choice in page.items()[1].choices] == ["yes"]
    assert page.items()[1].wrong is Wrong.NOT_OFFERED


def test_the_words_of_a_choice_are_in_the_readers_language() -> None:
    session = begin(
        question("select_one yn", "pick"),
        question("calculate", "said", calculation="jr:choice-name(${pick}, '${pick}')"),
        question("note", "note", **{"label::English (en)": "It is ${said}"}),
    )
    page = FormPage(session, "en")
    session.answer("pick", "yes")
    english = page.items()[-1].label
    page.speak("zh_CN")

    assert english == "It is Yes"
    assert text_at(session, "said") == "是"


def test_rules_inside_a_repeat_see_their_own_and_the_others() -> None:
    session = begin(
        question("begin_repeat", "rooms"),
        question("decimal", "temp"),
        question("calculate", "number", calculation="position(..)"),
        question(
            "calculate", "before", calculation="indexed-repeat(${temp}, ${rooms}, position(..) - 1)"
        ),
        question(
            "calculate", "step", calculation="${temp} - ${before}", relevant="position(..) > 1"
        ),
        {"type": "end_repeat", "name": ""},
        question("calculate", "many", calculation="count(${rooms})"),
    )
    session.add_repeat("rooms")
    session.answer("rooms[1]/temp", "18")
    session.answer("rooms[2]/temp", "21")

    assert session.final_answers() == {
        "rooms[1]/temp": "18",
        "rooms[1]/number": "1",
        "rooms[2]/temp": "21",
        "rooms[2]/number": "2",
        "rooms[2]/before": "18",
        "rooms[2]/step": "3",
        "many": "2",
    }


def test_a_repeat_stands_there_as_often_as_an_answer_says() -> None:
    session = begin(
        question("integer", "wanted"),
        question("begin_repeat", "rooms", repeat_count="${wanted}"),
        question("text", "name", default="new"),
        question("calculate", "loud", calculation="concat(${name}, '!')"),
        {"type": "end_repeat", "name": ""},
    )
    session.answer("wanted", "2")
    grown = session.final_answers()
    session.answer("wanted", "1")

    assert [grown.get(f"rooms[{number}]/loud") for number in (1, 2)] == ["!", "!"]
    assert "rooms[2]/loud" not in session.final_answers()
    assert not session.add_repeat("rooms")
    assert not session.remove_repeat("rooms[1]")


def test_a_default_is_put_in_once_and_does_not_come_back_when_it_was_cleared() -> None:
    rows = (question("text", "who", default="Li"), question("date", "day", default="today()"))
    fresh = begin(*rows)
    fresh.answer("who", "")
    again = begin(*rows, answers=fresh.drafted())

    assert (text_at(begin(*rows), "who"), text_at(fresh, "day")) == ("Li", "2026-11-22")
    assert text_at(again, "who") == ""


def test_what_is_computed_once_stays_when_the_draft_is_opened_again() -> None:
    rows = (question("calculate", "key", calculation="once(uuid())"), question("text", "other"))
    first = begin(*rows)
    first.answer("other", "x")
    again = begin(*rows, answers=first.drafted())

    assert text_at(first, "key").startswith("id-")
    assert text_at(again, "key") == text_at(first, "key")


def test_a_group_that_is_not_asked_takes_everything_in_it_along() -> None:
    session = begin(
        question("select_one yn", "more"),
        question("begin_group", "rest", relevant="${more} = 'yes'"),
        question("text", "why", required="yes"),
        {"type": "end_group", "name": ""},
        question("calculate", "said", calculation="coalesce(${why}, 'nothing')"),
    )
    page = FormPage(session, "en")
    session.answer("more", "yes")
    session.answer("rest/why", "because")
    told = text_at(session, "said")
    session.answer("more", "no")

    assert told == "because"
    assert text_at(session, "said") == "nothing"
    assert [item.place for item in page.items()] == ["more"]
    assert session.final_answers() == {"more": "no", "said": "nothing"}


def test_a_place_that_is_not_there_takes_no_answer() -> None:
    session = begin(question("text", "one"), question("note", "two"))

    assert [session.answer(place, "x") for place in ("nobody", "two", "one[2]", "one/x")] == [
        False,
        False,
        False,
        False,
    ]
