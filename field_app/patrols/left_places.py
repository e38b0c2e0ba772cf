"""Finds dangers that were noted at homes and stops which the office has taken off this tablet."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from field_app.forms.numbers import worst_lel_pct
from field_app.patrols import inspection_store
from field_app.patrols.noted import HOME_FORM, WRONG
from field_app.patrols.stop_sheet import EARLIER_GAS, GAS
from field_app.patrols.values import is_explosive
from field_app.store import draft_store
from field_app.store.draft_store import Draft, DraftKey
from field_app.store.round_records import is_round, thing_of

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
        form, _, checkpoint_id = key.form.partition("/")
        is_home = form == HOME_FORM and is_round(key.order_id)
        if is_home and _is_home_known(connection, thing_of(key.order_id)):
            continue
        if not is_home and (form != POINT_FORM or checkpoint_id in known):
            continue
        danger = _danger(key, draft_store.load_draft(connection, key), at_ms)
        if danger is not None:
            found.append(danger)
    return found


def _is_home_known(connection: Connection, household_id: str) -> bool:
    return inspection_store.find_home(connection, household_id) is not None


def _danger(key: DraftKey, draft: Draft, at_ms: int) -> LeftDanger | None:
    texts = {name: str(value) for name, value in draft.answers.items()}
    lel_pct = max(worst_lel_pct(texts.get(name, "")) or 0.0 for name in (GAS, EARLIER_GAS))
    if WRONG not in texts.values() and not is_explosive(lel_pct):
        return None
    return LeftDanger(
        key=key,
        place=texts.get(PLACE, ""),
        said=_notes(texts),
        lel_pct=lel_pct or None,
        at_ms=at_ms,
    )


def _notes(texts: Mapping[str, str]) -> str:
    notes = [text for name, text in texts.items() if name == "note" or name.startswith("note:")]
    return "; ".join(each.strip() for each in notes if each.strip())
