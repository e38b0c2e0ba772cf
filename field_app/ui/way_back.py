"""Keeps where the screens stand, and leads back there after a kill or a lock."""

from typing import TYPE_CHECKING

from field_app.ui.kept_place import KeptPlace, parse_kept

if TYPE_CHECKING:
    from field_app.ui.navigator import Navigator
    from field_app.ui.places import Presenters

FINDING = "finding"
"""The tool of a kept place that is the form of the finding."""

_ANYWHERE = frozenset({"help", "shift"})
"""Sheets that are about no order."""


def _nothing(_answer: None) -> None:
    return


class WayBack:
    """The way back of one navigator."""

    def __init__(self, navigator: "Navigator", presenters: "Presenters") -> None:
        """Keep nothing before `begin`."""
        self._navigator = navigator
        self._presenters = presenters
        self._kept = ""
        self._is_restored = False
        self._interrupted = ""

    def begin(self) -> None:
        """Go where the app stood when it was ended from outside, and keep every place from then."""
        self._presenters.worker.run(self._presenters.kept_place, self._restore)

    def note(self) -> None:
        """Keep where the screens stand: the machine may end the app without another word."""
        at = self._navigator
        order_id = at.order_id if at.place == "orders" else ""
        where = KeptPlace(place=at.place, order_id=order_id, tool=at.tool).text()
        if not self._is_restored or at.asks_pin or where == self._kept:
            return
        self._kept = where
        self._presenters.worker.run(lambda: self._presenters.keep_place(where), _nothing)

    def forget(self) -> None:
        """Keep no place: the app ends by itself, and begins with the list again."""
        self._is_restored = False
        self._presenters.keep_place("")

    def interrupt(self) -> None:
        """Remember where somebody stood whom the lock sends away."""
        self._interrupted = self._kept

    def resume(self) -> None:
        """Go where the lock interrupted."""
        interrupted, self._interrupted = self._interrupted, ""
        self._restore(interrupted)

    def _restore(self, where: str) -> None:
        """Go back to where the screens stood when the app was ended, or the tablet locked."""
        self._is_restored = True
        kept = parse_kept(where)
        if self._navigator.asks_pin:
            self._interrupted = where
        elif kept.place and not self._navigator.needs_enrolment:
            self._go_back_to(kept)

    def _go_back_to(self, kept: KeptPlace) -> None:
        at, place, order_id, tool = self._navigator, kept.place, kept.order_id, kept.tool
        if order_id:
            at.open_order(order_id)
        elif place in {"sync", "me"} or place in self._presenters.places:
            at.go(place)
        if tool == FINDING:
            at.open_finding()
        elif tool in _ANYWHERE:
            at.tools.open_sheet(tool)
        elif tool and order_id:
            at.tools.open_when_named(tool)
        elif tool:
            at.open_at(place, tool)
