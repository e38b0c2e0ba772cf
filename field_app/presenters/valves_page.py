"""The isolation list: which valve is closed, who closed it, who may open it again."""

from collections.abc import Sequence

from field_app.orders.network_near import near_valves
from field_app.orders.site_sheet import SiteSheet
from field_app.presenters.ports import PresenterContext, Words
from field_app.presenters.sheet import Answers, Tapped
from field_app.presenters.sheet_views import (
    Block,
    NoteBlock,
    NoticeBlock,
    RowAction,
    RowLine,
    RowsBlock,
    SheetButton,
    SheetView,
)
from field_app.presenters.site_page import SitePage
from field_app.presenters.views import Tone
from field_app.tablet import Tablet
from wire_contracts.network import NetworkPart
from wire_contracts.site_facts import IsolationEvent, ValveAction


class ValvesPage(SitePage):
    """Valves: closed here, to be opened again by whoever is named."""

    def __init__(self, tablet: Tablet, context: PresenterContext, order_id: str) -> None:
        """List the valves of the order `order_id`."""
        super().__init__(tablet, context, order_id, "valves")
        self._parts: Sequence[NetworkPart] | None = None

    def view(self, data: SiteSheet, answers: Answers) -> SheetView:
        """Return the sheet."""
        t = self.t
        sheet = data
        blocks: list[Block] = []
        if sheet.record.valves:
            blocks.append(
                NoticeBlock(
                    key="closed",
                    text=t("{count} closed: open only with the word of who is named.").format(
                        count=len(sheet.record.valves)
                    ),
                    tone=Tone.WARN,
                    icon="valve-closed",
                )
            )
        blocks += [
            self._closed(sheet),
            NoteBlock(
                key="may_reopen",
                label=t("Who may open it again?"),
                text=answers.get("may_reopen"),
                hint=t("Name, or “control room”"),
            ),
            NoteBlock(
                key="tag_number",
                label=t("Number of the tag"),
                text=answers.get("tag_number"),
                hint=t("As it hangs on the valve"),
            ),
            self._offered(sheet),
            NoteBlock(
                key="valve_id",
                label=t("Another valve"),
                text=answers.get("valve_id"),
                hint=t("Number on the valve or the cover"),
            ),
        ]
        typed = answers.get("valve_id").strip()
        return SheetView(
            title=t("Valves closed here"),
            subtitle=self._subtitle(sheet),
            blocks=tuple(blocks),
            primary=SheetButton(
                key=f"close:{typed}",
                text=t("I closed {valve}").format(valve=typed) if typed else t("I closed it"),
                icon="valve-closed",
                refusal="" if typed else t("Choose a valve above, or enter its number."),
            ),
            saved_text=answers.saved_text,
            message=answers.message,
        )

    def tap(self, key: str, answers: Answers) -> Tapped:
        """Keep that a valve was closed or opened."""
        what, _, valve_id = key.partition(":")
        action = ValveAction.CLOSED if what == "close" else ValveAction.REOPENED
        self._tablet.site.turn_valve(
            self._order_id,
            IsolationEvent(
                valve_id=valve_id,
                action=action,
                may_reopen=answers.get("may_reopen").strip(),
                tag_number=answers.get("tag_number").strip(),
            ),
        )
        return Tapped()

    def _closed(self, sheet: SiteSheet) -> RowsBlock:
        t = self.t
        lines = tuple(
            RowLine(
                key=valve.valve_id,
                title=valve.valve_id,
                detail=self._by(t, self._name(valve.by), self._time(valve.at_ms), valve.may_reopen),
                icon="valve-closed",
                tone=Tone.WARN,
                actions=(
                    RowAction(
                        key=f"open:{valve.valve_id}", text=t("Open again"), icon="valve-open"
                    ),
                ),
            )
            for valve in sheet.record.valves
        )
        return RowsBlock(
            key="list", title=t("Closed now"), lines=lines, empty_text=t("No valve is closed.")
        )

    @staticmethod
    def _by(t: Words, name: str, time: str, keeper: str) -> str:
        who = t("closed by {name}, {time}").format(name=name, time=time)
        may = t("may open: {name}").format(name=keeper) if keeper else t("nobody named")
        return f"{who}  ·  {may}"

    def _offered(self, sheet: SiteSheet) -> RowsBlock:
        t = self.t
        closed = {valve.valve_id for valve in sheet.record.valves}
        if self._parts is None:
            self._parts = self._tablet.site.network()
        lines = tuple(
            RowLine(
                key=f"near-{near.point.point_id}",
                title=near.point.name or near.point.point_id,
                detail="  ·  ".join(
                    part
                    for part in (
                        t("{metres} m").format(metres=round(near.distance_m)),
                        t("closes this section") if near.is_closing else "",
                    )
                    if part
                ),
                icon="valve",
                tone=Tone.INFO if near.is_closing else Tone.PLAIN,
                actions=(
                    RowAction(
                        key=f"close:{near.point.point_id}",
                        text=t("I closed it"),
                        icon="valve-closed",
                    ),
                ),
            )
            for near in near_valves(self._parts, sheet.document)
            if near.point.point_id not in closed
        )
        return RowsBlock(
            key="near",
            title=t("Valves near here"),
            lines=lines,
            empty_text=t("The map knows no valve near here."),
        )
