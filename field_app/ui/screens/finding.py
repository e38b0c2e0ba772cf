# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Draws the finding form: result, cause, measured values, note, and what is missing."""

from kivy.properties import (
    BooleanProperty,
    ListProperty,
    NumericProperty,
    ObjectProperty,
    StringProperty,
)
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.gridlayout import GridLayout
from kivy.uix.widget import Widget

from field_app.presenters.views import ChoiceView, FindingView, MeasuredFieldView
from field_app.ui import signs
from field_app.ui.answers import UndoSteps, answers_of
from field_app.ui.blanks import BLANK_FINDING
from field_app.ui.widgets.basics import Choice, Field


class ResultGrid(GridLayout):
    """The four results as big choices; `chosen` is called with the key of the tapped one."""

    items = ListProperty([])
    chosen = ObjectProperty(None, allownone=True)

    def on_items(self, _widget: Widget, items: list[ChoiceView]) -> None:
        """Draw the choices, keeping the widgets when only the chosen one changed."""
        choices = list(reversed(self.children))
        if [choice.key for choice in choices] != [item.key for item in items]:
            self.clear_widgets()
            choices = [self._choice(item.key) for item in items]
            for choice in choices:
                self.add_widget(choice)
        for choice, item in zip(choices, items, strict=True):
            choice.text, choice.is_on = item.text, item.is_selected

    def _choice(self, key: str) -> Choice:
        sign = signs.sign_of(signs.RESULTS, key)
        choice = Choice(key=key, icon=sign.icon, tone=sign.tone)
        choice.bind(on_release=lambda tapped: self.chosen(tapped.key))
        return choice


class MeasuredRow(BoxLayout):
    """One measured value: its name, what is allowed, the field, the unit."""

    key = StringProperty("")
    label = StringProperty("")
    unit = StringProperty("")
    range_text = StringProperty("")
    error_text = StringProperty("")
    is_required = BooleanProperty(defaultvalue=False)
    typed = ObjectProperty(None, allownone=True)
    left = ObjectProperty(None, allownone=True)

    def show(self, field: MeasuredFieldView) -> None:
        """Draw the field; what is being typed is left alone."""
        self.label, self.unit = field.label, field.unit
        self.range_text, self.error_text = field.range_text, field.error_text
        self.is_required = field.is_required
        put_text(self.ids.value, field.text)


class MeasuredList(BoxLayout):
    """The measured values; `typed` is called with key and text."""

    items = ListProperty([])
    typed = ObjectProperty(None, allownone=True)
    left = ObjectProperty(None, allownone=True)

    def on_items(self, _widget: Widget, items: list[MeasuredFieldView]) -> None:
        """Draw the values, keeping the fields when only texts changed."""
        rows = list(reversed(self.children))
        if [row.key for row in rows] != [item.key for item in items]:
            self.clear_widgets()
            rows = [MeasuredRow(key=item.key, typed=self.typed, left=self.left) for item in items]
            for row in rows:
                self.add_widget(row)
        for row, item in zip(rows, items, strict=True):
            row.show(item)

    def put(self, key: str, text: str) -> None:
        """Put a text into one field as if it had been typed."""
        for row in self.children:
            if row.key == key:
                row.ids.value.text = text

    def first_wrong(self) -> Widget | None:
        """Return the topmost row that is missing or wrong; None when all are well."""
        for row in reversed(self.children):
            if row.error_text or (row.is_required and not row.ids.value.text):
                return row
        return None


class FindingScreen(BoxLayout):
    """The form; `closed` goes back to the order, `finished` after the finding was recorded."""

    presenter = ObjectProperty(None, allownone=True)
    view = ObjectProperty(BLANK_FINDING, rebind=True)
    closed = ObjectProperty(None, allownone=True)
    finished = ObjectProperty(None, allownone=True)
    undo_count = NumericProperty(0)

    def __init__(self, **properties: object) -> None:
        """Start with nothing to undo."""
        super().__init__(**properties)
        self._undo = UndoSteps()
        self._is_replaying = False

    def begin(self) -> None:
        """Begin at the top, with nothing to undo: the form is opened."""
        self.view = BLANK_FINDING
        self._undo = UndoSteps()
        self.undo_count = 0
        self.ids.page.scroll_y = 1

    def show(self, view: FindingView) -> None:
        """Draw the view."""
        before = self.view
        self.view = view
        put_text(self.ids.note, view.note)
        if view.is_finished and not before.is_finished and self.finished is not None:
            self.finished()

    def _note_change(self, place: str) -> None:
        if not self._is_replaying:
            self._undo.note_change(place, answers_of(self.view))
            self.undo_count = len(self._undo)

    def undo(self) -> None:
        """Put the answers back as they were before the last change."""
        target = self._undo.take_back()
        self.undo_count = len(self._undo)
        if target is None:
            return
        now = answers_of(self.view)
        self._is_replaying = True
        try:
            if target.result != now.result:
                self.presenter.choose_result(target.result)
            if target.cause != now.cause:
                self.presenter.choose_cause(target.cause)
            for key, text in target.measured.items():
                if now.measured.get(key, "") != text:
                    self.ids.measured.put(key, text)
            if target.note != now.note:
                self.ids.note.text = target.note
        finally:
            self._is_replaying = False

    def choose_result(self, key: str) -> None:
        """Report the result."""
        self._note_change("result")
        self.presenter.choose_result(key)

    def choose_cause(self, key: str) -> None:
        """Report the cause."""
        self._note_change("cause")
        self.presenter.choose_cause(key)

    def type_measured(self, key: str, text: str) -> None:
        """Report what is typed into a measured value."""
        if text != answers_of(self.view).measured.get(key, ""):
            self._note_change(f"measured:{key}")
            self.presenter.type_measured(key, text)

    def type_note(self, text: str) -> None:
        """Report what is typed into the note."""
        if text != self.view.note:
            self._note_change("note")
            self.presenter.type_note(text)

    def left_field(self, *, has_focus: bool) -> None:
        """Keep at once what was typed when a field is left (RULINGS R5)."""
        if not has_focus and self.presenter is not None:
            self.presenter.flush()

    def go_to_missing(self) -> None:
        """Bring the first thing that is missing or wrong onto the screen."""
        view = self.view
        if not answers_of(view).result:
            target = self.ids.results
        elif view.causes and not answers_of(view).cause:
            target = self.ids.causes
        else:
            target = self.ids.measured.first_wrong() or self.ids.note
        self.ids.page.scroll_to(target, padding=24)

    def finish(self) -> None:
        """Record the finding and end the work; jump to what is missing when it cannot be."""
        if self.view.can_finish or self.view.gas_text:
            self.presenter.finish(self._done)
        else:
            self.go_to_missing()

    def _done(self, *_arguments: object) -> None:
        """The next view says whether it is finished."""


def put_text(field: Field, text: str) -> None:
    """Show the text unless the person is typing in the field at this moment."""
    if field.text != text and not field.focus:
        field.text = text
