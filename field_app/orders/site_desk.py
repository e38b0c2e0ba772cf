"""Turns what a crew does on site into facts and drafts, each tap one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection

from field_app.forms.finding import is_gas_present
from field_app.forms.numbers import worst_lel_pct
from field_app.orders import order_store
from field_app.orders.begun_findings import gas_in_findings
from field_app.orders.entry_gate import Detector
from field_app.orders.gas_order import gas_request, must_order_for_air
from field_app.orders.moments import moment_kept
from field_app.orders.order_entry import ENTRY, ENTRY_WHY
from field_app.orders.safety_steps import (
    is_unsafe,
    measured_at_ms,
    next_step,
    old_values,
    troubles_of,
    undone_with,
)
from field_app.orders.seen_order_store import OrderGoneError
from field_app.orders.site_book import SiteBook
from field_app.orders.site_changes import (
    WORK_FORM,
    Change,
    ask_order,
    go,
    new_fact,
    new_id,
    operation_of,
)
from field_app.orders.site_drafts_store import (
    begin_anew,
    keep_earlier_gas,
    keep_typed,
    save_detector,
    seal_typed,
    texts_of,
)
from field_app.orders.site_sheet import SiteSheet
from field_app.orders.site_sheets_store import load_sheet, load_well
from field_app.orders.step_timer import TIMER_PAGE, timer_at, timer_key, with_clock
from field_app.orders.unsafe_values import unsafe_typed_over
from field_app.orders.work_record import EARLIER_GAS, SLIP_MS, TYPED_GAS
from field_app.store import draft_store, outbox_store, settings_store
from field_app.store.draft_store import DraftKey
from field_app.store.outbox_store import NewOperation
from wire_contracts.fields import JsonObject, JsonValue
from wire_contracts.orders import FactType
from wire_contracts.site_facts import (
    GasMeasurement,
    Handover,
    IsolationEvent,
    PartUsed,
    SafetyStep,
    StepDone,
    VisitEnd,
    VisitEndReason,
    gas_json,
    handover_json,
    isolation_json,
    part_json,
    step_json,
    visit_end_json,
)
from wire_contracts.work_order_states import WORK_ORDER, WorkOrderEvent

_WATCHED: Final = (f"{SafetyStep.REMEASURE}.", timer_key(SafetyStep.REMEASURE))
"""How the fields and the clock of the step that is watched begin."""


class StepRefusedError(ValueError):
    """The step is not next, or a value of it is missing or not safe."""


class SiteDesk(SiteBook):
    """The work on site of one tablet; who taps is told at the moment of the tap."""

    # --- typing

    def keep(self, order_id: str, page: str, answers: Mapping[str, str]) -> int | None:
        """Keep what was typed on a page of an order; return when (ms), None for nothing.

        Without a page the answers carry their whole names, `<page>.<field>`.
        """
        if not answers:
            return None
        start = f"{page}." if page else ""

        def work(connection: Connection) -> int:
            stamp = self._stamps.stamp(connection)
            texts = {f"{start}{key}": answers[key] for key in answers}
            of_gas = {name: text for name, text in texts.items() if name in TYPED_GAS}
            if of_gas and EARLIER_GAS not in of_gas:
                draft = DraftKey(order_id=order_id, form=WORK_FORM, author=stamp.actor)
                keep_earlier_gas(connection, draft, of_gas, stamp)
            self._keep_what_was_unsafe(connection, order_id, texts)
            keep_typed(connection, order_id, stamp, texts)
            return stamp.at.wall_ms

        return self._database.write(work)

    def _keep_what_was_unsafe(
        self, connection: Connection, order_id: str, texts: Mapping[str, str]
    ) -> None:
        """Tell what a watched step showed before it is typed over; its clock begins anew.

        What stood for less than a minute was a slip of the finger, and tells nothing.
        """
        if not any(name.startswith(_WATCHED) for name in texts):
            return
        try:
            sheet = load_sheet(connection, order_id, self._stamps)
        except OrderGoneError:
            return
        key = DraftKey(order_id=order_id, form=WORK_FORM, author=self._stamps.actor())
        saved = draft_store.load_draft(connection, key).saved
        for plan in (each for each in sheet.plans if each.wait_min):
            step, unsafe = str(plan.step), unsafe_typed_over(plan, sheet.typed, texts)
            stood = {
                field: text
                for field, text in unsafe.items()
                if not 0 <= sheet.moment.age_ms(moment_kept(saved[f"{step}.{field}"])) < SLIP_MS
            }
            if stood:
                done = StepDone(step=plan.step, values={**stood}, is_undone=True, is_unsafe=True)
                told = new_fact(order_id, FactType.SAFETY_STEP, step_json(done))
                self._append(connection, [told])
                self._forget(connection, order_id, TIMER_PAGE, {step: ""})
            self._forget(connection, order_id, step, unsafe)

    def use_detector(self, detector: Detector) -> None:
        """Keep which detector the person at work has in use, and until when it is calibrated."""
        self._database.write(
            lambda connection: save_detector(connection, detector, self._stamps.stamp(connection))
        )

    # --- acting

    def do_step(self, order_id: str, step: SafetyStep) -> None:
        """Seal one step with its values; committed when this returns.

        Raises:
            StepRefusedError: Another step comes first, or a value is missing or not safe.
            OrderGoneError: The tablet does not know the order.
        """

        def work(connection: Connection) -> None:
            sheet = load_sheet(connection, order_id, self._stamps)
            plan = next_step(sheet.plans, sheet.record.done)
            typed = sheet.values_of(str(step))
            timer = None
            if plan is not None:
                timer = timer_at(sheet.typed, step, plan.wait_min or 0.0, sheet.moment)
            values = {} if plan is None else with_clock(plan, typed, timer)
            is_old = plan is not None and bool(old_values(plan, typed, sheet.moment))
            if plan is None or plan.step is not step or is_old or troubles_of(plan, values):
                message = f"order {order_id}: step {step} cannot be taken now"
                raise StepRefusedError(message)
            said: dict[str, JsonValue] = {**values}
            if timer is not None:
                said["watched_s"] = timer.elapsed_ms // 1000
            measured_ms = measured_at_ms(plan, typed, sheet.moment)
            payload = step_json(StepDone(step=step, values=said, measured_at_ms=measured_ms))
            former = sheet.record.step_facts.get(step)
            self._append(connection, [new_fact(order_id, FactType.SAFETY_STEP, payload, former)])
            self._forget(connection, order_id, str(step), typed)
            if timer is not None:
                self._forget(connection, order_id, TIMER_PAGE, {str(step): ""})

        self._database.write(work)

    def keep_unsafe(self, order_id: str, step: SafetyStep) -> None:
        """Keep the values with which a step is not safe; the step stays open and is begun anew.

        Raises:
            StepRefusedError: Another step comes first, or no value of it says that it is not safe.
            OrderGoneError: The tablet does not know the order.
        """

        def work(connection: Connection) -> None:
            sheet = load_sheet(connection, order_id, self._stamps)
            plan = next_step(sheet.plans, sheet.record.done)
            typed = sheet.values_of(str(step))
            if plan is None or plan.step is not step or not is_unsafe(plan, typed):
                message = f"order {order_id}: step {step} has no value to be kept as not safe"
                raise StepRefusedError(message)
            asked = {field.key: typed[field.key] for field in plan.fields if field.key in typed}
            done = StepDone(step=step, values=asked, is_undone=True, is_unsafe=True)
            self._append(connection, [new_fact(order_id, FactType.SAFETY_STEP, step_json(done))])
            self._forget(connection, order_id, str(step), typed)
            self._forget(connection, order_id, TIMER_PAGE, {str(step): ""})

        self._database.write(work)

    def undo_step(self, order_id: str, step: SafetyStep) -> None:
        """Take a step back, and those that were taken after it: their facts are superseded."""

        def work(connection: Connection) -> None:
            sheet = load_sheet(connection, order_id, self._stamps)
            fallen = [each for each in undone_with(sheet.plans, step) if each in sheet.record.done]
            changes = [
                new_fact(
                    order_id,
                    FactType.SAFETY_STEP,
                    step_json(StepDone(step=each, values={}, is_undone=True)),
                    sheet.record.step_facts.get(each),
                )
                for each in fallen
            ]
            self._append(connection, changes)

        self._database.write(work)

    def measure_gas(self, order_id: str, gas: GasMeasurement) -> None:
        """Keep a measurement of the air; gas that is not repaired here makes an order, too.

        Both are one group: an order of class A for another crew, once in a visit, also offline.
        """

        def work(connection: Connection) -> None:
            sheet = load_sheet(connection, order_id, self._stamps)
            stamp = self._stamps.stamp(connection)
            others: list[NewOperation] = []
            asked = sheet.record.gas_order
            is_asked = asked is not None and asked.is_asked
            if not is_asked and must_order_for_air(sheet.document, gas.lel_pct):
                request = gas_request(
                    new_id(stamp), order_id, sheet.document, gas.lel_pct, gas.place
                )
                others.append(ask_order(order_id, request, stamp))
            change = new_fact(order_id, FactType.GAS_MEASUREMENT, gas_json(gas))
            self._append(connection, [change], others)
            typed = sheet.values_of("gate")
            said = {key: typed[key] for key in typed if key not in {ENTRY, ENTRY_WHY}}
            self._forget(connection, order_id, "gate", said)

        self._database.write(work)

    def measure_well(self, record: str, gas: GasMeasurement) -> None:
        """Keep a measurement of the air under a record that is no order, such as a stop."""

        def work(connection: Connection) -> None:
            change = new_fact(None, FactType.GAS_MEASUREMENT, gas_json(gas))
            stamp = self._stamps.stamp(connection)
            operation = replace(operation_of(change, stamp), order_id=record)
            self._append(connection, [], [operation])
            typed = load_well(connection, record, self._stamps).values_of("gate")
            self._forget(connection, record, "gate", typed)

        self._database.write(work)

    def turn_valve(self, order_id: str, event: IsolationEvent) -> None:
        """Keep that a valve was closed or opened again, though its order has left the tablet."""
        self._tell(order_id, FactType.ISOLATION, isolation_json(event), "valves")

    def use_part(self, order_id: str, part: PartUsed) -> None:
        """Keep that a part was used; a negative quantity puts it back into the van.

        What was not taken is not put back: a touch that came twice says nothing.

        Raises:
            OrderGoneError: The tablet does not know the order.
        """

        def work(connection: Connection) -> None:
            used = load_sheet(connection, order_id, self._stamps).record.parts
            taken = sum(each.quantity for each in used if each.part_id == part.part_id)
            if taken + part.quantity >= 0:
                change = new_fact(order_id, FactType.PART_USED, part_json(part))
                self._append(connection, [change])

        self._database.write(work)

    def read_meter(self, order_id: str, reading: JsonObject, *, corrects: bool = False) -> None:
        """Keep what the dial shows, with what was doubtful about it.

        With `corrects` it takes the place of the last reading of this visit: that was a slip.
        """

        def work(connection: Connection) -> None:
            sheet = load_sheet(connection, order_id, self._stamps)
            last = sheet.record.read_here
            former = last.fact_id if corrects and last is not None else None
            self._append(connection, [new_fact(order_id, FactType.METER_READING, reading, former)])
            self._forget(connection, order_id, "reading", sheet.values_of("reading"))

        self._database.write(work)

    def leave(self, order_id: str, event: WorkOrderEvent, end: VisitEnd, by: str = "") -> None:
        """End a visit without a finding, with its reason, as one group.

        Gas that was measured or typed and valves that stay closed are handed over to whoever comes
        next, from the person `by`, and so is that no valve is, where the crew before had left one
        closed.

        Raises:
            RefusedTransition: The order does not stand where a visit ends.
            OrderGoneError: The tablet does not know the order.
        """

        def work(connection: Connection) -> None:
            sheet = load_sheet(connection, order_id, self._stamps)
            WORK_ORDER.next_state(sheet.document.state, event)
            changes = [new_fact(order_id, FactType.VISIT_END, visit_end_json(end))]
            left = sheet.document.handover
            kept = self._handover(connection, sheet, end.note, by)
            is_gas = is_gas_present(kept.lel_pct)
            if is_gas or sheet.record.valves or (left is not None and left.valves):
                changes.insert(0, new_fact(order_id, FactType.HANDOVER, handover_json(kept)))
            self._append(connection, changes, [go(order_id, event)])
            self._end_visit(connection, sheet)

        self._database.write(work)

    def hand_over(self, order_id: str, note: str, by: str) -> None:
        """Give a half-done order to whoever comes next: steps, closed valves and a note.

        Raises:
            RefusedTransition: The work has not begun.
            OrderGoneError: The tablet does not know the order.
        """

        def work(connection: Connection) -> None:
            sheet = load_sheet(connection, order_id, self._stamps)
            WORK_ORDER.next_state(sheet.document.state, WorkOrderEvent.CANNOT_FINISH)
            handover = self._handover(connection, sheet, note, by)
            end = VisitEnd(reason=VisitEndReason.HANDED_OVER, note=note.strip())
            changes = [
                new_fact(order_id, FactType.HANDOVER, handover_json(handover)),
                new_fact(order_id, FactType.VISIT_END, visit_end_json(end)),
            ]
            self._append(connection, changes, [go(order_id, WorkOrderEvent.CANNOT_FINISH)])
            self._end_visit(connection, sheet)

        self._database.write(work)

    def leave_note(self, text: str, numbers: Mapping[str, JsonValue]) -> None:
        """Leave a note to the next shift, with the day's numbers."""
        self._tell(None, FactType.SHIFT_NOTE, {"text": text.strip(), "numbers": dict(numbers)})

    # --- inside a transaction

    def _end_visit(self, connection: Connection, sheet: SiteSheet) -> None:
        """Forget what belongs to the visit alone: why it ended, what was measured and clocked."""
        self._forget(connection, sheet.order_id, "leave", sheet.values_of("leave"))
        stamp = self._stamps.stamp(connection)
        begin_anew(connection, sheet.order_id, stamp, is_case_over=False)

    def _handover(self, connection: Connection, sheet: SiteSheet, note: str, by: str) -> Handover:
        now = self._stamps.stamp(connection).at
        in_findings = worst_lel_pct(gas_in_findings(connection, sheet.order_id))
        found = [each for each in (sheet.record.lel_pct, in_findings) if each is not None]
        return Handover(
            note=note.strip(),
            by=by,
            at_ms=now.wall_ms + now.offset_ms,
            lel_pct=max(found, default=None),
            steps=sheet.record.steps,
            valves=sheet.record.valves,
        )

    def _tell(
        self, order_id: str | None, fact_type: FactType, payload: JsonObject, page: str = ""
    ) -> None:
        def work(connection: Connection) -> None:
            self._append(connection, [new_fact(order_id, fact_type, payload)])
            if order_id is not None and page:
                start = f"{page}."
                key = DraftKey(order_id=order_id, form=WORK_FORM, author=self._stamps.actor())
                typed = texts_of(draft_store.load_draft(connection, key).answers)
                said = {name.removeprefix(start): "" for name in typed if name.startswith(start)}
                self._forget(connection, order_id, page, said)

        self._database.write(work)

    def _append(
        self,
        connection: Connection,
        changes: Sequence[Change],
        others: Sequence[NewOperation] = (),
    ) -> None:
        if not changes and not others:
            return
        stamp = self._stamps.stamp(connection)
        operations = [operation_of(change, stamp) for change in changes]
        outbox_store.append_group(connection, [*operations, *others], stamp)
        settings_store.ask_contact(connection)
        order_ids = {change.order_id for change in changes if change.order_id is not None}
        order_store.rebuild_lines(connection, order_ids)

    def _forget(
        self, connection: Connection, order_id: str, page: str, typed: Mapping[str, str]
    ) -> None:
        if typed:
            stamp = self._stamps.stamp(connection)
            draft_store.forget_fields(
                connection,
                DraftKey(order_id=order_id, form=WORK_FORM, author=stamp.actor),
                [f"{page}.{key}" for key in typed],
            )
            seal_typed(connection, order_id, stamp)
