# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Draws where the tablet's words stand: overall, what waits, what needs eyes."""

from collections.abc import Callable

from kivy.properties import ObjectProperty
from kivy.uix.boxlayout import BoxLayout

from field_app.presenters.views import LabelledText, SyncView
from field_app.ui.blanks import BLANK_SYNC

MOST_WAITING_SHOWN = 60
"""Rows drawn at once; the number above says how many there are."""


class SyncScreen(BoxLayout):
    """The sync page."""

    presenter = ObjectProperty(None, allownone=True)
    view = ObjectProperty(BLANK_SYNC, rebind=True)

    def show(self, view: SyncView) -> None:
        """Draw the view."""
        self.view = view

    def sync_now(self) -> None:
        """Try now."""
        self.presenter.sync_now()

    def set_online(self, *, is_online: bool) -> None:
        """Switch the conversation with the server on or off by hand."""
        self.presenter.set_online(is_online)

    def seen(self, op_id: str) -> None:
        """Report that the crew has seen an item."""
        self.presenter.mark_seen(op_id)

    def try_again(self) -> None:
        """Offer again what the server could not read."""
        self.presenter.try_held_again()


def state_details(view: SyncView, t: Callable[[str], str], _language: str) -> list[LabelledText]:
    """Return the lines under the overall state that have something to say."""
    lines = (
        (t("last contact {time}").format(time=view.last_contact_text), "contact"),
        (t("oldest {duration}").format(duration=view.oldest_text), "time"),
        (t("reason: {reason}").format(reason=view.reason_text), "reason"),
        (view.next_try_text, "next"),
    )
    has_words = (view.last_contact_text, view.oldest_text, view.reason_text, view.next_try_text)
    return [
        LabelledText(label="", text=text[:1].upper() + text[1:], icon=icon)
        for (text, icon), is_told in zip(lines, has_words, strict=True)
        if is_told
    ]
