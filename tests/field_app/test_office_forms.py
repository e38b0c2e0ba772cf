"""A form of the office from its sheet to its answers: real server, real tablet, in-process."""

import csv
import io
import zipfile
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest

from field_app.checklists.form_desk import FormDesk, FormIncompleteError, FormTooLongError
from field_app.checklists.form_sheet import FormSubject
from field_app.checklists.form_shelf import FormGoneError
from field_app.crew import HeadlessCrew
from field_app.store.record_states import RecordState
from sync_server.db.engine_io import reading
from sync_server.forms.export_io import export_csv, export_openrosa
from sync_server.forms.form_store import publish_form, take_form, withdraw_form
from sync_server.forms.intake_io import read_form
from sync_server.work_orders.fact_store import facts_of_order, waiting_facts
from tests.field_app.office_parts import Office
from tests.sync_server.forms.sheet_parts import question, workbook
from tests.sync_server.real_parts import NOON
from wire_contracts.fields import FieldReader
from wire_contracts.forms.answer_sets import LONGEST_ANSWER, parse_answer_set
from wire_contracts.forms.items import Wrong
from wire_contracts.operations import OperationKind
from wire_contracts.orders import ENTITY, FactType

LEL = question(
    "decimal",
    "lel",
    required="yes",
    constraint=". >= 0 and . <= 100",
    **{"bind::unit": "% LEL", "bind::quantity": "gas_lel_pct"},
)
SMELL = question("select_one yn", "smell", required="yes")
WHERE = question("text", "place", relevant="${smell} = 'yes'", required="yes")
TRIAL = workbook(SMELL, WHERE, LEL, about="work_order")
NEWER = workbook(SMELL, LEL, question("text", "more"), version="2", about="work_order")
ROOMS = workbook(
    question("begin_repeat", "rooms"),
    question("decimal", "temp"),
    {"type": "end_repeat", "name": ""},
    question("calculate", "coldest", calculation="min(${temp}[. != ''])"),
    form_id="rooms",
)


def publish(office: Office, content: bytes, *, is_published: bool = True) -> str:
    form = read_form(content)
    with office.engine.begin() as connection:
        take_form(connection, form, "office", office.clock.now_utc())
        if is_published:
            publish_form(connection, form.model.key, NOON, "office", office.clock.now_utc())
    return form.model.key


def subject_of(order_id: str) -> FormSubject:
    return FormSubject(about=ENTITY, about_id=order_id)


def fill_in(desk: FormDesk, subject: FormSubject, form_id: str = "trial", **answers: str) -> None:
    sheet = desk.open(subject, form_id)
    for place, text in answers.items():
        sheet.session.answer(place, text)
    desk.save(sheet)


def test_answers_reach_the_office_with_the_form_they_were_given_in(
    crew: HeadlessCrew, office: Office
) -> None:
    publish(office, TRIAL)
    order_id = office.new_order()
    crew.sync_now()
    desk, subject = crew.tablet.forms, subject_of(order_id)
    fill_in(desk, subject, smell="yes", place="cellar", lel="12.5")
    marks = [crew.order(order_id)]
    desk.finish(desk.open(subject, "trial"))
    crew.sync_now()

    with reading(office.engine) as connection:
        facts = facts_of_order(connection, order_id)
    assert [each.key for each in desk.offers(ENTITY)] == ["trial@1"]
    assert marks[0] is not None
    assert marks[0].mark is RecordState.DRAFT
    assert [(fact.fact_type, fact.waits_for) for fact in facts] == [(FactType.FORM_ANSWERSET, None)]
    payload = facts[0].payload
    assert isinstance(payload, dict)
    answers = parse_answer_set(FieldReader(place="test", values=payload))
    assert answers.form == "trial@1"
    assert answers.answers == {"smell": "yes", "place": "cellar", "lel": "12.5"}
    assert answers.measured == {"gas_lel_pct": 12.5}
    assert desk.begun(subject) == frozenset()
    assert desk.open(subject, "trial").last == answers.answers


def test_what_is_missing_or_wrong_keeps_the_form_open(crew: HeadlessCrew, office: Office) -> None:
    publish(office, TRIAL)
    order_id = office.new_order()
    crew.sync_now()
    desk, subject = crew.tablet.forms, subject_of(order_id)
    fill_in(desk, subject, smell="yes", lel="130")

    with pytest.raises(FormIncompleteError) as refused:
        desk.finish(desk.open(subject, "trial"))

    assert [(item.place, item.wrong) for item in refused.value.items] == [
        ("place", Wrong.MISSING),
        ("lel", Wrong.OUT_OF_RANGE),
    ]
    assert desk.open(subject, "trial").saved["lel"] == "130"


LONG = workbook(
    *(question("text", f"part{number}") for number in range(20)), form_id="long", about="work_order"
)


def test_a_form_of_any_length_a_person_writes_reaches_the_office_and_a_longer_one_says_so(
    crew: HeadlessCrew, office: Office
) -> None:
    publish(office, LONG)
    order_id = office.new_order()
    crew.sync_now()
    desk, subject = crew.tablet.forms, subject_of(order_id)
    book = {f"part{number}": "水" * LONGEST_ANSWER for number in range(20)}
    fill_in(desk, subject, "long", **book)
    with pytest.raises(FormTooLongError) as refused:
        desk.finish(desk.open(subject, "long"))
    crew.sync_now()
    kept = desk.open(subject, "long").saved
    fill_in(desk, subject, "long", **dict.fromkeys(list(book)[5:], ""))
    desk.finish(desk.open(subject, "long"))
    crew.sync_now()

    with reading(office.engine) as connection:
        payloads = [fact.payload for fact in facts_of_order(connection, order_id)]
    assert [item.wrong for item in refused.value.items] == [Wrong.TOO_LONG]
    assert kept == book, "nothing was lost by being told"
    assert [
        sum(map(len, payload["answers"].values()))
        for payload in payloads
        if isinstance(payload, dict) and isinstance(payload["answers"], dict)
    ] == [5 * LONGEST_ANSWER], "300 kB: more than a push of several actions"


def test_what_is_not_asked_in_the_end_is_not_sent(crew: HeadlessCrew, office: Office) -> None:
    publish(office, TRIAL)
    order_id = office.new_order()
    crew.sync_now()
    desk, subject = crew.tablet.forms, subject_of(order_id)
    fill_in(desk, subject, smell="yes", place="cellar", lel="0")
    fill_in(desk, subject, smell="no")

    answers = desk.finish(desk.open(subject, "trial"))

    assert answers.answers == {"smell": "no", "lel": "0"}


def test_a_draft_stays_with_the_version_it_was_begun_in(crew: HeadlessCrew, office: Office) -> None:
    publish(office, TRIAL)
    begun, fresh = office.new_order(), "household-7"
    crew.sync_now()
    desk = crew.tablet.forms
    fill_in(desk, subject_of(begun), smell="no", lel="1")
    office.clock.advance(minutes=1)
    publish(office, NEWER)
    with office.engine.begin() as connection:
        withdraw_form(connection, "trial@1", "office", office.clock.now_utc())
    crew.sync_now()

    old = desk.finish(desk.open(subject_of(begun), "trial"))
    new = desk.open(FormSubject(about="household", about_id=fresh), "trial")

    assert (old.form, new.head.key) == ("trial@1", "trial@2")


def test_a_form_is_begun_only_when_it_holds(crew: HeadlessCrew, office: Office) -> None:
    form = read_form(TRIAL)
    later = office.clock.now_utc() + timedelta(days=2)
    with office.engine.begin() as connection:
        take_form(connection, form, "office", office.clock.now_utc())
        publish_form(connection, "trial@1", later, "office", office.clock.now_utc())
    crew.sync_now()
    desk = crew.tablet.forms
    before = desk.offers(ENTITY)
    with pytest.raises(FormGoneError):
        desk.open(subject_of("o-1"), "trial")

    office.clock.advance(days=3)

    assert before == ()
    assert [each.key for each in desk.offers(ENTITY)] == ["trial@1"]


def test_answers_wait_at_the_server_for_a_form_it_does_not_have_yet(
    crew: HeadlessCrew, office: Office
) -> None:
    publish(office, TRIAL)
    order_id = office.new_order()
    crew.sync_now()
    desk, subject = crew.tablet.forms, subject_of(order_id)
    fill_in(desk, subject, smell="no", lel="3")
    desk.finish(desk.open(subject, "trial"))
    with office.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM form_version")
    crew.sync_now()
    with reading(office.engine) as connection:
        waiting = [str(fact.waits_for) for fact in waiting_facts(connection)]

    publish(office, TRIAL, is_published=False)

    with reading(office.engine) as connection:
        assert waiting == ["form"]
        assert waiting_facts(connection) == []


def test_a_form_is_sealed_with_what_else_belongs_to_it_or_not_at_all(
    crew: HeadlessCrew, office: Office
) -> None:
    publish(office, TRIAL)
    order_id = office.new_order()
    crew.sync_now()
    desk, subject = crew.tablet.forms, subject_of(order_id)
    fill_in(desk, subject, smell="no", lel="3")

    def fails(_answers: object) -> list[object]:
        message = "the page that asked has gone"
        raise RuntimeError(message)

    with pytest.raises(RuntimeError):
        desk.finish(desk.open(subject, "trial"), fails)  # type: ignore[arg-type]  # it never returns

    assert crew.tablet.waiting() == ()
    assert desk.begun(subject) == frozenset({"trial"})


def test_rooms_are_exported_as_columns_and_as_repeated_elements(
    crew: HeadlessCrew, office: Office
) -> None:
    publish(office, ROOMS)
    crew.sync_now()
    desk, subject = crew.tablet.forms, FormSubject(about="household", about_id="h-1")
    sheet = desk.open(subject, "rooms")
    sheet.session.answer("rooms[1]/temp", "17.5")
    sheet.session.add_repeat("rooms")
    sheet.session.answer("rooms[2]/temp", "16")
    desk.save(sheet)
    desk.finish(desk.open(subject, "rooms"))
    crew.sync_now()

    with reading(office.engine) as connection:
        table = export_csv(connection, "rooms").decode("utf-8-sig")
        packed = export_openrosa(connection, "rooms")
    rows = list(csv.DictReader(io.StringIO(table)))
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        document = ET.fromstring(archive.read(archive.namelist()[0]))  # noqa: S314  # our own

    assert [rows[0][key] for key in ("rooms[1]/temp", "rooms[2]/temp", "coldest")] == [
        "17.5",
        "16",
        "16",
    ]
    assert (document.tag, document.get("id"), document.get("version")) == ("data", "rooms", "1")
    assert [each.text for each in document.findall("rooms/temp")] == ["17.5", "16"]
    assert document.findtext("coldest") == "16"


def test_what_a_person_typed_is_no_formula_in_a_spreadsheet(
    crew: HeadlessCrew, office: Office
) -> None:
    publish(office, workbook(question("text", "one"), question("text", "two")))
    crew.sync_now()
    desk = crew.tablet.forms
    subject = FormSubject(about="household", about_id="=1+1")
    fill_in(desk, subject, one="=HYPERLINK(A1)", two="-5")
    desk.finish(desk.open(subject, "trial"))
    crew.sync_now()

    with reading(office.engine) as connection:
        table = export_csv(connection, "trial").decode("utf-8-sig")
    row = next(csv.DictReader(io.StringIO(table)))

    assert row["one"] == "'=HYPERLINK(A1)"
    assert row["two"] == "-5"
    assert row["about_id"] == "'=1+1"


def test_an_order_is_not_finished_by_a_checklist_alone(crew: HeadlessCrew, office: Office) -> None:
    publish(office, TRIAL)
    order_id = office.new_order()
    crew.sync_now()
    desk, subject = crew.tablet.forms, subject_of(order_id)
    fill_in(desk, subject, smell="no", lel="3")
    desk.finish(desk.open(subject, "trial"))

    entries = crew.tablet.waiting()

    assert [each.operation.kind for each in entries] == [OperationKind.FACT]
    assert crew.tablet.desk.finding(order_id).fields == {}
