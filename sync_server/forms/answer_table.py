"""Answer sets -> a table that a spreadsheet opens without ever computing what a person typed."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Final

from sync_server.forms.answers_store import KeptAnswers
from sync_server.sheets.cells import BYTE_ORDER_MARK, harmless
from wire_contracts.forms.model import CONTAINERS, FormModel, NodeKind, walk

_HEAD: Final = (
    "fact_id",
    "form",
    "about",
    "about_id",
    "order_number",
    "person",
    "happened_at",
    "received_at",
)
_UNWRITTEN: Final = CONTAINERS | {NodeKind.NOTE}
_INDEX: Final = re.compile(r"\[(\d+)\]")


def answers_csv(model: FormModel, kept: Iterable[KeptAnswers]) -> str:
    """Return the answers as CSV (RFC 4180): one row each, one column per question.

    Questions in repeats have a column for each repetition, such as `rooms[2]/temp`. Places that
    only another version of the form asks stand behind those of `model`.
    """
    rows = list(kept)
    places = _places(model, rows)
    text = io.StringIO()
    text.write(BYTE_ORDER_MARK)
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([*_HEAD, *map(harmless, places)])
    for each in rows:
        answers = each.answers
        cells = (
            each.fact_id,
            answers.form,
            answers.about,
            answers.about_id,
            each.order_number,
            each.person,
            each.happened_at_utc.isoformat(timespec="seconds"),
            each.received_at_utc.isoformat(timespec="seconds"),
            *(answers.answers.get(place, "") for place in places),
        )
        writer.writerow([harmless(cell) for cell in cells])
    return text.getvalue()


def _places(model: FormModel, rows: Sequence[KeptAnswers]) -> list[str]:
    """Return every place that was answered, in the order of the form, repeats by their number."""
    rank: dict[str, int] = {}
    plain: list[str] = []
    for index, node in enumerate(walk(model.nodes)):
        place = node.path.split("/", 2)[2]
        rank[place] = index
        if node.kind not in _UNWRITTEN and not _is_repeated(model, place):
            plain.append(place)
    answered = {place for each in rows for place in each.answers.answers}

    def order(place: str) -> tuple[int, list[int], int, str]:
        numbers = [int(number) for number in _INDEX.findall(place)]
        at = rank.get(_INDEX.sub("", place), len(rank))
        outermost = rank.get(place.partition("[")[0], at)
        return outermost, numbers, at, place

    return sorted({*plain, *answered}, key=order)


def _is_repeated(model: FormModel, place: str) -> bool:
    repeats = {
        f"{node.path.split('/', 2)[2]}/"
        for node in walk(model.nodes)
        if node.kind is NodeKind.REPEAT
    }
    return any(place.startswith(each) for each in repeats)
