"""The bars above a ledger: one for each row that has a value, never one for the sum."""

from datetime import UTC

from sync_server.ledgers.books_store import Wanted
from sync_server.ledgers.ledger import Book, Count, LedgerRow, Share, Term, Vocabulary
from sync_server.ledgers.period import Span, period_of
from sync_server.web.catalogue_io import load_catalogues
from sync_server.web.ledger_chart import LedgerChart, ledger_chart
from sync_server.web.ledger_views import headings, row_views
from sync_server.web.request_views import Names
from sync_server.web.words import Words
from tests.sync_server.real_parts import NOON

TOTAL = Term(vocabulary=Vocabulary.TOTAL, code="total")
NOBODY = Names(accounts={}, crews={}, communities={})


def drawn(book: Book, rows: list[LedgerRow], language: str = "en") -> LedgerChart | None:
    catalogue = load_catalogues()[language]
    words = Words(
        language=language, zone=UTC, gettext=catalogue.gettext, ngettext=catalogue.ngettext
    )
    wanted = Wanted(book=book, period=period_of(Span.MONTH, NOON.date(), UTC))
    views = row_views(rows, words, NOBODY, wanted)
    return ledger_chart(book, rows, views, headings(wanted, words)[1], words)


def day(number: int, *calls: str) -> LedgerRow:
    return LedgerRow(cells=(f"2026-11-{number:02}", Count(calls)))


def test_bars_are_as_high_as_their_rows_and_the_sum_has_none() -> None:
    rows = [day(2, "a"), day(3, "b", "c", "d", "e"), LedgerRow(cells=(TOTAL, Count("abcde")))]

    chart = drawn(Book.CALLS, rows)

    assert chart is not None
    low, high = chart.bars
    assert high.height == 4 * low.height
    assert low.y + low.height == high.y + high.height
    assert [each.label for each in chart.bars] == ["11-02", "11-03"]
    assert chart.sentence == "Calls: the most is 4, 2026-11-03"


def test_the_sentence_is_in_the_readers_language() -> None:
    chart = drawn(Book.CALLS, [day(2, "a"), day(3, "b", "c")], "zh")

    assert chart is not None
    assert chart.sentence == "来电：最高 2，2026-11-03"


def test_a_row_without_a_value_has_a_gap_and_no_bar() -> None:
    months = [("2026-09", Share(value=0.5)), ("2026-10", None), ("2026-11", Share(value=1.0))]
    rows = [LedgerRow(cells=(month, 1, 1, rate)) for month, rate in months]

    chart = drawn(Book.RATES, rows)

    assert chart is not None
    assert [each.text for each in chart.bars] == ["2026-09: 50 %", "2026-11: 100 %"]
    assert chart.bars[1].x - chart.bars[0].x == 640  # two of three slots of 960


def test_labels_that_do_not_fit_are_left_out_but_no_bar() -> None:
    rows = [LedgerRow(cells=(f"A long name of place {number}", number)) for number in range(60)]

    chart = drawn(Book.CUSTOMERS, rows)

    assert chart is not None
    assert len(chart.bars) == len(rows)
    assert 0 < len([each for each in chart.bars if each.label]) <= 960 // 140


def test_a_single_row_a_row_of_zeros_and_a_list_have_no_bars() -> None:
    alone, zeros = [day(2, "a")], [day(2), day(3)]

    found = [drawn(Book.CALLS, alone), drawn(Book.CALLS, zeros), drawn(Book.LATE, alone)]

    assert found == [None, None, None]
