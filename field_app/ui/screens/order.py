# mypy: allow-subclassing-any
# Kivy has no types, so that its classes are Any to mypy.
"""Draws one order: why it was made, the evidence, the steps, and the one next action."""

from kivy.clock import Clock
from kivy.properties import ObjectProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout

from field_app.presenters.views import ActionView, OrderView
from field_app.ui import signs
from field_app.ui.blanks import BLANK_ORDER
from field_app.ui.widgets.basics import Btn

ARMED_S = 4.0
"""A button that ends the visit without a finding must be tapped twice within this time."""


class SideAction(Btn):
    """An action beside the next step; it asks for a second tap before it ends the visit."""

    event = StringProperty("")
    label = StringProperty("")
    again = StringProperty("")
    confirmed = ObjectProperty(None, allownone=True)
    _disarming = ObjectProperty(None, allownone=True)

    def on_release(self) -> None:
        """Arm on the first tap, act on the second."""
        if self.kind == "danger":
            self.disarm()
            self.confirmed(self.event)
            return
        self.kind = "danger"
        self._disarming = Clock.schedule_once(lambda _elapsed_s: self.disarm(), ARMED_S)

    def disarm(self) -> None:
        """Forget the first tap."""
        self.kind = "ghost"
        if self._disarming is not None:
            self._disarming.cancel()
            self._disarming = None


class OrderScreen(BoxLayout):
    """One order; `closed` goes back to the list, `finding_wanted` opens the form."""

    presenter = ObjectProperty(None, allownone=True)
    view = ObjectProperty(BLANK_ORDER, rebind=True)
    closed = ObjectProperty(None, allownone=True)
    finding_wanted = ObjectProperty(None, allownone=True)

    def show(self, view: OrderView) -> None:
        """Draw the view."""
        self.view = view
        self._side_actions(view.other_actions)

    def to_top(self) -> None:
        """Begin at the top: another order is opened."""
        self.view = BLANK_ORDER
        self.ids.page.scroll_y = 1

    def _side_actions(self, actions: tuple[ActionView, ...]) -> None:
        box = self.ids.side_actions
        shown = [button.event for button in reversed(box.children)]
        if shown != [action.event for action in actions]:
            box.clear_widgets()
            for action in actions:
                box.add_widget(
                    SideAction(
                        event=action.event,
                        icon=signs.EVENTS.get(action.event, ""),
                        confirmed=self.act,
                    )
                )
        for button, action in zip(reversed(box.children), actions, strict=True):
            button.label, button.disabled = action.text, bool(action.refusal)

    def next_step(self) -> None:
        """Do the next step of the life cycle, or open the form that it needs."""
        action = self.view.next_action
        if action is None:
            return
        if action.opens_finding:
            self.finding_wanted()
        else:
            self.act(action.event)

    def act(self, event: str) -> None:
        """Report the tap."""
        self.presenter.act(event)

    def seen(self, _op_id: str) -> None:
        """Report that the crew has seen what became of its words about this order."""
        self.presenter.mark_seen()
