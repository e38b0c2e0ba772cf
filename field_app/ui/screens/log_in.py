# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Draws the PIN page: who is working, and the pad."""

from kivy.properties import ObjectProperty
from kivy.uix.boxlayout import BoxLayout

from field_app.presenters.views import LogInView
from field_app.ui.blanks import BLANK_LOG_IN
from field_app.ui.widgets.basics import Tap


class PinKey(Tap):
    """One key of the pad; its `hint` is the digit."""


class LogInScreen(BoxLayout):
    """The PIN page; what is typed is kept by the presenter alone."""

    presenter = ObjectProperty(None, allownone=True)
    view = ObjectProperty(BLANK_LOG_IN, rebind=True)

    def show(self, view: LogInView) -> None:
        """Draw the view."""
        self.view = view

    def choose_person(self, account_id: str) -> None:
        """Report who wants to work."""
        self.presenter.choose(account_id)

    def press(self, digit: str) -> None:
        """Report a digit."""
        self.presenter.type_digit(digit)

    def rub_out(self) -> None:
        """Report that the last digit is taken back."""
        self.presenter.rub_out()

    def confirm(self) -> None:
        """Report that the PIN is complete."""
        self.presenter.confirm()

    def cancel(self) -> None:
        """Report that somebody else, or nobody, wants to work."""
        self.presenter.cancel()
