# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Draws the settings of the person at the tablet: language, theme, size of the text."""

from kivy.properties import ListProperty, ObjectProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout


class SettingsScreen(BoxLayout):
    """The settings; every choice works at once."""

    presenter = ObjectProperty(None, allownone=True)
    crew_text = StringProperty("")
    people = ListProperty([])
    about = ListProperty([])

    def choose_person(self, account_id: str) -> None:
        """Report who is working from now on."""
        self.presenter.choose_person(account_id)
