# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Decides which screen is shown, and what the back key does."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from kivy.uix.widget import Widget

from field_app.presenters.views import (
    AlarmView,
    EnrolView,
    LabelledText,
    LogInView,
    OrdersView,
    PinStep,
    SyncView,
)
from field_app.ui.pages import Pages
from field_app.ui.panes import Panes
from field_app.ui.places import ROUNDS_PLACE, PlaceScreen, Presenters
from field_app.ui.screens.orders import OrdersScreen
from field_app.ui.screens.shell import Shell, drop_focus
from field_app.ui.tools import Tools
from field_app.ui.way_back import FINDING, WayBack

if TYPE_CHECKING:
    from field_app.ui.later_screens import LaterScreens
    from field_app.ui.screens.enrol import EnrolScreen
    from field_app.ui.screens.finding import FindingScreen
    from field_app.ui.screens.log_in import LogInScreen
    from field_app.ui.screens.order import OrderScreen
    from field_app.ui.screens.settings import SettingsScreen
    from field_app.ui.screens.sync_page import SyncScreen

TWO_PANES_DP = 1000
"""Width from which list and order stand side by side."""


class Navigator:
    """Owns the screens; `frame` is what the window shows.

    Screens are made on their first visit and kept. `place` is where the navigation stands,
    `order_id` the order that is open, `is_finding` whether its form is.
    """

    def __init__(self, presenters: Presenters) -> None:
        """Start on the list of orders, in one pane."""
        self.place = "orders"
        self.order_id = ""
        self.is_finding = False
        self.is_wide = False
        self._presenters = presenters
        self.tools = Tools(self, presenters)
        self.shell = Shell(
            went=self.go,
            help_wanted=self.tools.open_help,
            alarm_answered=presenters.alarm.answer,
            alarm_opened=self._open_alarm,
        )
        self.orders = OrdersScreen(presenter=presenters.orders, opened=self.open_order)
        self._about: list[LabelledText] = []
        self._crew_text = ""
        self._was_enrolled = self._was_asking = False
        self._panes = Panes(self)
        self.frame = self._panes.frame
        self._made: dict[str, PlaceScreen] = {}
        self._pages = Pages()
        self._openers: dict[str, Callable[[str], None]] = {}
        self._way_back = WayBack(self, presenters)
        self._listed: Callable[[], None] | None = None

    @cached_property
    def later(self) -> LaterScreens:
        """Return the other screens; what they are made of is imported when one is wanted."""
        from field_app.ui.later_screens import LaterScreens  # noqa: PLC0415 - after the first list

        later = LaterScreens(self, self._presenters)
        later.describe(self._about, self._crew_text)
        return later

    def prepare_screens(self) -> None:
        """Import what the other screens are made of, before somebody waits for one."""
        self.later.is_made("")

    @property
    def order(self) -> OrderScreen:
        """Return the screen of an order."""
        return self.later.order

    @property
    def finding(self) -> FindingScreen:
        """Return the screen of the finding."""
        return self.later.finding

    @property
    def sync(self) -> SyncScreen:
        """Return the screen of the sync."""
        return self.later.sync

    @property
    def settings(self) -> SettingsScreen:
        """Return the screen of the settings."""
        return self.later.settings

    @property
    def log_in(self) -> LogInScreen:
        """Return the screen of the PIN."""
        return self.later.log_in

    @property
    def enrol(self) -> EnrolScreen:
        """Return the screen of the first start."""
        return self.later.enrol

    def _is_made(self, name: str) -> bool:
        """Return whether a screen that is made when it is wanted has been."""
        return "later" in vars(self) and self.later.is_made(name)

    @staticmethod
    def _show_person(screen: SettingsScreen, view: LogInView) -> None:
        screen.log_in, screen.people = view, view.people

    def start(self, listed: Callable[[], None]) -> None:
        """Ask for the list; `listed` is called once it is there. The first start enrols."""
        self._listed = listed
        self._presenters.enrol.attach(self._show_enrol)
        self._presenters.log_in.attach(self._show_log_in, self._another_works)
        self._presenters.sync.attach(self._show_sync)
        self._presenters.orders.attach(self._show_orders)
        self.arrange()

    def start_rest(self) -> None:
        """Ask for alarms, and go where the app stood when it was ended from outside."""
        self._presenters.alarm.attach(self._show_alarm)
        self._way_back.begin()

    def _show_enrol(self, view: EnrolView) -> None:
        was_enrolling = not self._was_enrolled or self._asks_who()
        self._was_enrolled = view.is_enrolled
        if self._is_made("enrol") or not view.is_enrolled:
            self.enrol.show(view)
        if was_enrolling and not self.needs_enrolment:
            self.refresh()
        self.arrange()

    def _show_log_in(self, view: LogInView) -> None:
        was_asking, self._was_asking = self._was_asking, self.asks_pin
        if self._is_made("log_in"):
            self.log_in.show(view)
        if self._is_made("settings"):
            self._show_person(self.settings, view)
        if self.asks_pin and not was_asking:
            self._way_back.interrupt()
            self._close_pages()
            self._leave_finding()
        self.arrange()

    def _another_works(self) -> None:
        self._close_pages()
        self._leave_finding()
        self._leave_order()
        self.refresh()
        self.arrange()
        self._way_back.resume()

    @property
    def asks_pin(self) -> bool:
        """Return whether the PIN page stands before everything else."""
        return self._presenters.log_in.view.step is not PinStep.OFF

    def touch(self) -> None:
        """Note that somebody is at the tablet."""
        self._presenters.log_in.touch()

    def tick(self) -> None:
        """Let time pass: due times are written anew, a tablet that lies about locks itself."""
        self._presenters.log_in.tick()
        self.refresh()

    @property
    def page(self) -> PlaceScreen | None:
        """Return the page on top of the place, None when there is none."""
        return self._pages.top

    def let_open(self, place: str, opener: Callable[[str], None]) -> None:
        """Let the pages of a place be opened by their keys, also after the app was killed."""
        self._openers[place] = opener

    def open_at(self, place: str, key: str) -> None:
        """Open a page of a place by its key, where the place lets its pages be opened."""
        if place in self._openers:
            self._openers[place](key)

    @property
    def tool(self) -> str:
        """Return by what the tool or page on top is opened again, empty for none."""
        if self._pages:
            return self.tools.key or self._pages.key
        return FINDING if self.is_finding else ""

    def open_page(self, page: PlaceScreen, key: str = "") -> None:
        """Show a page on top of what is shown: back, or `close_page`, leads back to it.

        `key` is by what the place opens it again.
        """
        self._pages.open(page, key)
        self.arrange()

    def close_page(self) -> None:
        """Leave the page on top; what is below it is read again."""
        if self._pages.close():
            self.tools.key = ""
            self.refresh()
            self.arrange()

    def _close_pages(self) -> None:
        self._pages.close_all()
        self.tools.key = ""

    def place_screen(self, key: str) -> PlaceScreen:
        """Return the screen of a further place, made at its first visit."""
        if key not in self._made:
            self.prepare_screens()
            self._made[key] = self._presenters.places[key](self)
        return self._made[key]

    def _visited(self) -> PlaceScreen | None:
        return self._made.get(self.place)

    def leave_enrolment(self) -> None:
        """Go on to the list: it has been said who works."""
        self.refresh()
        self.arrange()

    def _show_sync(self, view: SyncView) -> None:
        self.shell.sync = view
        if self._is_made("sync"):
            self.sync.show(view)

    def _show_orders(self, view: OrdersView) -> None:
        self.shell.crew_text = self._crew_text = view.crew_text
        self._tell_settings()
        self.orders.show(view)
        self._panes.tell(has_orders=bool(view.rows))
        if self._listed is not None and not view.is_busy:
            listed, self._listed = self._listed, None
            listed()

    def _show_alarm(self, view: AlarmView) -> None:
        self.shell.alarm = view
        if self._is_made("log_in"):
            self.log_in.show_alarm(view)

    def _open_alarm(self, order_id: str) -> None:
        """Open what calls: to look is to have seen it; a watch opens the page of help."""
        if order_id:
            self._presenters.alarm.answer()
            self.open_order(order_id)
        else:
            self.tools.open_help()

    def describe(self, about: list[LabelledText]) -> None:
        """Show what the settings page says about this tablet."""
        self._about = about
        self._tell_settings()

    def _tell_settings(self) -> None:
        if "later" in vars(self):
            self.later.describe(self._about, self._crew_text)

    @property
    def needs_enrolment(self) -> bool:
        """Return whether the tablet must be made known, or has just been and asks who works."""
        return not self._presenters.enrol.view.is_enrolled or self._asks_who()

    def _asks_who(self) -> bool:
        return self._is_made("enrol") and bool(self.enrol.asks_who)

    def set_wide(self, *, is_wide: bool) -> None:
        """Show list and order side by side, or one of them."""
        if is_wide != self.is_wide:
            self.is_wide = is_wide
            self.arrange()

    def go(self, place: str) -> None:
        """Go to a place of the navigation."""
        self._close_pages()
        self._leave_finding()
        if place == "orders" and self.place == "orders":
            self._leave_order()
        self._move_to(place)
        self.arrange()

    def _move_to(self, place: str) -> None:
        before = self._visited()
        if before is not None and place != self.place:
            before.leave()
        self.place = place
        if place in self._presenters.places:
            self.place_screen(place).begin()

    def open_order(self, order_id: str) -> None:
        """Open an order from the list."""
        self._close_pages()
        if self.place != "orders":
            self._move_to("orders")
        if order_id == self.order_id and not self.is_finding:
            self.arrange()
            return
        self._leave_finding()
        self._leave_order()
        self.order_id = order_id
        presenter = self._presenters.order(order_id)
        self.order.presenter = presenter
        self.order.to_top()
        presenter.attach(self.tools.show_order)
        self.arrange()

    def open_from_map(self, key: str) -> None:
        """Open what was tapped on the map: an order, or a page of rounds."""
        from field_app.presenters.map_views import ROUND  # noqa: PLC0415 - after the first list

        if not key.startswith(ROUND):
            self.open_order(key)
            return
        self.go(ROUNDS_PLACE)
        page = key.removeprefix(ROUND)
        if page:
            self._openers[ROUNDS_PLACE](page)

    def open_finding(self) -> None:
        """Open the form of the order that is open."""
        presenter = self._presenters.finding(self.order_id)
        self.finding.presenter = presenter
        self.finding.begin()
        self.is_finding = True
        presenter.attach(self.finding.show)
        self.arrange()

    def leave_finished_finding(self) -> None:
        """Go back to the order: its finding is sealed."""
        self._leave_finding()
        self.refresh()
        self.arrange()

    def _leave_finding(self) -> None:
        if self.is_finding:
            drop_focus(self.finding)
            self.is_finding = False
            self.finding.presenter.flush()
            self.finding.presenter.detach()
            self.finding.presenter = None

    def _leave_order(self) -> None:
        self.tools.await_none()
        if self.order_id:
            self.order_id = ""
            self.order.presenter.detach()

    def back(self) -> bool:
        """Go one step back; False when there is none, so that the app may be left."""
        if self.needs_enrolment:
            return False
        if self.asks_pin and self.page is None:
            self._presenters.log_in.cancel()
            return self._presenters.log_in.view.step is not PinStep.WHO
        if self.page is not None:
            if not self.page.back():
                self.close_page()
            return True
        return self._back_from_place()

    def _back_from_place(self) -> bool:
        if self.is_finding:
            self._leave_finding()
            self.order.presenter.refresh()
        elif self.place != "orders":
            screen = self._visited()
            if screen is None or not screen.back():
                self._move_to("orders")
        elif self.order_id and not self.is_wide:
            self._leave_order()
        else:
            return False
        self.arrange()
        return True

    def save(self) -> None:
        """Keep at once what was typed: the app may not come back (RULINGS R5)."""
        if self.is_finding:
            self.finding.presenter.flush()
        self._pages.save()
        if (screen := self._visited()) is not None:
            screen.save()

    def refresh(self) -> None:
        """Read everything that is shown again."""
        self._presenters.sync.refresh()
        self._presenters.orders.refresh()
        self._presenters.log_in.refresh()
        self._presenters.enrol.refresh()
        self._presenters.alarm.refresh()
        if self.order_id:
            self.order.presenter.refresh()
        if self.is_finding:
            self.finding.presenter.refresh()
        for screen in (self.page, self._visited()):
            if screen is not None:
                screen.refresh()

    def arrange(self) -> None:
        """Put the screens of this moment into the window."""
        self._panes.arrange()
        self._way_back.note()

    def forget_place(self) -> None:
        """Keep no place: the app ends by itself, and begins with the list again."""
        self._way_back.forget()

    def place_pane(self) -> Widget:
        """Return the screen of the place, which is not the list."""
        if self.place in self._presenters.places:
            return self.place_screen(self.place)
        return self.sync if self.place == "sync" else self.settings
