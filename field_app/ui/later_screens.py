# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Makes the screens that are not the list of orders, each at its first visit."""

from collections.abc import Callable
from functools import cached_property, partial
from typing import TYPE_CHECKING

from field_app.photos.glass_io import HeldStrokes
from field_app.presenters.form import FormRequest
from field_app.presenters.form_tools import order_form
from field_app.presenters.views import LabelledText, OrderView
from field_app.ui.rules_io import load_rules
from field_app.ui.screens.enrol import EnrolScreen
from field_app.ui.screens.finding import FindingScreen
from field_app.ui.screens.log_in import LogInScreen
from field_app.ui.screens.order import OrderScreen
from field_app.ui.screens.photos import PhotosScreen
from field_app.ui.screens.settings import SettingsScreen
from field_app.ui.screens.sheet import SheetScreen
from field_app.ui.screens.signing import SigningScreen
from field_app.ui.screens.sync_page import SyncScreen

if TYPE_CHECKING:
    from field_app.ui.navigator import Navigator
    from field_app.ui.places import Presenters


class LaterScreens:
    """The screens of one navigator; importing this module and making one takes 0.2 s."""

    def __init__(self, navigator: "Navigator", presenters: "Presenters") -> None:
        """Load what these screens are drawn with."""
        load_rules()
        self._navigator = navigator
        self._presenters = presenters
        self._glasses: dict[str, HeldStrokes] = {}
        self._about: list[LabelledText] = []
        self._crew_text = ""

    def is_made(self, name: str) -> bool:
        """Return whether a screen has been wanted."""
        return name in vars(self)

    @cached_property
    def order(self) -> OrderScreen:
        """Return the screen of an order."""
        return OrderScreen(
            closed=self._navigator.back,
            finding_wanted=self._navigator.open_finding,
            tool_wanted=self._navigator.tools.open,
        )

    @cached_property
    def finding(self) -> FindingScreen:
        """Return the screen of the finding."""
        return FindingScreen(
            closed=self._navigator.back, finished=self._navigator.leave_finished_finding
        )

    @cached_property
    def sync(self) -> SyncScreen:
        """Return the screen of the sync."""
        screen = SyncScreen(presenter=self._presenters.sync)
        screen.show(self._presenters.sync.view)
        return screen

    @cached_property
    def settings(self) -> SettingsScreen:
        """Return the screen of the settings."""
        screen = SettingsScreen(
            presenter=self._presenters.log_in, shift_wanted=self._navigator.tools.open_shift
        )
        screen.about, screen.crew_text = self._about, self._crew_text
        view = self._presenters.log_in.view
        screen.log_in, screen.people = view, view.people
        return screen

    def describe(self, about: list[LabelledText], crew_text: str) -> None:
        """Let the settings say this of the tablet, now or when they are made."""
        self._about, self._crew_text = about, crew_text
        if self.is_made("settings"):
            self.settings.about, self.settings.crew_text = about, crew_text

    @cached_property
    def log_in(self) -> LogInScreen:
        """Return the screen of the PIN."""
        screen = LogInScreen(
            presenter=self._presenters.log_in,
            alarm_answered=self._presenters.alarm.answer,
            help_wanted=self._navigator.tools.open_help,
        )
        screen.show(self._presenters.log_in.view)
        screen.show_alarm(self._presenters.alarm.view)
        return screen

    @cached_property
    def enrol(self) -> EnrolScreen:
        """Return the screen of the first start."""
        screen = EnrolScreen(presenter=self._presenters.enrol, done=self._navigator.leave_enrolment)
        screen.show(self._presenters.enrol.view)
        return screen

    def photos(self, order_id: str) -> PhotosScreen:
        """Return the photos of an order."""
        return PhotosScreen(
            presenter=self._presenters.album(order_id),
            number=self.order.view.number,
            closed=self._navigator.close_page,
            secure=partial(self._navigator.go, "me"),
        )

    def signature(self, order_id: str) -> SigningScreen:
        """Return the pad on which the customer of an order signs."""
        words, sign = self._presenters.words, self._presenters.sign
        return SigningScreen(
            title=f"{words('Signature')}  ·  {self.order.view.number}",
            statement=words("The work was done in my presence."),
            signed=lambda png: sign(order_id, png),
            keeps=self._presenters.keeps_photos,
            glass=self._glasses.setdefault(order_id, HeldStrokes()),
            kept=self._presenters.glass(order_id),
            secure=partial(self._navigator.go, "me"),
            worker=self._presenters.worker,
            closed=self._navigator.close_page,
        )

    def sheet(self, key: str, order_id: str, opened: Callable[[str], None]) -> SheetScreen:
        """Return a sheet by its key."""
        return SheetScreen(
            presenter=self._presenters.sheet(key, order_id),
            closed=self._navigator.close_page,
            opened=opened,
        )

    @staticmethod
    def names_order(key: str) -> bool:
        """Return whether a tool says for which order it is: a customer signs under its number."""
        return key in {"signature", "photos"} or order_form(key, "", "") is not None

    @staticmethod
    def form_request(key: str, order_id: str, view: OrderView) -> FormRequest | None:
        """Return the form that a tool of an order opens; None when the tool is no form."""
        return order_form(key, order_id, f"{view.number}  ·  {view.address}")
