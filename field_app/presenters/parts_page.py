"""The parts that were taken from the van for an order, counted with the thumb."""

from field_app.orders.seen_order_store import OrderGoneError
from field_app.orders.site_sheet import SiteSheet
from field_app.presenters.ports import PresenterContext
from field_app.presenters.sheet import Answers, Tapped
from field_app.presenters.sheet_views import (
    NoteBlock,
    RowAction,
    RowLine,
    RowsBlock,
    SheetButton,
    SheetView,
)
from field_app.presenters.site_page import SitePage
from field_app.presenters.site_words import left_text
from field_app.presenters.views import Tone
from field_app.tablet import Tablet
from wire_contracts.site_facts import PartUsed
from wire_contracts.van import LONGEST_ID, VanPart


class PartsPage(SitePage):
    """Parts: one tap more, one tap less."""

    def __init__(self, tablet: Tablet, context: PresenterContext, order_id: str) -> None:
        """Count the parts of the order `order_id`."""
        super().__init__(tablet, context, order_id, "parts")

    def view(self, data: SiteSheet, answers: Answers) -> SheetView:
        """Return the sheet."""
        t = self.t
        used = {part.part_id: part for part in data.record.parts}
        offered = [each for each in data.van.parts if data.document.medium in each.media]
        names = {each.part_id for each in offered}
        lines = [self._offered(each, used.get(each.part_id)) for each in offered]
        lines += [_typed(each) for each in used.values() if each.part_id not in names]
        typed = answers.get("other").strip()
        return SheetView(
            title=t("Parts used"),
            subtitle=self._subtitle(data),
            blocks=(
                RowsBlock(
                    key="van",
                    title=t("From the van"),
                    lines=tuple(lines),
                    empty_text=t("The office keeps no list for this van: type the part."),
                ),
                NoteBlock(
                    key="other",
                    label=t("Another part"),
                    text=typed,
                    hint=t("Name or number"),
                ),
            ),
            primary=SheetButton(
                key=f"more:{typed}", text=t("Add: {part}").format(part=typed), icon="plus"
            )
            if typed
            else SheetButton(key="done", text=t("Done"), icon="check-bold"),
            saved_text=answers.saved_text,
            message=answers.message,
        )

    def tap(self, key: str, answers: Answers) -> Tapped:
        """Take a part, or put one back."""
        what, _, part_id = key.partition(":")
        if what == "done":
            return Tapped(is_done=True)
        known = self._known(part_id)
        part = PartUsed(
            part_id=part_id[:LONGEST_ID],
            name=known.name.in_language(self.t.language) if known else part_id,
            quantity=1.0 if what == "more" else -1.0,
            unit=known.unit if known else "pcs",
        )
        try:
            self._tablet.site.use_part(self._order_id, part)
        except OrderGoneError:
            return Tapped(message=self.t("This order is not on this tablet any more."))
        if answers.get("other").strip() == part_id:
            self.keep({"other": ""})
        return Tapped()

    def _known(self, part_id: str) -> VanPart | None:
        found = [each for each in self._tablet.site.van().parts if each.part_id == part_id]
        return found[0] if found else None

    def _offered(self, part: VanPart, used: PartUsed | None) -> RowLine:
        text, tone = left_text(self.t, part)
        return RowLine(
            key=part.part_id,
            title=part.name.in_language(self.t.language),
            detail=text,
            icon="package-variant",
            tone=tone,
            is_loud=tone is not Tone.PLAIN,
            count="" if used is None else f"{used.quantity:g}",
            actions=_buttons(part.part_id, is_used=used is not None),
        )


def _typed(used: PartUsed) -> RowLine:
    return RowLine(
        key=used.part_id,
        title=used.name,
        icon="package-variant",
        count=f"{used.quantity:g}",
        actions=_buttons(used.part_id, is_used=True),
    )


def _buttons(part_id: str, *, is_used: bool) -> tuple[RowAction, ...]:
    more = RowAction(key=f"more:{part_id}", text="", icon="plus")
    less = RowAction(key=f"less:{part_id}", text="", icon="minus", kind="ghost")
    return (less, more) if is_used else (more,)
