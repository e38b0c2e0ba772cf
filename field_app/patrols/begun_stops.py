"""Finds what was typed at the stops of a run and kept by nobody: it is told when the run ends."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from field_app.checklists.answers_store import begun_sets
from field_app.checklists.form_sheet import FormSubject
from field_app.forms.numbers import worst_lel_pct
from field_app.orders.site_changes import WORK_FORM
from field_app.orders.work_record import GATE_GAS
from field_app.patrols.form_answers import point_answers
from field_app.patrols.inspection_store import SeenRun
from field_app.patrols.left_places import POINT_FORM
from field_app.patrols.stop_sheet import EARLIER_GAS, GAS, WORDS
from field_app.patrols.values import Verdict, is_explosive, judge
from field_app.store import draft_store
from field_app.store.draft_store import KeptAnswer
from field_app.store.round_records import record_of
from wire_contracts.patrol_facts import BegunPoint, PointOutcome
from wire_contracts.patrols import CHECKPOINT_ENTITY, Checkpoint, Measure, ValueLimit


def begun_at_stops(
    connection: Connection, run: SeenRun, checkpoints: Mapping[str, Checkpoint]
) -> list[BegunPoint]:
    """Return what anybody typed at the stops of a run and nobody kept, in the order of its route.

    On the page of a stop, at its gate and in checklists of the office; one for each person, and one
    more for a checklist. Their times are of the tablet's wall clock. A stop that has left the
    tablet is left out: what was noted there stands on the page of rounds.
    """
    found: list[BegunPoint] = []
    for each in (stop for stop in run.state.stops if stop in checkpoints):
        limits = checkpoints[each].limits
        for author, at_ms, answers in _begun(connection, run, each):
            begun = begun_point(each, author, at_ms, answers, limits)
            if begun is not None:
                found.append(begun)
    return found


def _begun(
    connection: Connection, run: SeenRun, checkpoint_id: str
) -> list[tuple[str, int, Mapping[str, str]]]:
    """Return (author, when, answers by the names of a stop's page) of one stop."""
    page = f"{POINT_FORM}/{checkpoint_id}"
    gate = record_of(f"{run.run_id}/{checkpoint_id}")
    kept = [
        *draft_store.load_everyones(connection, record_of(run.run_id), page),
        *(
            each
            for each in draft_store.load_everyones(connection, gate, WORK_FORM)
            if each.field == GATE_GAS
        ),
    ]
    subject = FormSubject(about=CHECKPOINT_ENTITY, about_id=checkpoint_id)
    in_forms = [
        (author, at.wall_ms, point_answers([answers]))
        for author, at, answers in begun_sets(connection, subject, run.begun_n)
    ]
    return [*_by_author(kept), *in_forms]


def _by_author(kept: Sequence[KeptAnswer]) -> list[tuple[str, int, Mapping[str, str]]]:
    of_author: dict[str, list[KeptAnswer]] = {}
    for each in kept:
        of_author.setdefault(each.author, []).append(each)
    return [
        (author, max(each.saved_at_ms for each in answers), _answers(answers))
        for author, answers in sorted(of_author.items())
    ]


def _answers(kept: Sequence[KeptAnswer]) -> Mapping[str, str]:
    """Return one person's answers; for the gas the most that was typed, wherever it was."""
    said = {each.field: str(each.value or "").strip() for each in kept}
    gas = [said[name] for name in (GAS, EARLIER_GAS, GATE_GAS) if said.get(name)]
    most = max(gas, key=lambda text: worst_lel_pct(text) or 0.0, default="")
    return {**said, GAS: most}


def begun_point(
    checkpoint_id: str,
    author: str,
    at_ms: int,
    answers: Mapping[str, str],
    limits: Sequence[ValueLimit],
) -> BegunPoint | None:
    """Return what one person began at a stop, None where it says nothing."""
    is_defect = answers.get("outcome") == PointOutcome.DEFECT
    severity = answers.get("severity", "") if is_defect else ""
    values = {each: text for each in Measure if (text := answers.get(each, "").strip())}
    words = [text for name in WORDS if (text := answers.get(name, "").strip())]
    if not (severity or words or values):
        return None
    return BegunPoint(
        checkpoint_id=checkpoint_id,
        author=author,
        at_ms=at_ms,
        severity=int(severity) if severity else None,
        note="; ".join(words),
        values=values,
        beyond=tuple(
            each.measure
            for each in limits
            if each.measure in values
            and judge(each, values[each.measure]).verdict is not Verdict.INSIDE
        ),
    )


def gravest_first(begun: Sequence[BegunPoint]) -> list[BegunPoint]:
    """Return them with the gravest defect first, then what lies beyond its limits, then words."""
    return sorted(begun, key=lambda each: (each.severity or 4, not each.beyond, not each.note))


def is_danger(begun: BegunPoint) -> bool:
    """Return whether it says that people must get out, or a defect of severity 1."""
    return begun.severity == 1 or is_explosive(
        worst_lel_pct(begun.values.get(Measure.GAS_LEL_PCT, ""))
    )
