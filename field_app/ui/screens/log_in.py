# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Draws the PIN page: who is working, and the pad."""

from dataclasses import replace

from kivy.properties import NumericProperty, ObjectProperty
from kivy.uix.boxlayout import BoxLayout

from field_app.presenters.alarm import QUIET
from field_app.presenters.views import AlarmView, LogInView
from field_app.ui.blanks import BLANK_LOG_IN
from field_app.ui.widgets.basics import KEY_BOUNCE_S, Tap


class PinKey(Tap):
    """One key of the pad; its `hint` is the digit, and what bounces off a glove is one."""

    bounce_s = NumericProperty(KEY_BOUNCE_S)


class LogInScreen(BoxLayout):
    """The PIN page; what is typed is kept by the presenter alone.

    Who is in danger needs no PIN: the watch is answered and help is called from here, too.
    """

    presenter = ObjectProperty(None, allownone=True)
    view = ObjectProperty(BLANK_LOG_IN, rebind=True)
    alarm = ObjectProperty(QUIET, rebind=True)
    alarm_answered = ObjectProperty(None, allownone=True)
    help_wanted = ObjectProperty(None, allownone=True)

    def show(self, view: LogInView) -> None:
        """Draw the view."""
        self.view = view

    def show_alarm(self, alarm: AlarmView) -> None:
        """Draw what must be answered; of an order no more than that it waits."""
        if alarm.order_id:
            alarm = replace(alarm, detail="", answer_text="")
        self.alarm = alarm

    def open_alarm(self, order_id: str) -> None:
        """Open the page of help; an order waits for the PIN."""
        if not order_id:
            self.help_wanted()

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
