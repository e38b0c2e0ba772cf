"""What the tests of presenters share: a slow screen, an order's pages, the steps of a leak."""

from collections.abc import Callable
from typing import TypeVar

from field_app.orders.step_timer import timer_key
from field_app.presenters.finding import FindingPresenter
from field_app.presenters.order import OrderPresenter
from field_app.presenters.ports import PresenterContext
from field_app.tablet import Tablet
from wire_contracts.site_facts import (
    SafetyStep,
)

T = TypeVar("T")

GAS_STEPS = {
    SafetyStep.ISOLATE: {"how": "valve_closed"},
    SafetyStep.VENTILATE: {"how": "fan", "minutes": "10"},
    SafetyStep.MEASURE: {"gas_lel_pct": "2,5"},
    SafetyStep.REPAIR: {"how": "repaired"},
    SafetyStep.REMEASURE: {"gas_lel_pct": "0", "tight": "holds"},
    SafetyStep.RELIGHT: {"how": "relit"},
}


class SlowScreen:
    """A worker whose answers wait until the test lets the screen's thread take them."""

    def __init__(self) -> None:
        self.answers: list[Callable[[], None]] = []
        self.timers: list[Callable[[], None]] = []

    def run(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        answer = work()
        self.answers.append(lambda: done(answer))

    def keep(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        self.run(work, done)

    def later(self, delay_s: float, call: Callable[[], None]) -> Callable[[], None]:
        del delay_s
        self.timers.append(call)

        def cancel() -> None:
            self.timers = [each for each in self.timers if each != call]

        return cancel

    def take(self, count: int) -> None:
        """Let so many answers arrive, the oldest first."""
        taken, self.answers = self.answers[:count], self.answers[count:]
        for answer in taken:
            answer()

    def pass_time(self) -> None:
        """Let every timer go off."""
        due, self.timers = self.timers, []
        for call in due:
            call()


def order_of(tablet: Tablet, context: PresenterContext, order_id: str) -> OrderPresenter:
    presenter = OrderPresenter(tablet, context, order_id)
    presenter.attach(lambda _view: None)
    return presenter


def finding_of(tablet: Tablet, context: PresenterContext, order_id: str) -> FindingPresenter:
    presenter = FindingPresenter(tablet, context, order_id)
    presenter.attach(lambda _view: None)
    return presenter


def take_gas_steps(tablet: Tablet, order_id: str) -> None:
    for step, values in GAS_STEPS.items():
        tablet.site.keep(order_id, str(step), values)
        if step is SafetyStep.REMEASURE:
            watch_for(tablet, order_id, minutes=10)
        tablet.site.do_step(order_id, step)


def watch_for(tablet: Tablet, order_id: str, *, minutes: int) -> None:
    """Keep the clock of the joint as it was started so long ago."""
    started_ms = tablet.site.sheet(order_id).now_ms - minutes * 60_000
    tablet.site.keep(order_id, "", {timer_key(SafetyStep.REMEASURE): str(started_ms)})
