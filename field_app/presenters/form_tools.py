"""Decides which forms of the office an order page offers."""

from collections.abc import Iterable
from typing import Protocol

from field_app.checklists.form_sheet import FormSubject
from field_app.orders.completion import Evidence
from field_app.orders.entry_gate import bad_oxygen_pct
from field_app.orders.work_record import WorkRecord
from field_app.presenters.entry_blocks import entry_words
from field_app.presenters.form import FormRequest
from field_app.presenters.ports import Words
from field_app.presenters.views import OrderTool, Tone
from field_app.tablet import Tablet
from wire_contracts.forms.publication import FormHead
from wire_contracts.orders import ENTITY, WorkOrderDocument

FORM_TOOL = "form:"
"""Keys of tools that open a form are this and the form's id."""


class OrderSeen(Protocol):
    """An order with its document, as sheets of orders have it."""

    @property
    def order_id(self) -> str:
        """Return which order."""
        ...

    @property
    def document(self) -> WorkOrderDocument:
        """Return what is known of it."""
        ...

    @property
    def record(self) -> WorkRecord:
        """Return what was done on site."""
        ...


def form_purposes(document: WorkOrderDocument) -> tuple[str, ...]:
    """Return what an order asks of forms: its type, alone and with its medium."""
    return str(document.order_type), f"{document.order_type}:{document.medium}"


def form_tools(
    heads: Iterable[FormHead], begun: frozenset[str], done: frozenset[str], t: Words
) -> tuple[OrderTool, ...]:
    """Return a tool for each form, with how far it is."""
    return tuple(
        OrderTool(
            key=f"{FORM_TOOL}{head.form_id}",
            text=head.title.plain(t.language),
            detail=_detail(head.form_id, begun, done, t),
            icon="clipboard-check" if head.form_id in done else "clipboard-list",
            tone=Tone.OK if head.form_id in done else Tone.INFO,
        )
        for head in heads
    )


def order_evidence(tablet: Tablet, order: OrderSeen, t: Words) -> Evidence:
    """Return what there is of an order outside its desk: whether photos are kept, open forms.

    A form that is for every kind of order is offered, and demanded only when it is required. Gas
    counts as each form says it last, finished or not; a form that was finished before the order
    was opened again proves nothing.
    """
    subject = FormSubject(about=ENTITY, about_id=order.order_id)
    since_n = order.record.begun_n
    finished = tablet.forms.finished(subject, since_n)
    done = {each.form.rpartition("@")[0] for each in finished}
    begun = [each for _author, _at, each in tablet.forms.begun_by_anybody(subject, since_n)]
    oxygen = (bad_oxygen_pct(each.answers) for each in (*finished, *begun))
    offered = tablet.forms.offers(ENTITY, form_purposes(order.document))
    entry = tablet.site.entry(order.order_id, order.document, order.record)
    left = [head for head in offered if head.form_id not in done]
    return Evidence(
        keeps_photos=tablet.photos.availability().is_available,
        open_checklists=[
            head.title.plain(t.language) for head in left if head.purposes and not head.is_required
        ],
        required_checklists=[head.title.plain(t.language) for head in left if head.is_required],
        forms_lel_pct=tablet.forms.most_lel_pct(subject, since_n),
        forms_oxygen_pct=next((each for each in oxygen if each is not None), None),
        entry=entry,
        entry_words=entry_words(t, entry.why) if entry.is_unproven else "",
    )


def _detail(form_id: str, begun: frozenset[str], done: frozenset[str], t: Words) -> str:
    if form_id in begun:
        return t("begun")
    return t("finished") if form_id in done else t("checklist")


def order_form(key: str, order_id: str, subject_text: str) -> FormRequest | None:
    """Return the form that a tool of an order opens; None when the tool is no form."""
    if not key.startswith(FORM_TOOL):
        return None
    return FormRequest(
        form_id=key.removeprefix(FORM_TOOL),
        subject=FormSubject(about=ENTITY, about_id=order_id),
        subject_text=subject_text,
    )
