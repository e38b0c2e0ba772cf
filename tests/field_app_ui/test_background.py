"""The thread behind the screens: what was tapped goes before what waits to be read."""

import threading
from collections.abc import Callable

from tests.field_app_ui import kivy_harness as harness  # isort: skip - before anything from kivy
from field_app.ui.background import ScreenWorker

PATIENCE_S = 10.0


def _nothing(_answer: None) -> None:
    return


def test_a_tap_does_not_stand_behind_lists_that_wait_to_be_read() -> None:
    assert harness.MODE
    worker, may_go, order = ScreenWorker(), threading.Event(), list[str]()

    def work(name: str) -> Callable[[], None]:
        return lambda: order.append(name)

    worker.run(lambda: may_go.wait(PATIENCE_S), lambda _was_set: None)
    worker.run(work("list"), _nothing)
    worker.keep(work("first tap"), _nothing)
    worker.run(work("page"), _nothing)
    worker.keep(work("second tap"), _nothing)
    may_go.set()
    worker.close()

    assert order == ["first tap", "second tap", "list", "page"]


def test_nothing_is_begun_after_the_screens_are_gone() -> None:
    worker, done = ScreenWorker(), list[str]()
    worker.close()
    worker.run(lambda: done.append("late"), _nothing)

    assert (done, worker.jobs) == ([], 0)
