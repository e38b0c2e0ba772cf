"""Decides which stops of a run hold a danger that nobody has recorded yet.

A stop may be left by the back button: what was typed there, its gate and the office's forms still
say that people must get out or that a pipe is cracked, whoever of the crew typed it.
"""

from collections.abc import Mapping

from field_app.checklists.form_sheet import FormSubject
from field_app.forms.numbers import shown_number
from field_app.patrols.form_answers import point_answers
from field_app.patrols.inspection_book import point_draft
from field_app.patrols.inspection_store import SeenRun
from field_app.patrols.stop_sheet import is_grave_defect, most_gas, words_at_stop
from field_app.patrols.values import is_explosive
from field_app.presenters.round_forms import defects_in_forms
from field_app.presenters.round_parts import RoundParts
from field_app.presenters.round_wording import UNITS, measure_text, severity_text
from field_app.presenters.stop_gate import stop_record
from wire_contracts.patrols import CHECKPOINT_ENTITY, Checkpoint, Measure


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
    begun = defects_in_forms(parts.forms, _subject(checkpoint_id), run.begun_n)
    is_noted = any(each.is_grave for each in (*words_at_stop(everyones), *begun))
    if is_noted or is_grave_defect(_finished(parts, run, checkpoint_id)):
        return True
    told = (most_gas(everyones), _told_lel_pct(parts, run, run_id, checkpoint_id))
    return any(is_explosive(each) for each in told)


def told_danger(parts: RoundParts, run: SeenRun, run_id: str, checkpoint_id: str) -> str:
    """Return what a gate or a checklist of a stop tells of, in words; empty where it is no danger.

    What stands on its page is told by `InspectionBook.begun`, with who typed it.
    """
    t, gas = parts.context.words, Measure.GAS_LEL_PCT
    lel_pct = _told_lel_pct(parts, run, run_id, checkpoint_id)
    said = _finished(parts, run, checkpoint_id)
    texts = []
    if lel_pct is not None and is_explosive(lel_pct):
        texts.append(f"{measure_text(t, gas)}: {shown_number(lel_pct)} {UNITS[gas]}")
    if is_grave_defect(said):
        texts += [f"1  {severity_text(t, 1)}", said.get("note", "").strip()]
    return ", ".join(each for each in texts if each)


def _subject(checkpoint_id: str) -> FormSubject:
    return FormSubject(about=CHECKPOINT_ENTITY, about_id=checkpoint_id)


def _finished(parts: RoundParts, run: SeenRun, checkpoint_id: str) -> dict[str, str]:
    return point_answers(parts.forms.finished(_subject(checkpoint_id), run.begun_n))


def _told_lel_pct(parts: RoundParts, run: SeenRun, run_id: str, checkpoint_id: str) -> float | None:
    """Return the most gas that the gate and the checklists of a stop tell of, typed or kept."""
    told = (
        parts.forms.most_lel_pct(_subject(checkpoint_id), run.begun_n),
        parts.site.well(stop_record(run_id, checkpoint_id)).record.lel_pct,
    )
    return max((each for each in told if each is not None), default=None)
