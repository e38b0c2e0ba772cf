"""One scene of the tablet in a process of its own: start, scroll, pull, save; prints JSON."""

import gc
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

from benchmarks.tablet_office import NOW_UTC, PagedOffice, StillClock, order_rows

ORDERS = 10_000
PULL_FRAMES = 2000
SCROLL_FRAMES = 1200
ANSWERS = 120

Result = dict[str, float | list[float]]


def prepare(folder: Path) -> Result:
    """Make a store of 10,000 orders by pulling them."""
    from field_app.tablet import open_tablet  # noqa: PLC0415 - each scene imports what it measures

    _enrol(folder)
    office = PagedOffice(order_rows(ORDERS))
    tablet = open_tablet(folder, StillClock(), connect=lambda _identity: office)
    began_s = time.perf_counter()
    tablet.sync_now()
    took_s = time.perf_counter() - began_s
    tablet.close()
    return {"pull_s": took_s}


def _enrol(folder: Path) -> None:
    from field_app.store.identity_io import Identity, save_identity  # noqa: PLC0415 - as above
    from wire_contracts.enrolment import TabletPerson  # noqa: PLC0415 - as above

    person = TabletPerson(account_id="li-wei", name="李伟", role="crew", language="zh_CN")
    folder.mkdir(parents=True, exist_ok=True)
    identity = Identity(
        server_url="http://127.0.0.1:9",
        tablet_id="tablet-1",
        token="secret",  # noqa: S106 - nobody listens
        expires_at_utc=NOW_UTC + timedelta(days=90),
        crew_id="crew-3",
        people=(person,),
        actor="li-wei",
    )
    save_identity(folder, identity)


def start(folder: Path) -> Result:
    """Start the app as a person does, with software GL; return first frame and first list.

    Seconds count from the start of the process; `cpu` is what the screen's thread worked for it.
    """
    began_s = float(os.environ["LAMP_STARTED_S"])
    os.environ |= {"KIVY_DPI": "160", "KIVY_METRICS_DENSITY": "1", "KIVY_NO_CONFIG": "1"}
    from field_app import __main__ as command  # noqa: PLC0415 - as a person starts it
    from field_app.ui import first_frame_io  # noqa: PLC0415 - light

    found: Result = {}
    show = first_frame_io.show_first_frame

    def watched(folder: Path) -> None:
        from kivy.config import Config  # noqa: PLC0415 - before the window

        for key, value in (("width", 800), ("height", 1280), ("multisamples", 0)):
            Config.set("graphics", key, str(value))
        show(folder)
        found["first_frame_s"] = time.time() - began_s
        found["first_frame_cpu_s"] = time.thread_time()
        _watch_list(began_s, found)

    first_frame_io.show_first_frame = watched
    command.main(["--data", str(folder)])
    return found


def _watch_list(began_s: float, found: Result) -> None:
    """Note the first frame on which an order of the list is drawn, and end the app."""
    from kivy.app import App  # noqa: PLC0415 - after the window
    from kivy.core.window import Window  # noqa: PLC0415 - as above

    def flipped(*_: object) -> None:
        app = App.get_running_app()
        navigator = getattr(app, "navigator", None)
        rows = () if navigator is None else navigator.orders.ids.rows.children[0].children
        if "list_s" not in found and any(row.row.number for row in rows):
            found["list_s"] = time.time() - began_s
            found["list_cpu_s"] = time.thread_time()
            app.stop()

    Window.bind(on_flip=flipped)


def _open(folder: Path, office: PagedOffice | None = None) -> tuple[object, object]:
    """Return app and tablet without GL, with the first list drawn."""
    from benchmarks.tablet_window import prepare_mock  # noqa: PLC0415 - before Kivy

    prepare_mock(folder / "kivy")
    from kivy.base import runTouchApp  # noqa: PLC0415 - after the window

    from field_app.app import make_app  # noqa: PLC0415 - imports Kivy
    from field_app.config import TabletConfig  # noqa: PLC0415 - as above
    from field_app.interpreter_io import settle_interpreter  # noqa: PLC0415 - as above
    from field_app.tablet import open_tablet  # noqa: PLC0415 - as above

    settle_interpreter()
    answering = office or PagedOffice([])
    tablet = open_tablet(folder, StillClock(), connect=lambda _identity: answering)
    config = TabletConfig(data=folder, language="zh_CN", timezone="Asia/Shanghai")
    app = make_app(tablet, config, StillClock())
    app._run_prepare()  # noqa: SLF001 - the loop is ours, frame by frame
    runTouchApp(embedded=True)
    return app, tablet


def scroll(folder: Path) -> Result:
    """Scroll through 10,000 orders; return what each frame took and the memory afterwards."""
    from benchmarks.tablet_window import Frames  # noqa: PLC0415 - imports Kivy

    app, tablet = _open(folder)
    frames = Frames()
    rows = app.navigator.orders.ids.rows  # type: ignore[attr-defined]  # it is a Kivy app
    frames.until(lambda: bool(rows.data) and not app.jobs)  # type: ignore[attr-defined]  # as above
    took: list[float] = []
    frames.worked_s.clear()
    for _ in range(SCROLL_FRAMES):
        travel = max(rows.children[0].height - rows.height, 1)
        rows.scroll_y = max(rows.scroll_y - 30 / travel, 0.0)
        took.append(frames.one())
    found: Result = {
        "frames_ms": [1000 * each for each in took],
        "worked_ms": [1000 * each for each in frames.worked_s],
        "rss_mb": _rss_mb(),
    }
    tablet.close()  # type: ignore[attr-defined]  # it is the tablet
    return found


def pull(folder: Path) -> Result:
    """Pull 10,000 orders while the list is shown; return what each frame took."""
    from benchmarks.tablet_window import Frames  # noqa: PLC0415 - imports Kivy

    _enrol(folder)
    app, tablet = _open(folder, PagedOffice(order_rows(ORDERS)))
    frames = Frames()
    for _ in range(60):
        frames.one()
    gc.collect()
    is_over = threading.Event()
    pulling = threading.Thread(target=_pull_again_and_again, args=(tablet, is_over))
    pulling.start()
    frames.worked_s.clear()
    took = [frames.one() for _ in range(PULL_FRAMES)]
    worked = list(frames.worked_s)
    is_over.set()
    pulling.join()
    frames.until(lambda: not app.jobs)  # type: ignore[attr-defined]  # as above
    rows = app.navigator.orders.view.total_count  # type: ignore[attr-defined]  # it is a Kivy app
    tablet.close()  # type: ignore[attr-defined]  # it is the tablet
    return {
        "frames_ms": [1000 * each for each in took],
        "worked_ms": [1000 * each for each in worked],
        "orders": float(rows),
    }


def _pull_again_and_again(tablet: object, is_over: threading.Event) -> None:
    """Pull everything, forget how far that was, pull again: every frame lies inside a pull."""
    from field_app.store import settings_store  # noqa: PLC0415 - as above
    from field_app.store.settings_store import Key  # noqa: PLC0415 - as above

    while not is_over.is_set():
        tablet.sync_now()  # type: ignore[attr-defined]  # it is the tablet
        tablet.database.write(  # type: ignore[attr-defined]  # as above
            lambda connection: settings_store.save(connection, Key.PULL_TOKEN, None)
        )


def save(folder: Path) -> Result:
    """Answer a form on the screen; return tap to durable, and what the frames took meanwhile."""
    from benchmarks.tablet_window import Frames  # noqa: PLC0415 - imports Kivy

    app, tablet = _open(folder)
    frames = Frames()
    navigator = app.navigator  # type: ignore[attr-defined]  # it is a Kivy app
    frames.until(lambda: bool(navigator.orders.view.rows) and not app.jobs)  # type: ignore[attr-defined]  # as above
    order_id = navigator.orders.view.rows[0].order_id
    desk = tablet.desk  # type: ignore[attr-defined]  # it is the tablet
    durable: list[float] = []
    keep = desk.save_answers

    def timed(*arguments: object) -> object:
        kept = keep(*arguments)
        durable.append(time.perf_counter())
        return kept

    desk.save_answers = timed
    navigator.open_order(order_id)
    frames.until(lambda: not app.jobs)  # type: ignore[attr-defined]  # as above
    navigator.open_finding()
    frames.until(lambda: not app.jobs)  # type: ignore[attr-defined]  # as above
    waits, took = [], []
    frames.worked_s.clear()
    for number in range(ANSWERS):
        seen = len(durable)
        tapped_s = time.perf_counter()
        navigator.finding.presenter.choose_result(("leak", "normal")[number % 2])
        took += frames.until(lambda seen=seen: len(durable) > seen)  # type: ignore[misc]  # bound now
        waits.append(durable[-1] - tapped_s)
        took += frames.until(lambda: not app.jobs)  # type: ignore[attr-defined]  # as above
    tablet.close()  # type: ignore[attr-defined]  # it is the tablet
    return {
        "durable_ms": [1000 * each for each in waits],
        "frames_ms": [1000 * each for each in took],
        "worked_ms": [1000 * each for each in frames.worked_s],
    }


def _rss_mb() -> float:
    """Return the resident memory of this process in MB (/proc/self/statm counts pages)."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


SCENES: Mapping[str, Callable[[Path], Result]] = {
    "prepare": prepare,
    "start": start,
    "scroll": scroll,
    "pull": pull,
    "save": save,
}

if __name__ == "__main__":
    print("RESULT " + json.dumps(SCENES[sys.argv[1]](Path(sys.argv[2]))), flush=True)
    os._exit(0)
