# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Draws the first start: server address, one-time code, and who is working."""

from kivy.metrics import dp
from kivy.properties import BooleanProperty, ListProperty, ObjectProperty
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.widget import Widget

from field_app.presenters.views import EnrolView, PersonView
from field_app.ui.blanks import BLANK_ENROL
from field_app.ui.widgets.basics import Choice


class PeopleList(BoxLayout):
    """The people of the crew; `chosen` is called with an account id."""

    items = ListProperty([])
    chosen = ObjectProperty(None, allownone=True)

    def on_items(self, _widget: Widget, items: list[PersonView]) -> None:
        """Draw the people."""
        self.clear_widgets()
        for item in items:
            choice = Choice(
                key=item.account_id, text=item.name, icon="account", is_on=item.is_selected
            )
            choice.height = dp(76)
            choice.bind(on_release=lambda tapped: self.chosen(tapped.key))
            self.add_widget(choice)


class EnrolScreen(BoxLayout):
    """The first start; `done` is called when it has been said who is working."""

    presenter = ObjectProperty(None, allownone=True)
    view = ObjectProperty(BLANK_ENROL, rebind=True)
    asks_who = BooleanProperty(defaultvalue=False)
    done = ObjectProperty(None, allownone=True)

    def show(self, view: EnrolView) -> None:
        """Draw the view; a tablet that has just been made known asks who is working."""
        if view.is_enrolled and self.ids.code.text and not self.asks_who:
            self.asks_who = True
            self.ids.code.text = ""
        self.view = view
        for field, text in ((self.ids.server, view.server_url), (self.ids.code, view.code)):
            if field.text != text and not field.focus and not view.is_enrolled:
                field.text = text

    def type_server(self, text: str) -> None:
        """Report what is typed as the server's address."""
        if self.presenter is not None and text != self.view.server_url:
            self.presenter.type_server(text)

    def type_code(self, text: str) -> None:
        """Report what is typed as the one-time code."""
        if self.presenter is not None and text != self.view.code and not self.asks_who:
            self.presenter.type_code(text)

    def scan(self) -> None:
        """Scan the control room's code."""
        self.presenter.scan()

    def enrol(self) -> None:
        """Connect this tablet."""
        self.presenter.enrol()

    def choose_person(self, account_id: str) -> None:
        """Report who is working; that ends the first start."""
        self.asks_who = False
        self.presenter.choose_person(account_id)
        self.done()
