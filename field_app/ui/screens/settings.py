# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Draws the settings of the person at the tablet: language, theme, size of the text."""

from kivy.properties import ListProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout


class SettingsScreen(BoxLayout):
    """The settings; every choice works at once."""

    crew_text = StringProperty("")
    about = ListProperty([])
