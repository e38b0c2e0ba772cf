"""Whatever a crew types, keeps and takes back, by whatever clock: no flame and no end over gas."""

import tempfile
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from typing_extensions import override

from field_app.checklists.form_sheet import FormSubject
from field_app.forms.numbers import FULL_SCALE_LEL_PCT, worst_lel_pct
from field_app.i18n import ChosenWords
from field_app.orders.order_desk import FindingIncompleteError
from field_app.orders.site_desk import StepRefusedError
from field_app.orders.step_timer import timer_key
from field_app.patrols.presence import by_hand
from field_app.presenters.form_tools import order_evidence
from field_app.presenters.gate_page import GatePage
from field_app.presenters.point import PointPage
from field_app.presenters.ports import InlineWorker, PresenterContext
from field_app.presenters.run_end import RunEndPage
from field_app.presenters.sheet import Answers
from field_app.presenters.stop_gate import StopGatePage
from field_app.presenters.work_page import WorkPage
from field_app.store import outbox_store
from field_app.store.round_records import record_of
from tests.field_app.round_parts import rounds_of
from tests.field_app.site_parts import LEAK, working_tablet, working_town
from tests.field_app_ui.inspection_parts import checkpoint, inspection_rows
from tests.field_app_ui.office_forms import builtin, published
from tests.field_app_ui.town_office import BootClock
from wire_contracts.fields import JsonObject
from wire_contracts.findings import causes_for
from wire_contracts.kinds import FindingResult
from wire_contracts.life_cycle import RefusedTransition
from wire_contracts.orders import FactType
from wire_contracts.quantities import Medium
from wire_contracts.site_facts import SafetyStep

GAS = st.sampled_from(["0", "0", "9", "45", "45", "1.2", "25", "OL", "> 10", ""])
MINUTES = st.sampled_from([1, 2, 6, 11, 11, 20, 31])
SET_BY_MIN = st.sampled_from([-120, -24, -10, 20, 120])
SLIP_S = 61
GOOD_FOR_S = 30 * 60 + 6
PEOPLE = ("li-wei", "anna")
STOP, WELL = checkpoint(0)
VALUES = {
    SafetyStep.ISOLATE: {"how": "not_needed"},
    SafetyStep.VENTILATE: {"how": "fan", "minutes": "10"},
    SafetyStep.MEASURE: {"gas_lel_pct": "0"},
    SafetyStep.REPAIR: {"how": "repaired"},
    SafetyStep.REMEASURE: {"gas_lel_pct": "0", "tight": "holds"},
    SafetyStep.RELIGHT: {"how": "relit"},
}
GATE_AIR = {
    "oxygen_pct": "20.8",
    "detector_id": "GX-7",
    "calibrated_until": "2027-05-31",
    "place": "cellar",
}


@dataclass
class Typed:
    """Gas as the oracle saw it typed: what stands where, since when, and the most that stood."""

    standing: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    stood: list[tuple[float, float]] = field(default_factory=list)

    def put(self, where: tuple[str, str], text: str, now_s: float) -> None:
        """Take it that this stands there now; what stood for more than a slip was in the air."""
        self.ripen(now_s)
        self.standing[where] = now_s, worst_lel_pct(text) or 0.0

    def ripen(self, now_s: float) -> None:
        """Take what has stood for more than a slip of the finger as found."""
        for at_s, lel_pct in self.standing.values():
            if now_s - at_s > SLIP_S and lel_pct <= FULL_SCALE_LEL_PCT:
                self.stood.append((at_s, lel_pct))

    def most(self, since_s: float = 0.0) -> float:
        """Return the most that stood since a moment."""
        return max((lel_pct for at_s, lel_pct in self.stood if at_s >= since_s), default=0.0)

    def most_now(self) -> float:
        """Return the most that stands at this moment."""
        return max((lel_pct for _at_s, lel_pct in self.standing.values()), default=0.0)


class OnATablet(RuleBasedStateMachine):
    """A tablet of two people, whose wall clock somebody sets."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.clock, self.town = BootClock(), working_town()
        self.town.clock = self.clock
        forms = (published(builtin(name)) for name in ("leak-gas", "patrol-well"))
        self.town.extra = [*inspection_rows(), *forms]
        self.tablet = self.stack.enter_context(working_tablet(folder, self.town))
        self.town.is_reachable = False
        self.context = PresenterContext(
            worker=InlineWorker(), words=ChosenWords("en"), clock=self.clock, zone=UTC
        )
        self.who, self.typed, self.is_over = PEOPLE[0], Typed(), False

    @override
    def teardown(self) -> None:
        self.stack.close()

    @property
    def now_s(self) -> float:
        return self.clock.boot_s

    @invariant()
    def every_tap_takes_a_second(self) -> None:
        self.clock.go_on(timedelta(seconds=1))

    @rule(minutes=MINUTES)
    def time_passes(self, minutes: int) -> None:
        self.clock.go_on(timedelta(minutes=minutes))
        self.typed.ripen(self.now_s)

    @rule(minutes=SET_BY_MIN)
    def the_wall_clock_is_set(self, minutes: int) -> None:
        self.clock.set_by(timedelta(minutes=minutes))

    @rule()
    def somebody_else_takes_the_tablet(self) -> None:
        self.who = PEOPLE[1 - PEOPLE.index(self.who)]
        assert self.tablet.choose_person(self.who)

    def facts(self, record: str) -> list[tuple[str, JsonObject]]:
        entries = self.tablet.database.read(lambda each: outbox_store.entries_of(each, record))
        return [(each.operation.field, each.operation.payload or {}) for each in entries]


class GasOrder(OnATablet):
    """One order of gas: gate, steps, finding, a checklist of the office."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = len(self.facts(LEAK))
        self.done: dict[str, float] = {}
        self.gate_gas: list[tuple[float, float]] = []
        self.gate_typed_s: dict[str, float] = {}

    @rule(text=GAS)
    def gas_is_typed_at_the_gate(self, text: str) -> None:
        GatePage(self.tablet, self.context, LEAK).keep({**GATE_AIR, "lel_pct": text})
        self.typed.put((self.who, "gate"), text, self.now_s)
        self.gate_typed_s[self.who] = self.now_s

    @rule(key=st.sampled_from(["allow", "deny"]))
    def the_gate_is_kept(self, key: str) -> None:
        page = GatePage(self.tablet, self.context, LEAK)
        data = page.read()
        if data is not None:
            page.tap(key, Answers(typed=dict(page.typed_before(data))))

    @initialize(count=st.sampled_from([0, 3, 3, 5, 5]))
    def some_steps_were_taken(self, count: int) -> None:
        self.the_next_steps_are_tried(count)

    @rule(count=st.sampled_from([1, 1, 2, 3]))
    def the_next_steps_are_tried(self, count: int) -> None:
        for _again in range(count):
            self.try_next_step()

    def try_next_step(self) -> None:
        done = self.tablet.site.sheet(LEAK).record.done
        step = next((each for each in VALUES if each not in done), None)
        if step is None:
            return
        work = WorkPage(self.tablet, self.context, LEAK)
        if step is SafetyStep.REMEASURE:
            work.keep({timer_key(step): self.tablet.site.moment().text})
            self.time_passes(11)
        work.keep({f"{step}.{name}": text for name, text in VALUES[step].items()})
        if "gas_lel_pct" in VALUES[step]:
            self.typed.put((self.who, str(step)), "0", self.now_s)
        with suppress(StepRefusedError):
            self.tablet.site.do_step(LEAK, step)
        self.nothing_was_taken_over_gas()

    @rule(step=st.sampled_from([SafetyStep.MEASURE, SafetyStep.REMEASURE]), text=GAS)
    def gas_is_typed_in_a_step(self, step: SafetyStep, text: str) -> None:
        WorkPage(self.tablet, self.context, LEAK).keep({f"{step}.gas_lel_pct": text})
        self.typed.put((self.who, str(step)), text, self.now_s)
        with suppress(StepRefusedError):
            self.tablet.site.do_step(LEAK, step)

    @rule(step=st.sampled_from(list(VALUES)))
    def a_step_is_taken_back(self, step: SafetyStep) -> None:
        if step in self.tablet.site.sheet(LEAK).record.done:
            self.tablet.site.undo_step(LEAK, step)

    @rule(text=GAS)
    def gas_is_typed_in_the_finding(self, text: str) -> None:
        self.tablet.desk.save_answers(LEAK, {"measured.gas_lel_pct": text})
        self.typed.put((self.who, "finding"), text, self.now_s)

    @rule(text=st.sampled_from(["0", "9", "45"]))
    def gas_is_typed_in_a_checklist(self, text: str) -> None:
        sheet = self.tablet.forms.open(FormSubject(about="work_order", about_id=LEAK), "leak-gas")
        self.tablet.forms.save_changes(sheet, {"measure/lel_before": text})
        self.typed.put((self.who, "form"), text, self.now_s)

    @precondition(lambda self: not self.is_over)
    @rule(result=st.sampled_from(list(FindingResult)))
    def the_order_is_finished(self, result: FindingResult) -> None:
        cause = causes_for(Medium.GAS, result)[0]
        said = {"result": str(result), "cause": str(cause), "note": "words"}
        self.tablet.desk.save_answers(LEAK, {**said})
        sheet = self.tablet.desk.finding(LEAK)
        evidence = order_evidence(self.tablet, sheet, self.context.words)
        with suppress(FindingIncompleteError, RefusedTransition):
            self.tablet.desk.finish(LEAK, evidence)
            self.is_over = True
            most = max(self.typed.most(), *(lel for _at_s, lel in self.gate_gas), 0.0)
            is_well = result in {FindingResult.NORMAL, FindingResult.INACCURATE}
            assert not (is_well and most > 1), f"{result} over {most} % LEL"
            is_leak = result is FindingResult.LEAK or most > 1
            assert not is_leak or "relight" in self.done, f"{result} over {most} without steps"

    @invariant()
    def nothing_was_taken_over_gas(self) -> None:
        new, self.seen = self.facts(LEAK)[self.seen :], len(self.facts(LEAK))
        for kind, payload in new:
            if kind == FactType.GAS_MEASUREMENT:
                self.judge_gate(payload)
            if kind == FactType.SAFETY_STEP:
                self.judge_step(payload)

    def judge_gate(self, gas: JsonObject) -> None:
        lel_pct = gas["lel_pct"]
        assert isinstance(lel_pct, float | int) or not gas["is_entry_allowed"]
        if gas["is_entry_allowed"]:
            assert float(str(lel_pct)) <= 10
            assert self.now_s - self.gate_typed_s[self.who] < GOOD_FOR_S
        self.gate_gas.append((self.now_s, float(str(lel_pct or 0))))
        self.typed.ripen(self.now_s)
        self.typed.standing.pop((self.who, "gate"), None)

    def judge_step(self, payload: JsonObject) -> None:
        step = str(payload["step"])
        if payload.get("is_undone") or payload.get("is_unsafe"):
            self.done.pop(step, None) if not payload.get("is_unsafe") else None
            return
        before = {"repair": ("measure", 20.0), "relight": ("remeasure", 1.0)}.get(step)
        if before is not None:
            measured, limit_pct = before
            assert measured in self.done, f"{step} without {measured}"
            since_s = self.done[measured]
            assert self.now_s - since_s < GOOD_FOR_S, f"{step} on air of long ago"
            found = [lel for at_s, lel in self.gate_gas if at_s > since_s]
            gate = [
                lel
                for (_who, where), (at_s, lel) in self.typed.standing.items()
                if where == "gate" and at_s > since_s
            ]
            assert max([*found, *gate, 0.0]) <= limit_pct, f"{step} over gas at the gate"
        if step == "remeasure":
            assert self.now_s - self.done.get("repair", 0.0) > 595, "watched ten minutes"
        self.done[step] = self.now_s


class OneStop(OnATablet):
    """One stop of a route: its page, its gate, a checklist, the end of the route."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = rounds_of(self.tablet, self.town)
        self.run_id = self.parts.desk.start_run("plan-1", (STOP, checkpoint(3)[0]))
        self.recorded_s, self.is_recorded_grave = 0.0, False
        self.has_grave_words: set[str] = set()

    def page(self) -> tuple[PointPage, Answers]:
        page = PointPage(self.parts, self.run_id, STOP)
        data = page.read()
        assert data is not None
        return page, Answers(typed=dict(page.typed_before(data)))

    @initialize(text=GAS)
    def a_colleague_typed_gas(self, text: str) -> None:
        self.gas_is_typed(text)
        self.somebody_else_takes_the_tablet()

    @rule(text=GAS)
    def gas_is_typed(self, text: str) -> None:
        self.page()[0].keep({"gas_lel_pct": text})
        self.typed.put((self.who, "page"), text, self.now_s)

    @rule(outcome=st.sampled_from(["", "skipped", "defect"]), severity=st.sampled_from("123"))
    def words_are_typed(self, outcome: str, severity: str) -> None:
        words = {"outcome": outcome, "severity": severity, "note": "cover", "reason": "no time"}
        self.page()[0].keep({**words, "well_water_cm": "2"})
        if (outcome, severity) == ("defect", "1"):
            self.has_grave_words.add(self.who)
        else:
            self.has_grave_words.discard(self.who)

    @rule(text=GAS)
    def gas_is_typed_at_the_gate(self, text: str) -> None:
        page = StopGatePage(self.parts, self.run_id, STOP)
        page.keep({**GATE_AIR, "lel_pct": text})
        self.typed.put((self.who, "gate"), text, self.now_s)

    @rule(text=st.sampled_from(["0", "9", "25", "45"]))
    def gas_is_typed_in_a_checklist(self, text: str) -> None:
        sheet = self.tablet.forms.open(
            FormSubject(about="checkpoint", about_id=STOP), "patrol-well"
        )
        self.tablet.forms.save_changes(sheet, {"look/gas_lel_pct": text})
        self.typed.put((self.who, "form"), text, self.now_s)

    def unrecorded(self) -> float:
        self.typed.ripen(self.now_s)
        return max(self.typed.most(self.recorded_s), self.typed.most_now())

    @precondition(lambda self: not self.is_over)
    @rule(is_grave=st.booleans())
    def the_stop_is_recorded(self, is_grave: bool) -> None:  # noqa: FBT001 - drawn
        self.parts.desk.check_in(self.run_id, STOP, by_hand(WELL, None), is_tag_unreadable=True)
        if not is_grave:
            self.page()[0].keep({"gas_lel_pct": "0", "well_water_cm": "2"})
            self.typed.put((self.who, "page"), "0", self.now_s)
        page, answers = self.page()
        most, is_noted = self.unrecorded(), bool(self.has_grave_words)
        if is_grave:
            page.tap("grave", answers)
            page, answers = self.page()
        if not page.tap("done", answers).is_done:
            return
        record = record_of(self.run_id)
        told = [each for kind, each in self.facts(record) if kind == FactType.PATROL_POINT][-1]
        defect = told["defect"]
        is_told = isinstance(defect, dict) and defect["severity"] == 1
        assert is_told or most < 20, f"{told['outcome']} over {most} % LEL"
        assert is_told or not is_noted, f"{told['outcome']} over a grave defect"
        asked = [each for kind, each in self.facts(record) if kind == FactType.ORDER_REQUEST]
        assert asked or not is_told
        self.is_recorded_grave = is_told
        self.recorded_s, self.has_grave_words = self.now_s, set()
        self.typed = Typed({key: at for key, at in self.typed.standing.items() if key[1] != "page"})

    @precondition(lambda self: not self.is_over)
    @rule()
    def the_route_is_ended(self) -> None:
        page = RunEndPage(self.parts, self.run_id)
        data = page.read()
        assert data is not None
        most, is_noted = self.unrecorded(), bool(self.has_grave_words)
        self.is_over = page.tap("end", Answers(typed={})).is_done
        is_danger = (most >= 20 or is_noted) and not self.is_recorded_grave
        assert not (self.is_over and is_danger), f"ended over {most} % LEL"


def a_few(steps: int) -> settings:
    """Return how long a machine runs: a few histories at every change, many by night."""
    count = settings().max_examples // 2
    return settings(max_examples=count, stateful_step_count=steps)


def test_no_flame_and_no_end_of_an_order_over_gas() -> None:
    run_state_machine_as_test(GasOrder, settings=a_few(30))


def test_no_end_of_a_stop_or_a_route_over_a_danger() -> None:
    run_state_machine_as_test(OneStop, settings=a_few(20))
