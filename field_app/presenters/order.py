"""OrderPresenter: one order, its one next step, and what needs the crew's eyes."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from field_app.access.personal_data import SeenPerson
from field_app.checklists.form_sheet import FormSubject
from field_app.orders.next_action import CREW_DONE
from field_app.orders.seen_order_store import OrderGoneError, SeenOrder
from field_app.orders.site_sheet import SiteSheet
from field_app.platform.ports import Dialler
from field_app.presenters.details import (
    blank_order,
    gone_order,
    gone_text,
    look_here,
    order_view,
    person_facts,
)
from field_app.presenters.form_tools import form_purposes, form_tools
from field_app.presenters.order_tools import (
    cancelled_text,
    handover_facts,
    order_tools,
    work_action,
)
from field_app.presenters.photos import photo_facts
from field_app.presenters.ports import PresenterContext
from field_app.presenters.site_words import gas_order_text
from field_app.presenters.stage import Stage
from field_app.presenters.views import OrderTool, OrderView
from field_app.presenters.wording import mark_view, no_room_text, state_text
from field_app.store.outbox_store import Look
from field_app.sync.uploading import PhotoWait
from field_app.tablet import Tablet
from wire_contracts.life_cycle import RefusedTransition
from wire_contracts.orders import ENTITY
from wire_contracts.work_order_states import WorkOrderEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What was read for the page."""

    seen: SeenOrder | None
    is_lost: bool
    person: SeenPerson
    wait: PhotoWait
    sheet: SiteSheet | None
    forms: tuple[OrderTool, ...]


class OrderPresenter:
    """One order."""

    def __init__(
        self,
        tablet: Tablet,
        context: PresenterContext,
        order_id: str,
        dialler: Dialler | None = None,
    ) -> None:
        """Show the order `order_id` of `tablet`; `dialler` telephones."""
        self._dialler = dialler
        self._tablet = tablet
        self._context = context
        self._order_id = order_id
        self._message = ""
        self._stage = Stage(context.worker, blank_order(order_id))

    @property
    def view(self) -> OrderView:
        """Return the last view."""
        return self._stage.view

    def attach(self, show: Callable[[OrderView], None]) -> None:
        """Show every view with `show`, and read the order."""
        self._stage.attach(show)
        self.refresh()

    def detach(self) -> None:
        """Show nothing any more."""
        self._stage.detach()

    def refresh(self) -> None:
        """Read the order again."""
        self._stage.read(self._look, self._draw)

    def act(self, event: str) -> None:
        """Take a step; it is kept on the tablet before the view changes."""
        step = WorkOrderEvent(event)
        self._stage.act(lambda: self._tap(step), self._tapped, self._full)

    def add_note(self, text: str) -> None:
        """Append a remark for the office."""
        self._stage.act(lambda: self._note(text), self._tapped, self._full)

    def call(self) -> None:
        """Show the number of whom to meet in the telephone."""
        if self._dialler is not None and self.view.phone:
            self._dialler.dial(self.view.phone)

    def mark_seen(self) -> None:
        """Note that the crew has seen what was refused or merged."""
        self._stage.act(lambda: self._tablet.desk.mark_seen(self._order_id), self._seen)

    def _tap(self, event: WorkOrderEvent) -> SeenOrder | None:
        """Take the step; return the order as it was found when the step was refused, else None."""
        try:
            self._tablet.desk.tap(self._order_id, event)
        except (RefusedTransition, OrderGoneError):
            return self._tablet.desk.order(self._order_id)
        return None

    def _note(self, text: str) -> SeenOrder | None:
        try:
            self._tablet.desk.add_note(self._order_id, text)
        except OrderGoneError:
            return self._tablet.desk.order(self._order_id)
        return None

    def _tapped(self, refused: SeenOrder | None) -> None:
        t = self._context.words
        self._message = ""
        if refused is not None and refused.document is not None:
            now = state_text(t, refused.document.state)
            self._message = t("Not possible now: the order is “{state}”.").format(state=now)
        self.refresh()

    def _full(self) -> None:
        self._message = no_room_text(self._context.words)
        self.refresh()

    def _seen(self, _nothing: None) -> None:
        self._message = ""
        self.refresh()

    def _look(self) -> "_Found":
        sheet = self._sheet()
        return _Found(
            seen=self._tablet.desk.order_or_lost(self._order_id),
            is_lost=self._tablet.desk.is_lost(self._order_id),
            person=self._tablet.personal.person_of(self._order_id),
            wait=self._tablet.photo_wait(),
            sheet=sheet,
            forms=self._forms(sheet),
        )

    def _sheet(self) -> SiteSheet | None:
        try:
            return self._tablet.site.sheet(self._order_id)
        except OrderGoneError:
            return None

    def _draw(self, found: "_Found") -> None:
        t = self._context.words
        seen = found.seen
        if seen is None:
            self._stage.draw(gone_order(self._order_id, t))
        elif seen.document is None:
            blank = blank_order(self._order_id)
            self._stage.draw(
                replace(
                    blank,
                    problem=gone_text(seen, t)
                    if seen.is_gone
                    else t("This order cannot be shown; update this app."),
                    mark=mark_view(t, seen.mark),
                    look_here=tuple(
                        look_here(t, entry) for entry in seen.entries if entry.look is Look.YES
                    ),
                    is_gone=seen.is_gone,
                    is_busy=False,
                )
            )
        else:
            view = order_view(
                seen, seen.document, self._context, self._message, is_lost=found.is_lost
            )
            people = person_facts(found.person, self._context)
            photos = photo_facts(t, seen.photos, found.wait)
            met = None if self._dialler is None else found.person.person
            phone = "" if met is None else met.phone
            view = replace(view, facts=(*people, *view.facts, *photos), phone=phone)
            self._stage.draw(
                view if found.sheet is None else self._with_work(view, found.sheet, found.forms)
            )

    def _forms(self, sheet: SiteSheet | None) -> tuple[OrderTool, ...]:
        """Return the office's forms for this order, while its tools are offered."""
        if sheet is None or sheet.document.state in CREW_DONE:
            return ()
        if not order_tools(sheet, self._context):
            return ()
        forms, subject = self._tablet.forms, FormSubject(about=ENTITY, about_id=self._order_id)
        done = {
            each.form.rpartition("@")[0] for each in forms.finished(subject, sheet.record.begun_n)
        }
        heads = forms.offers(ENTITY, form_purposes(sheet.document))
        return form_tools(heads, forms.begun(subject), frozenset(done), self._context.words)

    def _with_work(
        self, view: OrderView, sheet: SiteSheet, tools: tuple[OrderTool, ...]
    ) -> OrderView:
        """Return the page with the work on site: the tools, the next step, the hand-over."""
        t = self._context.words
        action = work_action(sheet, t)
        return replace(
            view,
            tools=(*order_tools(sheet, self._context), *tools),
            next_action=view.next_action if action is None else action,
            message=view.message or gas_order_text(t, sheet.record.gas_order),
            handover=handover_facts(sheet, self._context),
            problem=view.problem or cancelled_text(sheet, t),
        )
