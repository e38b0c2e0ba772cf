"""Finds dangers that were noted at homes and stops which the office has taken off this tablet."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from field_app.forms.numbers import worst_lel_pct
from field_app.orders.site_changes import WORK_FORM
from field_app.orders.work_record import TYPED_GAS
from field_app.patrols import inspection_store
from field_app.patrols.noted import HOME_FORM, WRONG
from field_app.patrols.stop_sheet import EARLIER_GAS, GAS
from field_app.patrols.values import is_explosive
from field_app.store import draft_store
from field_app.store.draft_store import Draft, DraftKey
from field_app.store.round_records import is_round, thing_of
from wire_contracts.patrol_facts import PointOutcome

PLACE: Final = "place"
"""The field of a draft with the name of a place at which somebody noted a danger: the place itself
may leave the tablet."""

POINT_FORM: Final = "patrol_point@1"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftDanger:
    """What somebody noted at a place that no page of this tablet leads to any more.

    `said` is what was typed, `lel_pct` the gas of a stop; `at_ms` is of the tablet's clock.
    """

    key: DraftKey
    place: str
    said: str
    lel_pct: float | None
    at_ms: int


def left_dangers(connection: Connection) -> list[LeftDanger]:
    """Return what was noted and never finished at places that have left, the oldest first."""
    known = inspection_store.load_checkpoints(connection)
    found: list[LeftDanger] = []
    for key, at_ms in draft_store.drafts(connection):
        if not _has_left(connection, key, known):
            continue
        danger = _danger(key, draft_store.load_draft(connection, key), at_ms)
        if danger is not None:
            found.append(danger)
    return found


def _has_left(connection: Connection, key: DraftKey, known: Collection[str]) -> bool:
    """Return whether a draft is of a home or a stop, its gate too, that has left."""
    form, _, checkpoint_id = key.form.partition("/")
    if form == HOME_FORM and is_round(key.order_id):
        return inspection_store.find_home(connection, thing_of(key.order_id)) is None
    if form == WORK_FORM and is_round(key.order_id):
        checkpoint_id = thing_of(key.order_id).partition("/")[2]
        return bool(checkpoint_id) and checkpoint_id not in known
    return form == POINT_FORM and checkpoint_id not in known


def _danger(key: DraftKey, draft: Draft, at_ms: int) -> LeftDanger | None:
    texts = {name: str(value) for name, value in draft.answers.items()}
    of_gas = (texts.get(name, "") for name in (GAS, EARLIER_GAS, *TYPED_GAS))
    lel_pct = max(worst_lel_pct(text) or 0.0 for text in of_gas)
    is_grave = texts.get("outcome") == PointOutcome.DEFECT and texts.get("severity") == "1"
    if not (WRONG in texts.values() or is_grave or is_explosive(lel_pct)):
        return None
    return LeftDanger(
        key=key,
        place=texts.get(PLACE, "") or _id_of_place(key),
        said=_notes(texts),
        lel_pct=lel_pct or None,
        at_ms=at_ms,
    )


def _id_of_place(key: DraftKey) -> str:
    thing = thing_of(key.order_id)
    return key.form.partition("/")[2] or thing.partition("/")[2] or thing


def _notes(texts: Mapping[str, str]) -> str:
    notes = [text for name, text in texts.items() if name == "note" or name.startswith("note:")]
    return "; ".join(each.strip() for each in notes if each.strip())
