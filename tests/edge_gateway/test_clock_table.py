"""The manual's table of whose time counts says what the code does, row by row."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge_gateway.clock_trust import (
    BEHIND_FOR_MS,
    BUILD_YEAR,
    QUIET_MS,
    SLOW_FOR_MS,
    WORDS_APART_MS,
    Look,
    Trust,
    hear_server,
    is_believed,
    look_again,
)
from wire_contracts.frames import ms_from_utc

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "gateway.md"
HEADER = "| known from | the clock | newest frame | words | for | known then | frames |"
MS = {"s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}

EARLIEST = datetime(BUILD_YEAR, 1, 1, tzinfo=UTC)
TRUE_MS = ms_from_utc(datetime(BUILD_YEAR, 5, 1, tzinfo=UTC))
STARTED_MS = 10 * MS["d"]
OFFSET_MS = TRUE_MS - STARTED_MS
STEP_MS = 5000
"""A look at the clocks, and a word where some come, every five seconds."""

BEFORE: Mapping[str, Trust] = {
    "nobody": Trust(),
    "in doubt": Trust(is_disputed=True),
    "the server": Trust(offset_ms=OFFSET_MS),
    "a time server": Trust(offset_ms=OFFSET_MS, is_kept=True),
}


@dataclass(frozen=True)
class Row:
    """One row as it stands in the manual."""

    known: str
    clock: str
    newest: str
    words: str
    lasts: str
    then: str
    frames: str

    def before(self) -> Trust:
        known = BEFORE[self.known]
        newest_ms = 0 if self.newest == "older" else TRUE_MS + apart_ms(self.newest)
        return Trust(
            offset_ms=known.offset_ms,
            is_kept=known.is_kept,
            is_disputed=known.is_disputed,
            newest_ms=newest_ms,
        )

    def look(self, passed_ms: int) -> Look:
        says = self.clock.removeprefix("kept, ")
        uptime_ms = STARTED_MS + passed_ms
        offset_ms = 0 if says == "unset" else OFFSET_MS + apart_ms(says)
        return Look(
            utc_ms=uptime_ms + offset_ms,
            uptime_ms=uptime_ms,
            is_synchronised=self.clock.startswith("kept"),
        )

    def said_ms(self, turn: int) -> int | None:
        """What has to be added to the true time for the word of this turn."""
        if self.words == "none":
            return None
        voices = self.words.split(" / ")
        return apart_ms(voices[turn % len(voices)])

    def lasts_ms(self) -> int:
        return 0 if self.lasts == "once" else amount_ms(self.lasts)


def amount_ms(text: str) -> int:
    number, unit = text.split()
    return int(number) * MS[unit]


def apart_ms(text: str) -> int:
    if text == "right":
        return 0
    amount, way = text.rsplit(" ", 1)
    return amount_ms(amount) * {"ahead": 1, "behind": -1}[way]


def rows() -> list[Row]:
    text = DOCUMENT.read_text(encoding="utf-8")
    table = text.partition(HEADER)[2].partition("\n\n")[0].strip().splitlines()[1:]
    return [Row(*(cell.strip() for cell in re.split(r"\|", line)[1:-1])) for line in table]


def lived(row: Row, lasts_ms: int) -> tuple[Trust, Look]:
    """Return what is known after so long, and the last look."""
    trust = row.before()
    look = row.look(0)
    for turn in range(1 + lasts_ms // STEP_MS):
        look = row.look(turn * STEP_MS)
        trust = look_again(trust, look, EARLIEST)
        said_ms = row.said_ms(turn)
        if said_ms is not None:
            trust = hear_server(trust, look, look.uptime_ms + OFFSET_MS + said_ms)
    return trust, look


def summary(row: Row, lasts_ms: int) -> tuple[str, str]:
    """Return what the last two cells of a row should say."""
    trust, look = lived(row, lasts_ms)
    if trust.offset_ms is None:
        return ("in doubt" if trust.is_disputed else "nobody", "wait")
    frames = "sane" if is_believed(trust, look) else "repaired"
    said = {
        "unchanged": row.before().offset_ms,
        "the clock": look.offset_ms,
        "the words": OFFSET_MS + (row.said_ms(0) or 0),
    }
    names = [name for name, offset_ms in said.items() if offset_ms == trust.offset_ms]
    return (row.then if row.then in names else names[0], frames)


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row.known}, {row.clock}, {row.words}")
def test_a_row_of_the_table_is_what_the_code_does(row: Row) -> None:
    lasts_ms = row.lasts_ms()

    assert summary(row, lasts_ms) == (row.then, row.frames)
    if lasts_ms and row.then not in {"unchanged", row.known}:
        assert summary(row, lasts_ms - STEP_MS)[0] != row.then


def test_every_time_that_the_code_waits_is_in_the_table() -> None:
    waited = {row.lasts_ms() for row in rows()}

    assert waited >= {WORDS_APART_MS, QUIET_MS, BEHIND_FOR_MS, SLOW_FOR_MS}
    assert {row.known for row in rows()} == BEFORE.keys()
