"""What the office writes becomes a model, or is refused with its sheet and row."""

import io
import zipfile

import pytest

from sync_server.forms.form_problems import FormRefusedError
from sync_server.forms.intake_io import read_form
from sync_server.forms.sheets_io import MOST_FILE_BYTES
from sync_server.sheets.archive_io import MOST_INFLATED_BYTES
from tests.sync_server.forms.sheet_parts import Row, question, workbook
from wire_contracts.fields import FieldReader
from wire_contracts.forms.model import NodeKind, model_json, parse_model, walk


def problems(content: bytes) -> list[str]:
    with pytest.raises(FormRefusedError) as refused:
        read_form(content)
    return [each.text() for each in refused.value.problems]


def test_a_form_becomes_questions_with_their_limits_and_both_languages() -> None:
    content = workbook(
        question("select_one yn", "smell", required="yes"),
        question(
            "decimal",
            "lel",
            relevant="${smell} = 'yes'",
            constraint=". >= 0 and . <= 100",
            **{"bind::unit": "% LEL", "bind::quantity": "gas_lel_pct"},
        ),
        about="work_order",
        purposes="leak_check leak_check:gas",
    )

    model = read_form(content).model
    smell, lel = model.nodes

    assert (model.key, model.about) == ("trial@1", "work_order")
    assert model.purposes == ("leak_check", "leak_check:gas")
    assert not model.is_required
    assert (smell.kind, smell.choices) == (NodeKind.SELECT_ONE, "yn")
    assert (lel.low, lel.high, lel.unit, lel.quantity) == (0, 100, "% LEL", "gas_lel_pct")
    assert (lel.label.plain("en"), lel.label.plain("zh_CN")) == ("Lel", "lel项")
    assert [row.label.plain("zh") for row in model.lists["yn"]] == ["是", "否"]


def test_a_form_may_be_required_and_says_so_clearly() -> None:
    row = question("text", "seal")
    demanded = read_form(workbook(row, about="checkpoint", required="yes")).model

    assert demanded.is_required
    assert parse_model(FieldReader(place="test", values=model_json(demanded))) == demanded
    with pytest.raises(FormRefusedError, match="settings row 2, required: is 'maybe'; write yes"):
        read_form(workbook(row, required="maybe"))


def test_a_range_that_is_shown_never_holds_a_value_that_is_refused() -> None:
    nodes = read_form(
        workbook(
            question("integer", "whole", constraint=". > 1 and . < 5"),
            question("decimal", "exact", constraint=". > 1 and . <= 5"),
            question("integer", "half", constraint=". > 1.5 and . < 4.5"),
        )
    ).model.nodes

    assert [(each.low, each.high) for each in nodes] == [(2, 4), (None, 5), (2, 4)]


@pytest.mark.parametrize(
    "rows",
    [
        (question("note", "hello"),),
        (question("note", "hello"), question("calculate", "sum", calculation="1 + 1")),
        (question("begin group", "g"), question("note", "hello"), {"type": "end group"}),
    ],
    ids=["a note", "a note and a sum", "a group of a note"],
)
def test_a_form_in_which_nothing_can_be_answered_is_refused(rows: tuple[Row, ...]) -> None:
    assert problems(workbook(*rows)) == [
        (
            "survey row 2, type: has no question that can be answered; "
            "write at least one, such as type integer with a name and a label"
        )
    ]


@pytest.mark.parametrize("count", ["99999", "'300'", "201"])
def test_a_list_that_no_tablet_holds_is_refused(count: str) -> None:
    rows = (
        question("begin_repeat", "rooms", repeat_count=count),
        question("text", "name"),
        {"type": "end_repeat", "name": ""},
    )

    (problem,) = problems(workbook(*rows))
    assert problem.startswith("survey row 2, repeat_count: asks for ")
    assert problem.endswith("tablets hold 200; make it several lists, or several forms")
    most = read_form(workbook(*({**rows[0], "repeat_count": "200"}, *rows[1:])))
    assert [node.name for node in most.model.nodes] == ["rooms_count", "rooms"]


def test_a_model_survives_its_way_to_the_tablet() -> None:
    content = workbook(
        question("begin_repeat", "rooms"),
        question("decimal", "temp", default="18 + 2"),
        {"type": "end_repeat", "name": ""},
        question("calculate", "mean", calculation="sum(${temp}) div count(${temp})"),
        question("note", "said", **{"label::English (en)": "Mean ${mean}"}),
    )
    model = read_form(content).model

    assert parse_model(FieldReader(place="test", values=model_json(model))) == model
    assert [node.path for node in walk(model.nodes)][:2] == ["/data/rooms", "/data/rooms/temp"]


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        (
            {"relevant": "area(/data/one) > 1"},
            (
                "survey row 3, relevant: calls area(), which tablets cannot compute;"
                " see docs/server.md for the functions that they can"
            ),
        ),
        (
            {"constraint": "round(., 1, 2) = 1"},
            (
                "survey row 3, constraint: gives round() 3 arguments, it takes 1 to 2;"
                " correct the call"
            ),
        ),
        (
            {"constraint": "regex(., '(a+)+b')"},
            (
                "survey row 3, constraint: has a pattern that could take for ever:"
                " repeats in repeats, or side by side; let every part of regex() begin with a sign"
                " that the part before cannot hold"
            ),
        ),
        (
            {"constraint": "regex(., '((a+)x?)+b')"},
            (
                "survey row 3, constraint: has a pattern that could take for ever:"
                " repeats in repeats, or side by side; let every part of regex() begin with a sign"
                " that the part before cannot hold"
            ),
        ),
        (
            {"constraint": " or ".join(f".='{number}'" for number in range(900))},
            (
                "survey row 3, constraint: is nested deeper than 60 levels;"
                " split the rule over several calculate rows"
            ),
        ),
        (
            {"calculation": "preceding::a + 1"},
            "survey row 3, calculation: uses the axis preceding::; use child, parent or self",
        ),
        (
            {"relevant": "/data/nobody = 1"},
            "survey row 3: asks for /data/nobody, which is not there; correct the name",
        ),
        (
            {"relevant": "1 +"},
            (
                "survey row 3, relevant: has 'the end' where a question's name belongs;"
                " correct the rule"
            ),
        ),
        (
            {"bind::quantity": "smell"},
            (
                "survey row 3, bind::quantity: measures 'smell', which nothing else does;"
                " use a name of docs/wire.md, section Quantities"
            ),
        ),
    ],
)
def test_what_tablets_cannot_compute_is_refused_with_sheet_and_row(
    cells: dict[str, str], problem: str
) -> None:
    assert problems(workbook(question("text", "one"), question("text", "two", **cells))) == [
        problem
    ]


def test_what_is_only_shown_is_not_required_unless_it_has_a_value() -> None:
    shown = {"required": "yes", "read_only": "yes"}
    one = question("text", "one")
    refused = (
        "survey row 3, required: is required, but only shown: nobody can answer it;"
        " give it a calculation or a default, or do not require it"
    )
    assert problems(workbook(one, question("text", "two", **shown))) == [refused]
    read_form(workbook(one, question("text", "two", **shown, default="as found")))


def test_everything_that_is_wrong_is_told_at_once() -> None:
    content = workbook(
        question("text", "one", relevant="area(.) > 1"),
        question("audio", "two"),
        question("text", "three", constraint="intersects(.)"),
    )

    assert [each.split(":")[0] for each in problems(content)] == [
        "survey row 2, relevant",
        "survey row 3, type",
        "survey row 4, constraint",
    ]


def test_questions_that_wait_for_each_other_are_refused() -> None:
    content = workbook(
        question("calculate", "one", calculation="${two} + 1"),
        question("calculate", "two", calculation="${one} + 1"),
    )

    assert problems(content) == [
        "survey row 2: depends on itself over other questions; break the circle",
        "survey row 3: depends on itself over other questions; break the circle",
    ]


def test_what_breaks_the_convention_is_told_in_the_words_of_pyxform() -> None:
    found = problems(workbook(question("select_one colours", "one")))

    assert len(found) == 1
    assert found[0].startswith("survey row 2:")
    assert "colours" in found[0]


def test_a_form_without_a_version_is_refused() -> None:
    assert problems(workbook(question("text", "one"), version="")) == [
        "settings row 2, version: is ''; give every change a new version, such as 2"
    ]


def zipped(**parts: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return packed.getvalue()


def with_part(content: bytes, name: str, text: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(packed, "w") as after:
        for part in before.infolist():
            if part.filename != name:
                after.writestr(part, before.read(part))
        after.writestr(name, text)
    return packed.getvalue()


def test_a_file_that_swells_when_unpacked_is_refused_before_it_fills_the_memory() -> None:
    bomb = zipped(**{"xl/workbook.xml": b"<a>" + b" " * (MOST_INFLATED_BYTES + 1)})

    assert len(bomb) < MOST_FILE_BYTES
    assert problems(bomb) == ["file: is far larger when unpacked; take unused sheets out of it"]


def test_a_file_with_a_document_type_is_refused() -> None:
    entity = (
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'
    )
    content = with_part(workbook(question("text", "one")), "xl/worksheets/sheet1.xml", entity)

    assert problems(content) == [
        (
            "file: has a document type in xl/worksheets/sheet1.xml;"
            " save it anew with a spreadsheet program"
        )
    ]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_a_document_type_does_not_hide_in_another_encoding(encoding: str) -> None:
    text = '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a []><a/>'.encode(encoding)
    content = with_part(workbook(question("text", "one")), "xl/worksheets/sheet1.xml", text)

    with pytest.raises(FormRefusedError):
        read_form(content)


def test_a_cell_far_below_is_refused_and_not_walked_to() -> None:
    sheet = (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        b'<row r="1"><c r="A1" t="str"><v>type</v></c></row>'
        b'<row r="1048576"><c r="A1048576" t="str"><v>text</v></c></row></sheetData></worksheet>'
    )
    content = with_part(workbook(question("text", "one")), "xl/worksheets/sheet1.xml", sheet)

    assert problems(content) == [
        "file: sheet survey has more than 6000 rows; split the form, or clear cells far below"
    ]


def test_a_file_that_is_too_big_or_no_archive_is_refused() -> None:
    assert problems(b"x" * (MOST_FILE_BYTES + 1))[0].startswith("file: has 1000001 bytes")
    assert problems(b"text") == ["file: is no XLSX file; save it as Excel workbook (.xlsx)"]
    assert problems(zipped(a=b"b"))[0].startswith("file: cannot be read")
