"""What the page of the network's parts shows: the book's rows, and one part with its path."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sync_server.plant.plant import PlantPart, PlantState
from sync_server.plant.plant_store import PlantRecord, PlantStep
from sync_server.web.alert_views import OrderLine
from sync_server.web.labels import MEDIA, label
from sync_server.web.office_labels import PLANT_CLASSES, PLANT_EVENTS, PLANT_STATES
from sync_server.web.words import Words, quantity

MOST_SHOWN = 300
"""Parts on the page at first; the line below them adds as many."""

_TONES: Mapping[PlantState, tuple[str, str]] = {
    PlantState.PLANNED: ("info", "clock"),
    PlantState.IN_SERVICE: ("ok", "check"),
    PlantState.DEFECT: ("danger", "warn"),
    PlantState.ISOLATED: ("warn", "lock"),
    PlantState.RETIRED: ("", "off"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRow:
    """One part."""

    plant_id: str
    name: str
    medium: str
    medium_words: str
    kind: str
    length: str
    state: str
    tone: str
    icon: str
    severity: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartView:
    """One part with what happened to it."""

    row: PartRow
    order_id: str
    order: str
    steps: Sequence[tuple[str, str, str, str]]


def part_rows(  # noqa: PLR0913, PLR0917  # the parts, and the four ways to narrow them
    parts: Sequence[PlantPart],
    states: Mapping[str, PlantRecord],
    kind: str,
    medium: str,
    state: str,
    search: str,
    words: Words,
) -> list[PartRow]:
    """Return the parts that fit, defects first."""
    found = []
    for each in parts:
        record = states.get(each.plant_id)
        standing = PlantState.IN_SERVICE if record is None else record.state
        is_found = search.casefold() in f"{each.plant_id} {each.name}".casefold()
        if (
            kind in {"", each.plant_class}
            and medium in {"", str(each.medium)}
            and state in {"", str(standing)}
            and is_found
        ):
            found.append(_row(each, standing, record, words))
    ranks = {"danger": 0, "warn": 1, "info": 2}
    return sorted(found, key=lambda row: (ranks.get(row.tone, 3), row.kind, row.name))


def part_view(  # noqa: PLR0913, PLR0917  # the part, its record, its path, and what things are called
    part: PlantPart,
    record: PlantRecord,
    steps: Sequence[PlantStep],
    orders: Mapping[str, OrderLine],
    words: Words,
    names: Mapping[str, str],
) -> PartView:
    """Return one part with its path, the newest step first."""
    line = orders.get(record.order_id or "")
    return PartView(
        row=_row(part, record.state, record, words),
        order_id=record.order_id or "",
        order=line.number if line is not None else "",
        steps=[
            (
                label(words, PLANT_EVENTS, each.event),
                each.text,
                names.get(each.actor, each.actor),
                words.moment(each.at_utc),
            )
            for each in steps
        ],
    )


def _row(part: PlantPart, state: PlantState, record: PlantRecord | None, words: Words) -> PartRow:
    tone, icon = _TONES[state]
    return PartRow(
        plant_id=part.plant_id,
        name=part.name,
        medium=str(part.medium),
        medium_words=label(words, MEDIA, part.medium),
        kind=label(words, PLANT_CLASSES, part.plant_class),
        length=quantity(part.length_m, "m") if part.length_m else "",
        state=label(words, PLANT_STATES, state),
        tone=tone,
        icon=icon,
        severity=record.severity if record is not None else None,
    )
