"""Takes the tablet's pictures with the real app over a copy of a tablet's data, offscreen."""

import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from field_app.config import TabletConfig
from field_app.orders.order_list_store import OrderQuery
from field_app.platform.ports import PinOutcome
from field_app.presenters.form_tools import FORM_TOOL
from field_app.tablet import Tablet, open_tablet
from field_app.ui.environment_io import prepare_environment
from wire_contracts.clock import Clock
from wire_contracts.work_order_states import WorkOrderState

if TYPE_CHECKING:
    from field_app.ui.application import LamplighterApp

PORTRAIT = (800, 1280)
LANDSCAPE = (1280, 800)
"""A ten-inch tablet at 160 dpi, upright and on its side."""

LANGUAGES = (("en", "en"), ("zh", "zh_CN"))
"""The word in a picture's name, and the app's language."""

LONGEST_S = 600.0
"""Pictures of one run: software GL needs a minute or two, a busy machine several."""

STEPS_TO_WORK = 4
"""Accept, set off, arrive, begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shooting:
    """One run of the app for pictures: from whose data, where to, in which language and size."""

    data: Path
    out: Path
    name: str
    language: str
    size: tuple[int, int]
    timezone: str


class StoppedClock:
    """Shows one moment: a picture of a town is looked at long after the town's time."""

    def __init__(self, now_utc: datetime) -> None:
        """Stop at a moment."""
        self._now_utc = now_utc

    def now_utc(self) -> datetime:
        """Return the moment."""
        return self._now_utc

    def wall_seconds(self, seconds: float) -> float:
        """Return the same seconds: waiting goes on as usual."""
        return seconds


def shoot_tablet(
    data: Path, out: Path, now_utc: datetime, *, pin: str = "", timezone: str = "Asia/Shanghai"
) -> Sequence[Path]:
    """Return the pictures of the tablet that lives in `data`; its data is left as it is.

    `pin` opens a tablet that is locked, in the name of whoever worked last.

    Upright, in both languages: `tablet-list.en.png`, `tablet-order.en.png`, every tool and place,
    `tablet-finding.en.png`, a checklist and rounds where the crew has any, what is seen most in
    the other themes (`tablet-dark-list.en.png`), and the same with `zh`; on its side:
    `tablet-two-panes.en.png` and what a crew uses most, with `wide-` before its name.
    Order and finding show the most urgent open order with evidence, else the first order.

    Raises:
        subprocess.CalledProcessError: The app failed, such as without GL; its output was shown.
    """
    out.mkdir(parents=True, exist_ok=True)
    for name, language in LANGUAGES:
        for size in (PORTRAIT, LANDSCAPE):
            arguments = (
                str(data),
                str(out),
                name,
                language,
                f"{size[0]}x{size[1]}",
                timezone,
                now_utc.isoformat(),
                pin,
            )
            command = [sys.executable, "-m", "demo.screenshots_tablet_io", *arguments]
            subprocess.run(command, check=True, timeout=LONGEST_S)  # noqa: S603 - our own module
    return sorted(out.glob("tablet-*.png"))


def main(arguments: Sequence[str]) -> None:
    """Take the pictures of one language and size: Kivy has one window of one size per process."""
    data, out, name, language, size, timezone, now_text, pin = arguments
    clock = StoppedClock(datetime.fromisoformat(now_text))
    width, height = size.split("x")
    with tempfile.TemporaryDirectory(prefix="lamp-tablet-") as copy:
        folder = Path(copy) / "tablet"
        shutil.copytree(data, folder)
        shooting = Shooting(
            data=folder,
            out=Path(out),
            name=name,
            language=language,
            size=(int(width), int(height)),
            timezone=timezone,
        )
        _prepare(shooting)
        tablet = open_tablet(folder, clock)
        try:
            _unlock(tablet, pin)
            _take(shooting, tablet, clock)
        finally:
            tablet.close()


def _unlock(tablet: Tablet, pin: str) -> None:
    """Open a tablet that is locked.

    Raises:
        RuntimeError: The PIN is not the one of who worked last: every picture would be of the lock.
    """
    if not tablet.log_in.is_locked() or tablet.identity is None:
        return
    verdict = tablet.unlock(tablet.identity.actor, pin)
    if verdict.outcome is not PinOutcome.OPENED:
        message = f"tablet {tablet.identity.tablet_id}: PIN: does not open it; pass the crew's own"
        raise RuntimeError(message)


def _prepare(shooting: Shooting) -> None:
    os.environ |= {
        "KIVY_HOME": str(shooting.data / "kivy"),
        "KIVY_NO_CONFIG": "1",
        "KIVY_NO_CONSOLELOG": "1",
        "KIVY_DPI": "160",
        "KIVY_METRICS_DENSITY": "1",
    }
    prepare_environment(shooting.data, must_be_offscreen=True)
    logging.disable(logging.CRITICAL)  # Kivy tells at length which input devices are not here
    from kivy.config import Config  # noqa: PLC0415 - reads the environment set above

    width, height = shooting.size
    for key, value in (("width", width), ("height", height), ("multisamples", 0), ("maxfps", 0)):
        Config.set("graphics", key, str(value))


def _take(shooting: Shooting, tablet: Tablet, clock: Clock) -> None:
    from kivy.base import EventLoop, runTouchApp  # noqa: PLC0415 - opens the window

    from field_app.app import make_app  # noqa: PLC0415 - after the window's settings

    config = TabletConfig(
        data=shooting.data, language=shooting.language, timezone=shooting.timezone
    )
    app = make_app(tablet, config, clock)
    app._run_prepare()  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]  # run() without loop
    runTouchApp(embedded=True)

    def settle() -> None:
        for _ in range(20):
            EventLoop.idle()
        while app.jobs:
            EventLoop.idle()
        for _ in range(20):
            EventLoop.idle()

    settle()
    order_id = _telling_order(tablet)
    is_wide = shooting.size == LANDSCAPE
    if is_wide:
        _shoot_two_panes(shooting, app, order_id, settle)
    else:
        _shoot_upright(shooting, app, order_id, settle)
    _shoot_rounds(_Camera(shooting, app, settle, "wide-" if is_wide else ""), tablet)
    app.stop()


class _Camera:
    """Shows pages of rounds and takes their pictures."""

    def __init__(
        self, shooting: Shooting, app: "LamplighterApp", settle: Callable[[], None], prefix: str
    ) -> None:
        """Put `prefix` before every name."""
        self._shooting, self._app, self._settle = shooting, app, settle
        self._prefix = prefix

    def place(self, name: str, place: str) -> None:
        """Take the picture of a place."""
        self._app.navigator.go(place)
        self._settle()
        _save(self._shooting, f"{self._prefix}{name}")

    def page(self, name: str, key: str) -> None:
        """Take the picture of a page of rounds by its key, and go back."""
        screen: Any = self._app.navigator.place_screen("patrol")
        screen.opened(key)
        self._settle()
        _save(self._shooting, f"{self._prefix}{name}")
        self._app.navigator.close_page()


def _shoot_rounds(camera: _Camera, tablet: Tablet) -> None:
    """Take the pictures of an inspector's pages; none for a crew that inspects nothing."""
    desk = tablet.inspections
    if not desk.has_rounds():
        return
    camera.place("rounds", "patrol")
    for home in desk.homes()[:1]:
        camera.page("homes", "homes")
        camera.page("home", f"home:{home.household_id}")
    for meter in desk.meters()[:1]:
        camera.page("meters", "meters")
        camera.page("meter", f"meter:{meter.meter_id}")
    run = desk.open_run()
    plan = next(iter(desk.plans().items()), None)
    run_id = "" if run is None else run.run_id
    if not run_id and plan is not None:
        run_id = desk.start_run(plan[0], plan[1].stops)
    if run_id:
        camera.page("run", f"run:{run_id}")
        camera.page("point", f"stop:{run_id}/{desk.run(run_id).state.stops[0]}")
        camera.place("map-with-route", "map")


def _shoot_two_panes(
    shooting: Shooting, app: "LamplighterApp", order_id: str, settle: Callable[[], None]
) -> None:
    navigator = app.navigator
    if order_id:
        navigator.open_order(order_id)
    settle()
    _save(shooting, "two-panes")
    if order_id:
        _bring_to_work(app, settle)
        navigator.tools.open("work")
        settle()
        _save(shooting, "wide-work")
        navigator.close_page()
        navigator.open_finding()
        settle()
        _save(shooting, "wide-finding")
        navigator.back()
    for place in ("map", "sync"):
        navigator.go(place)
        settle()
        _save(shooting, f"wide-{place}")


def _shoot_upright(
    shooting: Shooting, app: "LamplighterApp", order_id: str, settle: Callable[[], None]
) -> None:
    _save(shooting, "list")
    if not order_id:
        return
    navigator = app.navigator
    navigator.open_order(order_id)
    settle()
    _save(shooting, "order")
    _bring_to_work(app, settle)
    _shoot_tools(shooting, app, settle)
    navigator.open_finding()
    settle()
    if not any(choice.is_selected for choice in navigator.finding.view.results):
        navigator.finding.choose_result("leak")
        settle()
        navigator.finding.choose_cause(navigator.finding.view.causes[0].key)
        settle()
    navigator.finding.ids.page.scroll_y = 1
    settle()
    _save(shooting, "finding")


def _bring_to_work(app: "LamplighterApp", settle: Callable[[], None]) -> None:
    """Accept the order that is open, set off, arrive and begin."""
    order = app.navigator.order
    for _ in range(STEPS_TO_WORK):
        action = order.view.next_action
        if action is not None and action.event in _TO_WORK:
            order.act(action.event)
            settle()


_TO_WORK = frozenset({"accept", "depart", "arrive", "begin"})

TOOLS = (
    "work",
    "gate",
    "valves",
    "photos",
    "parts",
    "reading",
    "signature",
    "handover",
    "no_access",
    "cannot_finish",
)
"""The sheets of an order on which a crew works, or ends its visit."""

OTHER_THEMES = ("dark", "sun")
"""Themes in which the pages that a crew sees most are taken too."""


def _shoot_tools(shooting: Shooting, app: "LamplighterApp", settle: Callable[[], None]) -> None:
    """Take the pictures of every sheet of the order that is open, of the map and the places."""
    navigator = app.navigator
    order_id = navigator.order_id
    for tool in TOOLS:
        navigator.tools.open(tool)
        settle()
        _save(shooting, tool)
        navigator.close_page()
    checklist = next(
        (tool.key for tool in navigator.order.view.tools if tool.key.startswith(FORM_TOOL)), ""
    )
    if checklist:
        navigator.tools.open(checklist)
        settle()
        _save(shooting, "checklist")
        navigator.close_page()
    for name, show in (("help", navigator.tools.open_help), ("shift", navigator.tools.open_shift)):
        show()
        settle()
        _save(shooting, name)
        navigator.close_page()
    for place in ("map", "sync", "me"):
        navigator.go(place)
        settle()
        _save(shooting, place)
    _shoot_themes(shooting, app, settle)
    navigator.open_order(order_id)
    settle()


def _shoot_themes(shooting: Shooting, app: "LamplighterApp", settle: Callable[[], None]) -> None:
    """Take the pages that a crew sees most at night and in the sun."""
    navigator = app.navigator
    order_id = navigator.order_id
    for theme in OTHER_THEMES:
        app.use_theme(theme)
        navigator.open_order(order_id)
        settle()
        _save(shooting, f"{theme}-order")
        for tool in ("work", "gate", "parts"):
            navigator.tools.open(tool)
            settle()
            _save(shooting, f"{theme}-{tool}")
            navigator.close_page()
        for place in ("map", "me"):
            navigator.go(place)
            settle()
            _save(shooting, f"{theme}-{place}")
        for _ in range(2):  # the place, then out of the order that is open there
            navigator.go("orders")
        settle()
        _save(shooting, f"{theme}-list")
        navigator.open_order(order_id)
    app.use_theme("light")


def _telling_order(tablet: Tablet) -> str:
    """Return the most urgent open order with evidence, else the first one; empty without any."""
    lines = tablet.desk.page(OrderQuery(limit=50)).lines
    done = {WorkOrderState.FINISHED, WorkOrderState.VERIFIED, WorkOrderState.CLOSED}
    for line in lines:
        seen = tablet.desk.order(line.order_id)
        document = None if seen is None else seen.document
        if document is not None and document.evidence is not None and document.state not in done:
            return line.order_id
    return lines[0].order_id if lines else ""


def _save(shooting: Shooting, what: str) -> None:
    from kivy.core.window import Window  # noqa: PLC0415 - the window that is open
    from kivy.graphics.opengl import (  # noqa: PLC0415 - loads GL
        GL_RGBA,
        GL_UNSIGNED_BYTE,
        glReadPixels,
    )
    from PIL import Image  # noqa: PLC0415 - only pictures need it

    Window.canvas.ask_update()
    Window.dispatch("on_draw")
    data = glReadPixels(0, 0, *Window.size, GL_RGBA, GL_UNSIGNED_BYTE)
    picture = Image.frombytes("RGBA", Window.size, data)
    upright = picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM).convert("RGB")
    upright.save(shooting.out / f"tablet-{what}.{shooting.name}.png", optimize=True)


if __name__ == "__main__":
    main(sys.argv[1:])
