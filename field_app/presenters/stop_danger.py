"""Decides which stops of a run hold a danger that nobody has recorded yet.

A stop may be left by the back button: what was typed there, its gate and the office's forms still
say that people must get out or that a pipe is cracked, whoever of the crew typed it.
"""

from collections.abc import Mapping

from field_app.checklists.form_desk import FormSubject
from field_app.patrols.form_answers import point_answers
from field_app.patrols.inspection_book import point_draft
from field_app.patrols.inspection_store import SeenRun
from field_app.patrols.stop_sheet import is_grave_defect, most_gas, words_at_stop
from field_app.patrols.values import is_explosive
from field_app.presenters.round_forms import defects_in_forms
from field_app.presenters.round_parts import RoundParts
from field_app.presenters.stop_gate import stop_record
from wire_contracts.patrols import CHECKPOINT_ENTITY, Checkpoint


def unrecorded_dangers(
    parts: RoundParts, run: SeenRun, run_id: str, checkpoints: Mapping[str, Checkpoint]
) -> tuple[str, ...]:
    """Return the stops, in the order of the route, that are to be recorded before all others."""
    return tuple(
        each
        for each in run.state.stops
        if each in checkpoints
        and not _is_recorded(run, each)
        and _is_dangerous(parts, run, run_id, each)
    )


def _is_recorded(run: SeenRun, checkpoint_id: str) -> bool:
    told = run.state.points.get(checkpoint_id)
    return told is not None and told.defect is not None and told.defect.severity == 1


def _is_dangerous(parts: RoundParts, run: SeenRun, run_id: str, checkpoint_id: str) -> bool:
    _author, everyones = parts.desk.everyones(point_draft(run_id, checkpoint_id))
    subject = FormSubject(about=CHECKPOINT_ENTITY, about_id=checkpoint_id)
    begun = defects_in_forms(parts.forms, subject, run.begun_n)
    finished = point_answers(parts.forms.finished(subject, run.begun_n))
    is_noted = any(each.is_grave for each in (*words_at_stop(everyones), *begun))
    if is_noted or is_grave_defect(finished):
        return True
    told = (
        most_gas(everyones),
        parts.forms.most_lel_pct(subject, run.begun_n),
        parts.site.well(stop_record(run_id, checkpoint_id)).record.lel_pct,
    )
    return any(is_explosive(each) for each in told)
