"""A shift of one crew, tap by tap, through the presenters of a real tablet; also a process.

`python -m tests.field_app.shift_script FOLDER` works the shift and says the number of every tap
whose effect is committed, until it is killed.
"""

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, timedelta
from pathlib import Path

from field_app.clock_io import SystemClock
from field_app.i18n import ChosenWords
from field_app.orders.order_list_store import OrderFilter, OrderQuery
from field_app.orders.safety_steps import TYPED_AT
from field_app.orders.site_sheet import SiteSheet
from field_app.orders.step_timer import TIMER_PAGE, timer_key
from field_app.presenters.finding import FindingPresenter
from field_app.presenters.gate_page import GatePage
from field_app.presenters.order import OrderPresenter
from field_app.presenters.parts_page import PartsPage
from field_app.presenters.ports import InlineWorker, PresenterContext
from field_app.presenters.sheet import SheetPage, SheetPresenter
from field_app.presenters.valves_page import ValvesPage
from field_app.presenters.work_page import WorkPage
from field_app.tablet import Tablet, open_tablet
from wire_contracts.site_facts import SafetyStep

Tap = Callable[[], None]

STEPS: tuple[tuple[str, dict[str, str], dict[str, str]], ...] = (
    ("isolate", {"how": "valve_closed"}, {}),
    ("ventilate", {"how": "fan"}, {"minutes": "10"}),
    ("measure", {}, {"gas_lel_pct": "8,5"}),
    ("repair", {"how": "repaired"}, {}),
    ("remeasure", {"tight": "holds"}, {"gas_lel_pct": "0"}),
    ("relight", {"how": "relit"}, {}),
)
"""Step, what is chosen, what is typed."""


def taps(tablet: Tablet, order_ids: list[str]) -> Iterator[Tap]:
    """Yield every tap of the shift; the next one is made when the one before was done."""
    context = PresenterContext(
        worker=InlineWorker(), words=ChosenWords("en"), clock=SystemClock(), zone=UTC
    )
    for order_id in order_ids:
        yield from _order_taps(tablet, context, order_id)


def _order_taps(tablet: Tablet, context: PresenterContext, order_id: str) -> Iterator[Tap]:
    order = OrderPresenter(tablet, context, order_id)
    order.attach(_see)
    for event in ("accept", "depart", "arrive", "begin"):
        yield lambda event=event: order.act(event)  # type: ignore[misc] # bound at once
    yield lambda: tablet.keep_place(f"orders|{order_id}|gate")
    gate = _sheet(GatePage(tablet, context, order_id), context)
    for key, text in (
        ("oxygen_pct", "20,8"),
        ("lel_pct", "0"),
        ("detector_id", "GX-7"),
        ("calibrated_until", f"{context.clock.now_utc() + timedelta(days=180):%Y-%m-%d}"),
        ("place", "VW-031"),
    ):
        yield lambda key=key, text=text: gate.type(key, text)  # type: ignore[misc] # bound at once
    yield lambda: gate.tap("allow")
    valves = _sheet(ValvesPage(tablet, context, order_id), context)
    yield lambda: valves.type("may_reopen", "control room")
    yield lambda: valves.tap("close:vw-014")
    work = _sheet(WorkPage(tablet, context, order_id), context)
    for step, chosen, typed in STEPS:
        for key, value in chosen.items():
            yield lambda name=f"{step}.{key}", value=value: work.choose(name, value)  # type: ignore[misc] # bound at once
        for key, value in typed.items():
            yield lambda name=f"{step}.{key}", value=value: work.type(name, value)  # type: ignore[misc] # bound at once
        if step == "remeasure":
            yield lambda: _watch_for_ten_minutes(tablet, order_id)
        yield lambda step=step: work.tap(step)  # type: ignore[misc] # bound at once
    parts = _sheet(PartsPage(tablet, context, order_id), context)
    for _ in range(3):
        yield lambda: parts.tap("more:gasket-dn50")
    finding = FindingPresenter(tablet, context, order_id)
    finding.attach(_see)
    yield lambda: finding.choose_result("leak")
    yield lambda: finding.choose_cause("joint")
    yield lambda: finding.type_measured("gas_lel_pct", "8,5")
    yield lambda: finding.type_note("法兰垫片 replaced")
    yield lambda: finding.finish(_done)


def _watch_for_ten_minutes(tablet: Tablet, order_id: str) -> None:
    """Keep the clock of the joint as it was started ten minutes ago."""
    started_ms = tablet.site.sheet(order_id).now_ms - 600_000
    tablet.site.keep(order_id, "", {timer_key(SafetyStep.REMEASURE): str(started_ms)})


def _sheet(page: SheetPage[SiteSheet], context: PresenterContext) -> SheetPresenter[SiteSheet]:
    sheet = SheetPresenter(page, context)
    sheet.attach(_see)
    return sheet


def _see(_view: object) -> None:
    """Look at the view as a screen would."""


def _done() -> None:
    """The form closes."""


def standing(tablet: Tablet) -> str:
    """Return everything the crew has said, in one text that two runs of the shift share."""
    words = [tablet.kept_place()]
    for order_id in open_orders(tablet):
        sheet = tablet.site.sheet(order_id)
        finding = tablet.desk.finding(order_id)
        record = sheet.record
        words += [
            str(sheet.document.state),
            str(sheet.document.result),
            *sorted(
                key if key.startswith(TIMER_PAGE) or key.endswith(TYPED_AT) else f"{key}={value}"
                for key, value in sheet.typed.items()
            ),
            *sorted(f"{key}={value}" for key, value in finding.fields.items()),
            *(str(step.step) for step in record.steps),
            *(valve.valve_id for valve in record.valves),
            *(f"{part.part_id} {part.quantity}" for part in record.parts),
            f"{len(record.gas)} measured",
        ]
    return "\n".join(words)


def open_orders(tablet: Tablet) -> list[str]:
    """Return every order of the tablet, in an order that no tap changes."""
    lines = [
        line
        for chosen in (OrderFilter.OPEN, OrderFilter.DONE)
        for line in tablet.desk.page(OrderQuery(chosen=chosen)).lines
    ]
    return [line.order_id for line in sorted(lines, key=lambda line: line.number)]


def main(folder: Path) -> None:
    """Work the shift and say each tap that is committed."""
    tablet = open_tablet(folder, SystemClock())
    for number, tap in enumerate(taps(tablet, open_orders(tablet)), start=1):
        tap()
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
    tablet.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
