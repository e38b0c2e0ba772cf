"""The tablet's process of the demo: the real app in a window, its crew's hands made visible."""

import argparse
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from demo.crew_work_io import enrol, work
from demo.hands import Finding, Step
from demo.places import Places
from demo.process_life_io import stop_when_told
from demo.town_clock_io import join_clock
from demo.town_time import ZONE_NAME
from field_app.app import make_app
from field_app.config import TabletConfig
from field_app.crew import HeadlessCrew
from field_app.ui.environment_io import prepare_environment

if TYPE_CHECKING:
    from field_app.ui.application import LamplighterApp

WATCHABLE_S = 1.5
"""Wall seconds that an order stays open on the screen before its next step is taken."""

WINDOW = {"width": 1200, "height": 740}
"""A tablet on its side, small enough for a laptop's screen."""


def main() -> None:
    """Show the app until its window is closed or the demo stops."""
    parser = argparse.ArgumentParser(description="the demo's tablet in a window")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--server-url", required=True)
    parser.add_argument("--code", default="", help="one-time code, for the first start")
    arguments = parser.parse_args()
    places = Places(arguments.data)
    stop = stop_when_told()
    places.crew_folder.mkdir(parents=True, exist_ok=True)
    prepare_environment(places.crew_folder)
    clock = join_clock(places.clock_file)
    crew = HeadlessCrew(places.crew_folder, clock)
    try:
        enrol(crew, arguments.server_url, arguments.code, stop)
        _show(crew, places, stop)
    finally:
        crew.close()


def _show(crew: HeadlessCrew, places: Places, stop: threading.Event) -> None:
    from kivy.config import Config  # noqa: PLC0415  # after its environment was prepared

    for side, pixels in WINDOW.items():
        Config.set("graphics", side, str(pixels))
    from kivy.clock import Clock  # noqa: PLC0415  # after the window's size

    config = TabletConfig(data=places.crew_folder, language="en", timezone=ZONE_NAME)
    app = make_app(crew.tablet, config, join_clock(places.clock_file))

    def before(step: Step) -> None:
        Clock.schedule_once(lambda _elapsed_s: app.navigator.open_order(step.order_id))
        stop.wait(WATCHABLE_S)
        if step.finding is not None:
            Clock.schedule_once(lambda _elapsed_s: app.navigator.open_finding())
            _fill_in(crew, step.order_id, step.finding, stop)

    hands = threading.Thread(target=work, args=(crew, places, stop, before), name="hands")
    watcher = threading.Thread(target=_close_when_told, args=(stop, app), daemon=True)
    hands.start()
    watcher.start()
    try:
        app.run()
    finally:
        stop.set()
        hands.join()


def _fill_in(crew: HeadlessCrew, order_id: str, finding: Finding, stop: threading.Event) -> None:
    """Answer the form one question after the other, so that it can be watched."""
    for name, value in (
        ("result", str(finding.result)),
        ("cause", str(finding.cause)),
        ("note", finding.note),
    ):
        stop.wait(WATCHABLE_S)
        crew.answer(order_id, {name: value})
    stop.wait(WATCHABLE_S)


def _close_when_told(stop: threading.Event, app: "LamplighterApp") -> None:
    stop.wait()
    app.stop_soon()


if __name__ == "__main__":
    main()
