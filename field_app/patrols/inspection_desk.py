"""Turns an inspector's taps into facts, each tap one transaction."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from field_app.checklists.told_dangers import keep_told
from field_app.forms.numbers import worst_lel_pct
from field_app.orders.moments import TimerMoment, moment_kept
from field_app.orders.site_changes import WORK_FORM
from field_app.orders.site_drafts_store import gas_typed_over, leave_form_behind
from field_app.patrols import home_check, inspection_store
from field_app.patrols.begun_stops import begun_at_stops, gravest_first, is_danger
from field_app.patrols.home_check import Sheet
from field_app.patrols.home_facts import (
    call_changes,
    visit_changes,
)
from field_app.patrols.home_sheet import grave_with_words
from field_app.patrols.inspection_book import (
    DraftOf,
    InspectionBook,
    gas_of_forms,
    home_draft,
    meter_draft,
    point_draft,
)
from field_app.patrols.left_places import POINT_FORM
from field_app.patrols.noted import HOME_FORM, WRONG
from field_app.patrols.presence import Evidence
from field_app.patrols.round_changes import append, fact_of, new_id, photos_for
from field_app.patrols.stop_sheet import EARLIER_GAS, GAS
from field_app.patrols.track import Track, packed
from field_app.store import draft_store, sealed_store
from field_app.store.draft_store import DraftAnswer, DraftKey, KeptAnswer
from field_app.store.outbox_store import TapStamp
from field_app.store.round_records import record_of, thing_of
from wire_contracts.fields import JsonValue
from wire_contracts.frames import utc_from_ms
from wire_contracts.home_checks import SafetyCheck
from wire_contracts.meter_rounds import RoundReading, round_reading_json
from wire_contracts.orders import FactType, OrderType, SafetyClass
from wire_contracts.patrol_facts import (
    MOST_BEGUN,
    CheckIn,
    Defect,
    OrderRequest,
    PatrolPoint,
    PatrolRun,
    RunPhase,
    check_in_json,
    order_request_json,
    point_json,
    run_json,
)
from wire_contracts.patrols import Checkpoint
from wire_contracts.texts import BilingualText

T = TypeVar("T")


class RunEndedError(ValueError):
    """The run has ended, or was never begun: nothing is added to it."""


class InspectionDesk(InspectionBook):
    """The rounds of one tablet; who taps is told at the moment of the tap."""

    def save_answers(self, draft: DraftOf, answers: Mapping[str, JsonValue]) -> None:
        """Keep answers; committed when this returns."""

        def work(connection: Connection) -> None:
            stamp = self._stamps.stamp(connection)
            kept = [(name, value, stamp.saved_at) for name, value in answers.items()]
            if GAS in answers and draft.form.startswith(POINT_FORM):
                now, text = moment_kept(stamp.saved_at), str(answers[GAS] or "")
                former = _gas_before(connection, self._key(draft), text, now)
                kept += [(EARLIER_GAS, each.value, each.at) for each in former]
            if draft.form == HOME_FORM:
                self._keep_what_was_grave(connection, draft, answers, stamp)
            for name, value, at in kept:
                answer = DraftAnswer(
                    order_id=draft.record_id,
                    form=draft.form,
                    field=name,
                    value=value,
                    actor=stamp.actor,
                )
                draft_store.save_answer(connection, answer, at)
            sealed_store.seal_draft(connection, stamp.seal, self._key(draft), stamp.at.wall_ms)

        self._database.write(work)

    def _keep_what_was_grave(
        self,
        connection: Connection,
        draft: DraftOf,
        answers: Mapping[str, JsonValue],
        stamp: TapStamp,
    ) -> None:
        """Keep what these answers take away of the dangers that a home's page has told."""
        before = draft_store.load_draft(connection, self._key(draft)).answers
        was, now = (
            grave_with_words({name: str(each) for name, each in kept.items()})
            for kept in (before, {**before, **answers})
        )
        gone = {item: words for item, words in was.items() if item not in now}
        keep_told(connection, thing_of(draft.record_id), gone, stamp)

    def forget_left(self, key: DraftKey) -> None:
        """Forget what somebody noted at a place that has left: the control room knows."""

        def work(connection: Connection) -> None:
            draft = DraftOf(record_id=key.order_id, form=key.form)
            self._forget(connection, draft, self._stamps.stamp(connection), key.author)

        self._database.write(work)

    def start_run(self, plan_id: str | None, stops: Sequence[str]) -> str:
        """Begin a run over these checkpoints; return its id."""

        def work(connection: Connection) -> str:
            stamp = self._stamps.stamp(connection)
            run_id = new_id(stamp)
            run = PatrolRun(
                run_id=run_id, plan_id=plan_id, phase=RunPhase.STARTED, stops=tuple(stops)
            )
            append(connection, stamp, run_id, [fact_of(stamp, FactType.PATROL_RUN, run_json(run))])
            return run_id

        return self._database.write(work)

    def check_in(
        self, run_id: str, checkpoint_id: str, evidence: Evidence, *, is_tag_unreadable: bool
    ) -> None:
        """Keep that the inspector is at a checkpoint, with what shows it.

        Raises:
            RunEndedError: The run has ended.
        """

        def work(connection: Connection, stamp: TapStamp, run: PatrolRun) -> None:
            check_in = CheckIn(
                run_id=run_id,
                plan_id=run.plan_id,
                checkpoint_id=checkpoint_id,
                way=evidence.way,
                tag=evidence.tag,
                fix=evidence.fix,
                distance_m=evidence.distance_m,
                is_tag_unreadable=is_tag_unreadable,
            )
            change = fact_of(stamp, FactType.CHECK_IN, check_in_json(check_in))
            append(connection, stamp, run_id, [change])

        self._in_run(run_id, work)

    def finish_point(self, point: PatrolPoint, checkpoint: Checkpoint) -> str | None:
        """Keep what was found; return the id of the order that a severity-1 defect makes, if any.

        Result and order are one group: the server takes both or none, whenever it hears of them.

        Raises:
            RunEndedError: The run has ended.
        """

        def work(connection: Connection, stamp: TapStamp, run: PatrolRun) -> str | None:
            known = inspection_store.load_run(connection, point.run_id).state
            before = known.points.get(point.checkpoint_id)
            order_id = _order_of(point, before, stamp)
            told = _with_order(replace(point, plan_id=run.plan_id), order_id)
            changes = [fact_of(stamp, FactType.PATROL_POINT, point_json(told))]
            is_new = before is None or before.defect is None or before.defect.order_id != order_id
            if order_id is not None and is_new:
                request = _request(order_id, told, checkpoint)
                changes.insert(
                    0, fact_of(stamp, FactType.ORDER_REQUEST, order_request_json(request))
                )
            if order_id is not None:
                taken = record_of(f"{point.run_id}/{point.checkpoint_id}")
                given = record_of(point.run_id)
                changes += photos_for(connection, order_id, taken=taken, given=given)
            append(connection, stamp, point.run_id, changes)
            for draft in (
                point_draft(point.run_id, point.checkpoint_id),
                gas_of_forms(point.checkpoint_id),
            ):
                self._forget_everyones(connection, stamp, draft)
            return order_id

        return self._in_run(point.run_id, work)

    def submit_run(self, run_id: str, track: Track) -> None:
        """End a run: what was skipped, missed, and begun and not kept is told with it.

        What was told so is forgotten, but for dangers: they want an order or a word.

        Raises:
            RunEndedError: The run has ended before.
        """

        def work(connection: Connection, stamp: TapStamp, run: PatrolRun) -> None:
            seen = inspection_store.load_run(connection, run_id)
            state, known = seen.state, inspection_store.load_checkpoints(connection)
            begun = gravest_first(begun_at_stops(connection, seen, known))[:MOST_BEGUN]
            offset_ms = stamp.at.offset_ms
            ended = replace(
                run,
                phase=RunPhase.SUBMITTED,
                skipped=state.skipped,
                missed=state.missed,
                begun=[replace(each, at_ms=max(each.at_ms + offset_ms, 0)) for each in begun],
                track=packed(track.points),
                track_m=round(track.length_m, 1),
            )
            change = fact_of(stamp, FactType.PATROL_RUN, run_json(ended))
            append(connection, stamp, run_id, [change])
            for each in run.stops:
                self._forget_everyones(connection, stamp, gas_of_forms(each))
            for point in (each for each in begun if not is_danger(each)):
                draft = point_draft(run_id, point.checkpoint_id)
                self._forget(connection, draft, stamp, point.author)

        self._in_run(run_id, work)

    def no_access(self, household_id: str, visit_id: str) -> None:
        """Keep that nobody opened; a visit that was kept already says nothing again."""
        check = SafetyCheck(household_id=household_id, is_no_access=True, answers={})
        self._visited(household_id, visit_id, lambda _at_utc: check)

    def finish_home(self, household_id: str, visit_id: str, sheet: Sheet, seconds: float) -> None:
        """Keep a whole visit, once however often it is tapped.

        A leak or a missing flue makes an order at once.

        Raises:
            ValueError: Something is missing.
        """
        self._visited(
            household_id,
            visit_id,
            lambda at: home_check.finished(household_id, sheet, at, seconds),
            sheet.is_gas_off,
        )

    def call_crew(self, household_id: str, sheet: Sheet) -> None:
        """Ask for an order over what endangers people in a home, before the visit is finished.

        Asking twice over the same dangers within an hour says nothing again.
        """

        def work(connection: Connection) -> None:
            stamp = self._stamps.stamp(connection)
            changes = call_changes(connection, stamp, household_id, sheet)
            if changes:
                append(connection, stamp, household_id, changes)

        self._database.write(work)

    def keep_reading(self, reading: RoundReading) -> None:
        """Keep a reading by eye; one of the same meter within the hour is corrected by it."""

        def work(connection: Connection) -> None:
            stamp = self._stamps.stamp(connection)
            payload = dict(round_reading_json(reading))
            now_utc = self._now_utc(connection)
            seen = inspection_store.find_meter(connection, reading.meter_id, now_utc)
            wrong = None if seen is None else inspection_store.correctable(seen, now_utc)
            if wrong is not None:
                payload["supersedes"] = wrong.fact_id
            change = fact_of(stamp, FactType.METER_READING, payload)
            append(connection, stamp, reading.meter_id, [change])
            self._forget(connection, meter_draft(reading.meter_id), stamp)

        self._database.write(work)

    def _visited(
        self,
        household_id: str,
        visit_id: str,
        make: Callable[[datetime], SafetyCheck],
        is_gas_off: bool | None = None,  # noqa: FBT001 - three answers, not a switch
    ) -> None:
        def work(connection: Connection) -> None:
            stamp = self._stamps.stamp(connection)
            check = make(utc_from_ms(stamp.at.wall_ms + stamp.at.offset_ms))
            changes = visit_changes(connection, stamp, visit_id, check, is_gas_off)
            if changes:
                append(connection, stamp, household_id, changes)
                draft = home_draft(household_id)
                noting = _who_noted(connection, draft) if check.is_no_access else ()
                self._forget_everyones(connection, stamp, draft, spared=noting)
                if not check.is_no_access:
                    self._forget_everyones(connection, stamp, gas_of_forms(household_id))
                    _leave_checklists_behind(connection, household_id, stamp)

        self._database.write(work)

    def _in_run(self, run_id: str, work: Callable[[Connection, TapStamp, PatrolRun], T]) -> T:
        def inside(connection: Connection) -> T:
            state = inspection_store.load_run(connection, run_id).state
            if state.run is None or state.is_submitted:
                message = f"run {run_id}: has ended or was never begun; begin a new one"
                raise RunEndedError(message)
            return work(connection, self._stamps.stamp(connection), state.run)

        return self._database.write(inside)

    def _forget_everyones(
        self,
        connection: Connection,
        stamp: TapStamp,
        draft: DraftOf,
        spared: Collection[str] = (),
    ) -> None:
        """Forget what everybody has answered, but for those who are spared."""
        kept = draft_store.load_everyones(connection, draft.record_id, draft.form)
        for author in {each.author for each in kept}.difference(spared):
            self._forget(connection, draft, stamp, author)

    def _forget(
        self, connection: Connection, draft: DraftOf, stamp: TapStamp, author: str | None = None
    ) -> None:
        key = DraftKey(order_id=draft.record_id, form=draft.form, author=author or stamp.actor)
        draft_store.forget_draft(connection, key)
        sealed_store.seal_draft(connection, stamp.seal, key, stamp.at.wall_ms)


def _gas_before(
    connection: Connection, draft: DraftKey, text: str, now: TimerMoment
) -> list[KeptAnswer]:
    """Return gas that stood at a stop for a while before this text, where it was the most."""
    former = gas_typed_over(connection, draft, {GAS: text}, now)
    known = str(draft_store.load_draft(connection, draft).answers.get(EARLIER_GAS, ""))
    if former is None:
        return []
    is_most = (worst_lel_pct(str(former.value)) or 0.0) > (worst_lel_pct(known) or 0.0)
    return [former] if is_most else []


def _leave_checklists_behind(connection: Connection, household_id: str, stamp: TapStamp) -> None:
    """Put by the checklists of a home that were begun before its visit was told.

    They open empty after it, with those answers beside the questions: whoever answered a question
    as before had said nothing new, and a hazard that is found again was one of the visit.
    """
    for key, _at_ms in draft_store.drafts_of(connection, household_id):
        if key.form != WORK_FORM:
            leave_form_behind(connection, key, stamp)


def _who_noted(connection: Connection, draft: DraftOf) -> set[str]:
    """Return who noted a hazard in a home: a closed door leaves it where it is."""
    kept = draft_store.load_everyones(connection, draft.record_id, draft.form)
    return {each.author for each in kept if each.value == WRONG}


def _order_of(point: PatrolPoint, before: PatrolPoint | None, stamp: TapStamp) -> str | None:
    """Return the order of a defect that endangers people; correcting the words keeps the order."""
    if point.defect is None or point.defect.severity != 1:
        return None
    if before is not None and before.defect is not None and before.defect.order_id is not None:
        return before.defect.order_id
    return new_id(stamp)


def _with_order(point: PatrolPoint, order_id: str | None) -> PatrolPoint:
    defect: Defect | None = point.defect
    return point if defect is None else replace(point, defect=replace(defect, order_id=order_id))


def _request(order_id: str, point: PatrolPoint, checkpoint: Checkpoint) -> OrderRequest:
    name = checkpoint.name
    return OrderRequest(
        order_id=order_id,
        order_type=OrderType.LEAK_CHECK,
        medium=checkpoint.medium,
        safety_class=SafetyClass.A,
        title=BilingualText(
            en=f"Dangerous defect found on patrol: {name.en}",
            zh=f"巡检发现紧急隐患：{name.zh}",
        ),
        address=checkpoint.address,
        note="" if point.defect is None else point.defect.note,
        about=point.checkpoint_id,
    )
