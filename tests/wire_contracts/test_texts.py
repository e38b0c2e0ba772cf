"""Texts from afar on a terminal."""

import pytest

from wire_contracts.texts import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\N{CJK UNIFIED IDEOGRAPH-70ED}\N{CJK UNIFIED IDEOGRAPH-8868} E-1", None),
        ("\x1b[2J\x1b]0;x\x07", "\ufffd[2J\ufffd]0;x\ufffd"),
        ("a\nb\tc\x9b", "a\ufffdb\ufffdc\ufffd"),
    ],
)
def test_what_a_meter_calls_itself_cannot_move_the_cursor(text: str, shown: str | None) -> None:
    assert printable(text) == (text if shown is None else shown)
