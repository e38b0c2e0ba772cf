# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Draws the settings of the person at the tablet: language, theme, size of the text."""

from kivy.properties import ListProperty, ObjectProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout

from field_app.ui.blanks import BLANK_LOG_IN


class SettingsScreen(BoxLayout):
    """The settings; every choice works at once."""

    presenter = ObjectProperty(None, allownone=True)
    crew_text = StringProperty("")
    people = ListProperty([])
    about = ListProperty([])
    log_in = ObjectProperty(BLANK_LOG_IN, rebind=True)
    shift_wanted = ObjectProperty(None, allownone=True)

    def choose_person(self, account_id: str) -> None:
        """Report who wants to work from now on."""
        self.presenter.choose(account_id)

    def set_pin(self) -> None:
        """Report that the person at work wants a PIN."""
        self.presenter.begin_set_pin()

    def lock(self) -> None:
        """Report that the tablet shall be locked."""
        self.presenter.lock()
