"""The parts that were taken from the van for an order, counted with the thumb."""

from dataclasses import dataclass
from typing import Final

from field_app.orders.site_desk import SiteSheet
from field_app.presenters.ports import PresenterContext, Words
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
from field_app.tablet import Tablet
from wire_contracts.quantities import Medium
from wire_contracts.site_facts import PartUsed


@dataclass(frozen=True, slots=True, kw_only=True)
class VanPart:
    """One part of the van's stock."""

    part_id: str
    media: frozenset[Medium]


_ALL: Final = frozenset(Medium)
_GAS: Final = frozenset({Medium.GAS})
_WET: Final = frozenset({Medium.WATER, Medium.HEAT})

VAN: Final = (
    VanPart(part_id="gasket-dn20", media=_ALL),
    VanPart(part_id="gasket-dn50", media=_ALL),
    VanPart(part_id="ball-valve-dn20", media=_ALL),
    VanPart(part_id="ptfe-tape", media=_ALL),
    VanPart(part_id="hose-gas-1m", media=_GAS),
    VanPart(part_id="regulator-household", media=_GAS),
    VanPart(part_id="repair-clamp-dn50", media=_ALL),
    VanPart(part_id="float-valve", media=_WET),
    VanPart(part_id="seal-wire", media=_ALL),
)
"""What every van carries; anything else is typed."""


def part_text(t: Words, part_id: str) -> str:
    """Return what a part is called; one that was typed stays as it is."""
    texts = {
        "gasket-dn20": t("Gasket DN 20"),
        "gasket-dn50": t("Gasket DN 50"),
        "ball-valve-dn20": t("Ball valve DN 20"),
        "ptfe-tape": t("Sealing tape"),
        "hose-gas-1m": t("Gas hose 1 m"),
        "regulator-household": t("Household regulator"),
        "repair-clamp-dn50": t("Repair clamp DN 50"),
        "float-valve": t("Float valve"),
        "seal-wire": t("Seal and wire"),
    }
    return texts.get(part_id, part_id)


class PartsPage(SitePage):
    """Parts: one tap more, one tap less."""

    def __init__(self, tablet: Tablet, context: PresenterContext, order_id: str) -> None:
        """Count the parts of the order `order_id`."""
        super().__init__(tablet, context, order_id, "parts")

    def view(self, data: SiteSheet, answers: Answers) -> SheetView:
        """Return the sheet."""
        t = self.t
        used = {part.part_id: part for part in data.record.parts}
        offered = [one.part_id for one in VAN if data.document.medium in one.media]
        listed = [*offered, *(each for each in used if each not in offered)]
        lines = tuple(
            RowLine(
                key=part_id,
                title=part_text(t, part_id),
                icon="package-variant",
                count=f"{used[part_id].quantity:g}" if part_id in used else "",
                actions=(
                    *(
                        (RowAction(key=f"less:{part_id}", text="", icon="minus", kind="ghost"),)
                        if part_id in used
                        else ()
                    ),
                    RowAction(key=f"more:{part_id}", text="", icon="plus"),
                ),
            )
            for part_id in listed
        )
        typed = answers.get("other").strip()
        return SheetView(
            title=t("Parts used"),
            subtitle=self._subtitle(data),
            blocks=(
                RowsBlock(key="van", title=t("From the van"), lines=lines),
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
        quantity = 1.0 if what == "more" else -1.0
        part = PartUsed(
            part_id=part_id[:64], name=part_text(self.t, part_id), quantity=quantity, unit="pcs"
        )
        self._tablet.site.use_part(self._order_id, part)
        if answers.get("other").strip() == part_id:
            self.keep({"other": ""})
        return Tapped()
