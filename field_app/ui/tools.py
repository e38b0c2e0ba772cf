"""Opens what lies on top of a place: the tools of an order, forms of the office, sheets."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from field_app.presenters.form import FormRequest
    from field_app.presenters.views import OrderView
    from field_app.ui.navigator import Navigator
    from field_app.ui.places import Presenters


class Tools:
    """The tools of one navigator; `key` is that of the one that was opened last."""

    def __init__(self, navigator: "Navigator", presenters: "Presenters") -> None:
        """Begin without any."""
        self._navigator = navigator
        self._presenters = presenters
        self._waiting = ""
        self.key = ""

    def open(self, key: str) -> None:
        """Open a tool of the order that is open."""
        at = self._navigator
        self.key = key
        if key == "signature":
            at.open_page(at.later.signature(at.order_id))
            return
        if key == "photos":
            at.open_page(at.later.photos(at.order_id))
            return
        request = at.later.form_request(key, at.order_id, at.order.view)
        if request is None:
            self.open_sheet(key, at.order_id)
        else:
            self.open_form(request)

    def open_when_named(self, key: str) -> None:
        """Open a tool of the order; one that names it when its number has been read."""
        at = self._navigator
        if at.later.names_order(key):
            self._waiting = key
            self.show_order(at.order.view)
        else:
            self.open(key)

    def show_order(self, view: "OrderView") -> None:
        """Show an order; what waits for its number is opened with it."""
        at = self._navigator
        at.order.show(view)
        if view.is_busy or not self._waiting:
            return
        key, self._waiting = self._waiting, ""
        if view.number and at.page is None and not at.is_finding:
            self.open(key)

    def await_none(self) -> None:
        """Let nothing wait any more: its order is left."""
        self._waiting = ""

    def open_form(self, request: "FormRequest") -> None:
        """Open a form of the office on top of what is shown."""
        if self._presenters.form is not None:
            self._navigator.open_page(self._presenters.form(self._navigator, request))

    def open_help(self) -> None:
        """Open the page of help."""
        self.open_sheet("help")

    def open_shift(self) -> None:
        """Open the numbers of the shift."""
        self.open_sheet("shift")

    def open_sheet(self, key: str, order_id: str = "") -> None:
        """Open a sheet by its key: of an order, or of none."""
        self.key = key
        self._navigator.open_page(self._navigator.later.sheet(key, order_id, self._follow))

    def _follow(self, page: str) -> None:
        """Go where a tap on a sheet leads."""
        self._navigator.close_page()
        if page == "finding":
            self._navigator.open_finding()
        else:
            self.open(page)
