"""Decides what was said at a stop before: told, to be corrected, or worded and taken back."""

from field_app.forms.numbers import shown_number
from field_app.presenters.point_blocks import NOTE, OUTCOME, REASON, SEVERITY, WAS_GRAVE
from field_app.presenters.sheet import Answers
from wire_contracts.patrol_facts import PatrolPoint, PointOutcome


def is_taken_back(answers: Answers) -> bool:
    """Return whether a defect of severity 1 was worded here, and none is to be kept."""
    return bool(answers.get(WAS_GRAVE)) and answers.get(OUTCOME) != str(PointOutcome.DEFECT)


def was_grave(told: PatrolPoint | None) -> bool:
    """Return whether a defect of severity 1 was told before: it is not taken back in silence."""
    return told is not None and told.defect is not None and told.defect.severity == 1


def told_before(point: PatrolPoint | None) -> dict[str, str]:
    """Return the answers of a checkpoint that was left before, to correct them."""
    if point is None:
        return {}
    told = {str(measure): shown_number(value) for measure, value in point.values.items()}
    told |= {NOTE: point.note, REASON: point.reason}
    if point.outcome is not PointOutcome.OK:
        told[OUTCOME] = str(point.outcome)
    if point.defect is not None:
        told[SEVERITY] = str(point.defect.severity)
    return told
