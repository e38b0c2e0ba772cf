"""Decides what a checklist about an exchanged meter asks twice: its last index and its number."""

from collections.abc import Iterable, Mapping
from typing import Final

from field_app.forms.numbers import shown_number
from field_app.orders.reading_check import doubt_of
from field_app.presenters.ports import Words
from field_app.presenters.site_words import doubt_text
from wire_contracts.orders import WorkOrderDocument

OLD_INDEX: Final = "old_index"
OLD_SERIAL: Final = "old_serial"
"""What the office's checklists call the final index and the number of the meter that is taken off
(docs/tablet.md); the last part of a place."""


def known_before(document: WorkOrderDocument, places: Iterable[str]) -> dict[str, str]:
    """Return what the order knows of its meter, by place of the checklist."""
    known = {OLD_INDEX: _last_index(document), OLD_SERIAL: document.device_serial or ""}
    found = {place: known.get(_name(place), "") for place in places}
    return {place: text for place, text in found.items() if text}


def doubts_text(
    document: WorkOrderDocument, answers: Mapping[str, str], now_ms: int, t: Words
) -> str:
    """Return what is asked before such answers are told, empty when all of them fit."""
    return "  ".join(
        text for place in sorted(answers) if (text := _doubt(document, place, answers, now_ms, t))
    )


def _doubt(
    document: WorkOrderDocument, place: str, answers: Mapping[str, str], now_ms: int, t: Words
) -> str:
    name, text = _name(place), answers[place].strip()
    if name == OLD_SERIAL and text and document.device_serial:
        is_same = text.casefold() == document.device_serial.casefold()
        said = t("The meter of this order is No. {serial}.")
        return "" if is_same else f"{text}: {said.format(serial=document.device_serial)}"
    if name != OLD_INDEX or not _last_index(document) or document.site is None:
        return ""
    doubt = doubt_of(text, document.site.counts, now_ms)
    return "" if doubt is None else f"{text}: {doubt_text(t, doubt)}"


def _last_index(document: WorkOrderDocument) -> str:
    """Return the newest count of a volume; an energy is no index of these checklists."""
    site = document.site
    if site is None or not site.counts or not str(site.quantity).endswith("_m3"):
        return ""
    return shown_number(site.counts[-1].value)


def _name(place: str) -> str:
    return place.rpartition("/")[2]
