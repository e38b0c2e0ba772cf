# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Decides which page of a round follows which: routes, stops, homes, meters."""

from collections.abc import Callable
from functools import partial
from typing import Protocol

from field_app.photos.glass_io import HeldStrokes
from field_app.platform.ports import Stop, Tag
from field_app.presenters.form import FormRequest
from field_app.presenters.form_tools import FORM_TOOL
from field_app.presenters.home import HomePage
from field_app.presenters.meter import MeterPresenter
from field_app.presenters.point import PointPage
from field_app.presenters.round_list import RoundKind, RoundListPresenter
from field_app.presenters.round_parts import RoundParts
from field_app.presenters.rounds import RoundsPage
from field_app.presenters.run import RunPresenter
from field_app.presenters.run_end import RunEndPage
from field_app.presenters.sheet import SheetPresenter
from field_app.presenters.stop_gate import GATE, StopGatePage
from field_app.ui.navigator import Navigator
from field_app.ui.places import ROUNDS_PLACE, PlaceScreen
from field_app.ui.screens.meter_pad import MeterScreen
from field_app.ui.screens.round_list import RoundListScreen
from field_app.ui.screens.run import RunScreen
from field_app.ui.screens.sheet import SheetScreen
from field_app.ui.screens.signing import SigningScreen

UP = "<"
"""Where a page leads that ends the one below it as well."""


class Leading(Protocol):
    """A page that says what comes after it."""

    leads_to: str


class TaggedSheet(SheetScreen):
    """A sheet that hears NFC tags while it is shown."""

    def __init__(self, listen: Callable[[], Stop], **properties: object) -> None:
        """Hear with `listen`."""
        self._listen = listen
        self._stop: Stop | None = None
        super().__init__(**properties)

    def begin(self) -> None:  # type: ignore[explicit-override] # not in 3.11's typing
        """Show what is there, and hear."""
        super().begin()
        self._stop = self._listen()

    def leave(self) -> None:  # type: ignore[explicit-override] # not in 3.11's typing
        """Hear no more."""
        if self._stop is not None:
            self._stop()
            self._stop = None
        super().leave()


class RoundsPlace:
    """Opens the pages of rounds on top of the place; `screen` is the place itself."""

    def __init__(self, navigator: Navigator, parts: RoundParts) -> None:
        """Work in `navigator`."""
        self._navigator = navigator
        self._parts = parts
        self._glasses: dict[str, HeldStrokes] = {}
        self.screen = SheetScreen(
            presenter=SheetPresenter(RoundsPage(parts), parts.context),
            opened=self.open,
            closed=navigator.back,
            has_header=False,
        )
        navigator.let_open(ROUNDS_PLACE, self.open)

    def open(self, key: str) -> None:
        """Open a page by its key, such as `run:<id>`, `homes` or `meter:<id>`."""
        what, _, which = key.partition(":")
        makers: dict[str, Callable[[str], PlaceScreen]] = {
            "run": self._run,
            "stop": self._stop_of_run,
            "gate": self._gate_of_stop,
            "homes": lambda _which: self._list(RoundKind.HOME),
            "meters": lambda _which: self._list(RoundKind.METER),
            "home": self._home,
            "meter": self._meter,
            "sign": self._sign,
        }
        if what in makers:
            self._navigator.open_page(makers[what](which), key)

    def _run(self, run_id: str) -> PlaceScreen:
        presenter = RunPresenter(self._parts, run_id)
        opened = partial(self._open_in_run, run_id)
        return RunScreen(presenter=presenter, opened=opened, closed=self._navigator.close_page)

    def _stop_of_run(self, which: str) -> PlaceScreen:
        """Open a run, and return the page of one of its stops on top: `<run>/<checkpoint>`."""
        run_id, _, checkpoint_id = which.partition("/")
        self._navigator.open_page(self._run(run_id), f"run:{run_id}")
        return self._point(run_id, checkpoint_id)

    def _open_in_run(self, run_id: str, key: str) -> None:
        what, _, checkpoint_id = key.partition(":")
        if what == "end":
            self._navigator.open_page(self._end(run_id))
        else:
            page = self._point(run_id, checkpoint_id)
            self._navigator.open_page(page, f"stop:{run_id}/{checkpoint_id}")

    def _point(self, run_id: str, checkpoint_id: str) -> PlaceScreen:
        page = PointPage(self._parts, run_id, checkpoint_id)
        presenter = SheetPresenter(page, self._parts.context)
        reader = self._parts.hardware.tag_reader

        def hear(tag: Tag) -> None:
            page.hear(tag)

        return TaggedSheet(
            listen=lambda: reader.listen(hear),
            presenter=presenter,
            opened=partial(self._open_at_stop, page, f"{run_id}/{checkpoint_id}"),
            closed=self._navigator.close_page,
        )

    def _open_at_stop(self, page: PointPage, which: str, key: str) -> None:
        if key == GATE:
            self._navigator.open_page(self._gate(which), f"gate:{which}")
        else:
            self._open_form(page, key)

    def _gate_of_stop(self, which: str) -> PlaceScreen:
        """Open a run and a stop, and return its gate on top: `<run>/<checkpoint>`."""
        self._navigator.open_page(self._stop_of_run(which), f"stop:{which}")
        return self._gate(which)

    def _gate(self, which: str) -> PlaceScreen:
        run_id, _, checkpoint_id = which.partition("/")
        page = StopGatePage(self._parts, run_id, checkpoint_id)
        return SheetScreen(
            presenter=SheetPresenter(page, self._parts.context),
            closed=self._navigator.close_page,
        )

    def _end(self, run_id: str) -> PlaceScreen:
        page = RunEndPage(self._parts, run_id)
        return SheetScreen(
            presenter=SheetPresenter(page, self._parts.context),
            opened=partial(self._open_in_run, run_id),
            closed=partial(self._closed, page),
        )

    def _list(self, kind: RoundKind) -> PlaceScreen:
        presenter = RoundListPresenter(self._parts, kind)
        return RoundListScreen(
            presenter=presenter, opened=self.open, closed=self._navigator.close_page
        )

    def _home(self, household_id: str) -> PlaceScreen:
        page = HomePage(self._parts, household_id)
        return SheetScreen(
            presenter=SheetPresenter(page, self._parts.context),
            opened=partial(self._open_at_home, page),
            closed=partial(self._closed, page),
        )

    def _open_at_home(self, page: HomePage, key: str) -> None:
        if key.startswith(FORM_TOOL):
            self._open_form(page, key)
        else:
            self.open(key)

    def _open_form(self, page: PointPage | HomePage, key: str) -> None:
        """Open a form of the office for what the page is about."""
        form_id = key.removeprefix(FORM_TOOL)
        request = FormRequest(form_id=form_id, subject=page.subject, subject_text=page.place_text)
        self._navigator.tools.open_form(request)

    def _meter(self, meter_id: str) -> PlaceScreen:
        presenter = MeterPresenter(self._parts, meter_id)
        return MeterScreen(
            presenter=presenter,
            closed=self._navigator.close_page,
            done=partial(self._meter_done, presenter),
        )

    def _meter_done(self, presenter: MeterPresenter) -> None:
        self._navigator.close_page()
        if presenter.next_key:
            self.open(f"meter:{presenter.next_key}")

    def _sign(self, household_id: str) -> PlaceScreen:
        page = HomePage(self._parts, household_id)
        return SigningScreen(
            signed=page.signed,
            keeps=self._parts.photos.availability,
            glass=self._glasses.setdefault(household_id, HeldStrokes()),
            kept=page.glass(),
            secure=partial(self._navigator.go, "me"),
            worker=self._parts.context.worker,
            closed=self._navigator.close_page,
        )

    def _closed(self, page: Leading) -> None:
        """Leave a page; open what follows it, or leave the page below as well."""
        self._navigator.close_page()
        if page.leads_to == UP:
            self._navigator.close_page()
        elif page.leads_to:
            self.open(page.leads_to)


def make_rounds_place(parts: RoundParts) -> Callable[[Navigator], PlaceScreen]:
    """Return what makes the place of rounds at its first visit."""
    return lambda navigator: RoundsPlace(navigator, parts).screen
