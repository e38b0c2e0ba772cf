"""Finds dangers that were noted at homes and stops which the office has taken off this tablet."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from field_app.checklists.form_shelf import ShelvedForm
from field_app.forms.numbers import most_lel_pct, worst_lel_pct
from field_app.orders.site_changes import WORK_FORM
from field_app.orders.work_record import TYPED_GAS
from field_app.patrols import inspection_store
from field_app.patrols.form_answers import home_answers, point_answers
from field_app.patrols.noted import HOME_FORM, WRONG
from field_app.patrols.stop_sheet import EARLIER_GAS, GAS, is_grave_defect
from field_app.patrols.values import is_explosive
from field_app.store import draft_store
from field_app.store.draft_store import Draft, DraftKey
from field_app.store.round_records import is_round, thing_of
from wire_contracts.forms.answer_sets import AnswerSet
from wire_contracts.home_checks import HOUSEHOLD_ENTITY
from wire_contracts.patrols import CHECKPOINT_ENTITY

PLACE: Final = "place"
"""The field of a draft with the name of a place at which somebody noted a danger: the place itself
may leave the tablet."""

POINT_FORM: Final = "patrol_point@1"

_OF_PAGES: Final = frozenset({HOME_FORM, POINT_FORM})


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

    def is_of_run(self, run_id: str, stops: Collection[str]) -> bool:
        """Return whether it was noted at a stop of a run, on the stop's page or in a checklist."""
        thing = thing_of(self.key.order_id).partition("/")[0]
        return thing == run_id or thing in stops


Heads = Callable[[Connection, str], ShelvedForm | None]
"""Finds a form of the office by `FORM@VERSION`, None where this tablet has it no more."""


def left_dangers(connection: Connection, find_form: Heads) -> list[LeftDanger]:
    """Return what was noted and never finished at places that have left, the oldest first."""
    known = inspection_store.load_checkpoints(connection)
    drafts = draft_store.drafts(connection)
    places = _places(connection, drafts)
    found: list[LeftDanger] = []
    for key, at_ms in drafts:
        form = None if _is_own(key) else find_form(connection, key.form)
        if not _has_left(connection, key, known, form):
            continue
        answers = _texts(draft_store.load_draft(connection, key))
        danger = _danger(answers) if form is None else _danger_in_form(answers, form)
        if danger is not None:
            said, lel_pct = danger
            place = answers.get(PLACE, "") if form is None else ""
            place = place or places.get(_id_of_place(key), "") or _id_of_place(key)
            found.append(LeftDanger(key=key, place=place, said=said, lel_pct=lel_pct, at_ms=at_ms))
    return found


def _places(connection: Connection, drafts: Sequence[tuple[DraftKey, int]]) -> dict[str, str]:
    """Return the names of places by their ids, as the pages of homes and stops have kept them."""
    of_pages = [key for key, _at_ms in drafts if key.form.partition("/")[0] in _OF_PAGES]
    found = {
        _id_of_place(key): _texts(draft_store.load_draft(connection, key)).get(PLACE, "")
        for key in of_pages
    }
    return {place_id: name for place_id, name in found.items() if name}


def _is_own(key: DraftKey) -> bool:
    """Return whether a draft is of a page of this app and not of a form of the office."""
    return is_round(key.order_id) or key.form == WORK_FORM


def _has_left(
    connection: Connection, key: DraftKey, known: Collection[str], of_office: ShelvedForm | None
) -> bool:
    """Return whether a draft is of a home or a stop, its gate or a checklist too, that has left."""
    if of_office is not None:
        if of_office.head.about == HOUSEHOLD_ENTITY:
            return inspection_store.find_home(connection, key.order_id) is None
        return of_office.head.about == CHECKPOINT_ENTITY and key.order_id not in known
    form, _, checkpoint_id = key.form.partition("/")
    if form == HOME_FORM and is_round(key.order_id):
        return inspection_store.find_home(connection, thing_of(key.order_id)) is None
    if form == WORK_FORM and is_round(key.order_id):
        checkpoint_id = thing_of(key.order_id).partition("/")[2]
        return bool(checkpoint_id) and checkpoint_id not in known
    return form == POINT_FORM and checkpoint_id not in known


def _danger(texts: Mapping[str, str]) -> tuple[str, float | None] | None:
    """Return the words and the gas of a danger that a page of this app holds, None without one."""
    of_gas = (texts.get(name, "") for name in (GAS, EARLIER_GAS, *TYPED_GAS))
    lel_pct = max(worst_lel_pct(text) or 0.0 for text in of_gas)
    if not (WRONG in texts.values() or is_grave_defect(texts) or is_explosive(lel_pct)):
        return None
    return _notes(texts), lel_pct or None


def _danger_in_form(texts: Mapping[str, str], form: ShelvedForm) -> tuple[str, float | None] | None:
    """Return the words and the gas of a danger that a checklist tells of, None without one."""
    lel_pct = most_lel_pct(texts, form.gas_places)
    answers = AnswerSet(
        form=form.head.key,
        form_sha256=form.head.sha256,
        about=form.head.about,
        about_id="",
        answers=texts,
    )
    home, point = home_answers([answers]), point_answers([answers])
    is_wrong = WRONG in home.values() or is_grave_defect(point)
    if not (is_wrong or is_explosive(lel_pct)):
        return None
    return _notes({**home, **point}), lel_pct


def _id_of_place(key: DraftKey) -> str:
    thing = thing_of(key.order_id)
    return key.form.partition("/")[2] or thing.partition("/")[2] or thing


def _texts(draft: Draft) -> dict[str, str]:
    return {name: str(value) for name, value in draft.answers.items()}


def _notes(texts: Mapping[str, str]) -> str:
    notes = [text for name, text in texts.items() if name == "note" or name.startswith("note:")]
    return "; ".join(each.strip() for each in notes if each.strip())
