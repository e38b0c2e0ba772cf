"""Tables of strangers are read bounded, each row with its number; tables of ours harm nobody."""

import io
import re
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from sync_server.sheets.archive_io import MOST_INFLATED_BYTES
from sync_server.sheets.paper_io import write_paper
from sync_server.sheets.sheet_io import write_sheet
from sync_server.sheets.table import TextTable, widths_of
from sync_server.sheets.table_file_io import (
    MOST_FILE_BYTES,
    MOST_ROWS,
    FileRow,
    TableRefusedError,
    read_table,
)


def xlsx(*rows: tuple[object, ...]) -> bytes:
    book = Workbook()
    for row in rows:
        book.worksheets[0].append(list(row))
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"meter_id,size\nM-1,DN20\n\n,\nM-2,'=1+1\n",
        "\ufeffMETER_ID,size\r\nM-1,DN20\r\n\r\n,\r\nM-2,'=1+1\r\n".encode(),
        xlsx(("meter_id", "size"), ("M-1", "DN20"), (), (None, ""), ("M-2", "'=1+1")),
    ],
    ids=["plain", "byte order mark", "xlsx"],
)
def test_rows_keep_the_number_that_the_spreadsheet_shows(content: bytes) -> None:
    found = read_table("f", content)

    assert list(found.heading) == ["meter_id", "size"]
    assert list(found.rows) == [
        FileRow(number=2, cells={"meter_id": "M-1", "size": "DN20"}),
        FileRow(number=5, cells={"meter_id": "M-2", "size": "=1+1"}),
    ]


def test_a_chinese_spreadsheets_own_encoding_is_read() -> None:
    found = read_table("f", "meter_id,address\nM-1,滨河东路46号\n".encode("gb18030"))

    assert found.rows[0].cells["address"] == "滨河东路46号"


def test_numbers_truths_and_dates_of_a_sheet_are_texts() -> None:
    found = read_table("f", xlsx(("a", "b", "c"), (20.0, True, 1.5)))

    assert dict(found.rows[0].cells) == {"a": "20", "b": "true", "c": "1.5"}


def bomb(name: str, content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "has no heading row"),
        (b"\n\n", "has no heading row"),
        (b"a\n" * (MOST_ROWS + 2), "more than 20000 rows"),
        (b"a" * (MOST_FILE_BYTES + 1), "more than 1000000 bytes"),
        (b"a,\0b\n", "neither CSV nor XLSX"),
        (b"\xff\xff\xff", "neither UTF-8 nor GB 18030"),
        (b"PK\x03\x04 and nothing", "cannot be read"),
        (bomb("xl/a.xml", b" " * (MOST_INFLATED_BYTES + 1)), "far larger when unpacked"),
        (bomb("xl/a.xml", b"<!DOCTYPE a>"), "document type"),
        (bomb("xl/a.txt", b"x"), "cannot be read"),
    ],
    ids=["empty", "blank", "long", "large", "binary", "bytes", "torn", "bomb", "dtd", "zip"],
)
def test_what_is_no_table_or_too_large_is_refused_by_name(content: bytes, problem: str) -> None:
    with pytest.raises(TableRefusedError, match=rf"^list\.csv: .*{problem}.*; "):
        read_table("list.csv", content)


@given(st.binary(max_size=400) | st.binary(max_size=200).map(lambda tail: b"PK\x03\x04" + tail))
def test_any_bytes_are_a_table_or_refused(content: bytes) -> None:
    try:
        found = read_table("f", content)
    except TableRefusedError:
        return

    assert found.heading


def test_every_cell_stands_on_the_paper_once_and_within_its_page() -> None:
    long, short = "滨河东路 46 号 " * 60, "滨河东路 46 号"
    lines = [(n, f"R-{n:06d}", long if n == 7 else short) for n in range(120)]
    table = TextTable(
        sheet="x",
        title="t",
        subtitle="s",
        heading=("n", "request", "address"),
        lines=lines,
        footer="f",
    )

    paper = write_paper(table)
    pages = [
        content
        for each in re.findall(rb"stream\n(.*?)\nendstream", paper, re.DOTALL)
        if b" Td" in (content := inflated(each))
    ]

    spots = [
        (float(x), float(y))
        for page in pages
        for x, y in re.findall(rb"BT ([0-9.]+) ([0-9.]+) Td", page)
    ]
    wrapped = len(spots) - 2 - len(pages) * 4 - 3 * len(lines)
    assert all(0 < x < 842 and 0 < y < 595 for x, y in spots)
    assert len(pages) >= 4
    assert 3 <= wrapped <= 60
    assert write_paper(table) == paper


def inflated(stream: bytes) -> bytes:
    """Return a stream of a PDF as it was written; empty when it is no text."""
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return b""


def test_columns_are_as_wide_as_what_stands_in_them() -> None:
    table = TextTable(
        sheet="x",
        title="t",
        subtitle="s",
        heading=("n", "two words", "地址"),
        lines=[(1, "x" * 99, "滨河东路"), (None, "", "长")],
        footer="f",
    )

    assert widths_of(table) == [5, 60, 9]
    assert write_paper(table).startswith(b"%PDF")
    assert list(read_table("x", write_sheet(table)).heading) == ["t"]
