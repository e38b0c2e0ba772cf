"""The isolation list: which valve is closed, who closed it, who may open it again.

A valve is neither closed nor opened without a name: a tap that lacks it becomes a question.
"""

from collections.abc import Sequence
from typing import Final

from typing_extensions import override

from field_app.forms.names import plain_name
from field_app.orders.network_near import near_valves
from field_app.orders.site_sheet import SiteSheet
from field_app.orders.site_sheets_store import ClosedElsewhere
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
from field_app.presenters.still_open import first_text
from field_app.presenters.views import Tone
from field_app.tablet import Tablet
from wire_contracts.network import NetworkPart
from wire_contracts.site_facts import ClosedValve, IsolationEvent, ValveAction

_ACTIONS: Final = {
    "close": ValveAction.CLOSED,
    "name": ValveAction.NAMED,
    "open": ValveAction.REOPENED,
}
"""First part of a button's key -> what is kept; the second part is the valve."""

_NOT_NOW: Final = "not-now"


class ValvesPage(SitePage):
    """Valves: closed here, to be opened again by whoever is named."""

    def __init__(self, tablet: Tablet, context: PresenterContext, order_id: str) -> None:
        """List the valves of the order `order_id`."""
        super().__init__(tablet, context, order_id, "valves")
        self._parts: Sequence[NetworkPart] | None = None
        self._elsewhere: Sequence[ClosedElsewhere] = ()

    @override
    def read(self) -> SiteSheet | None:
        """Return the order's work; what is closed for other orders is looked up with it."""
        self._elsewhere = self._tablet.site.closed_elsewhere(self._order_id)
        return super().read()

    def view(self, data: SiteSheet, answers: Answers) -> SheetView:
        """Return the sheet, or the question that a tap has left."""
        t = self.t
        sheet = data
        if asked := answers.get("asked"):
            return self._question(sheet, answers, asked)
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
        """Keep that a valve was closed, named or opened; ask first for a name that is missing."""
        if key == _NOT_NOW:
            self.keep({"asked": "", "word_from": ""})
            return Tapped()
        what, _, valve_id = key.partition(":")
        action = _ACTIONS[what]
        if action is ValveAction.CLOSED and (closed := self._is_closed(valve_id)):
            self.keep({"asked": "", "valve_id": ""})
            text = self.t("{valve} is on the list already: open it, or name who may.")
            return Tapped(message=text.format(valve=closed))
        if not answers.get(_name_of(action)).strip():
            self.keep({"asked": key})
            return Tapped()
        keeper = answers.get("may_reopen").strip()
        self._tablet.site.turn_valve(
            self._order_id,
            IsolationEvent(
                valve_id=valve_id,
                action=action,
                may_reopen=keeper if action is not ValveAction.REOPENED else "",
                tag_number=answers.get("tag_number").strip(),
                word_from=answers.get("word_from").strip()
                if action is ValveAction.REOPENED
                else "",
            ),
        )
        return Tapped()

    def _is_closed(self, valve_id: str) -> str:
        """Return a valve of the list by any way to write its number, empty when it is not there."""
        sheet = super().read()
        closed = () if sheet is None else sheet.record.valves
        return next((each.valve_id for each in closed if _is_same(each.valve_id, valve_id)), "")

    def _for_others(self, valve_id: str) -> str:
        """Return for which other orders a valve is closed, and whose word they need."""
        t = self.t
        said = [
            t("Closed for {number} as well; may open: {name}.").format(
                number=each.number or t("another order"),
                name=each.valve.may_reopen or t("nobody named"),
            )
            for each in self._elsewhere
            if _is_same(each.valve.valve_id, valve_id)
        ]
        return " ".join(said)

    def _question(self, sheet: SiteSheet, answers: Answers, asked: str) -> SheetView:
        """Return the sheet that asks for the one name without which nothing is done."""
        t = self.t
        what, _, valve_id = asked.partition(":")
        action = _ACTIONS[what]
        field = _name_of(action)
        is_opening = action is ValveAction.REOPENED
        closed = next((each for each in sheet.record.valves if each.valve_id == valve_id), None)
        title = (
            t("Who gave the word to open {valve}?")
            if is_opening
            else t("Who may open {valve} again?")
        )
        return SheetView(
            title=title.format(valve=valve_id),
            subtitle=self._subtitle(sheet),
            blocks=(
                NoticeBlock(
                    key="why",
                    text=f"{self._why(action, closed)}  {self._for_others(valve_id)}".strip(),
                    tone=Tone.WARN,
                    icon="valve-closed",
                ),
                NoteBlock(
                    key=field,
                    label=t("Who did you speak with?")
                    if is_opening
                    else t("Who may open it again?"),
                    text=answers.get(field),
                    hint=t("Name of the person") if is_opening else t("Name, or “control room”"),
                ),
            ),
            primary=SheetButton(
                key=asked,
                text=self._done_text(action).format(valve=valve_id),
                icon="valve-open" if is_opening else "valve-closed",
                refusal="" if answers.get(field).strip() else t("Enter the name first."),
            ),
            secondary=SheetButton(key=_NOT_NOW, text=t("Not now"), kind="tonal"),
            saved_text=answers.saved_text,
            message=answers.message,
        )

    def _why(self, action: ValveAction, closed: ClosedValve | None) -> str:
        if action is ValveAction.REOPENED:
            return first_text(self.t, closed)
        return self.t("Nobody opens it without the word of who is named here.")

    def _done_text(self, action: ValveAction) -> str:
        t = self.t
        return {
            ValveAction.CLOSED: t("I closed {valve}"),
            ValveAction.NAMED: t("Keep the name"),
            ValveAction.REOPENED: t("I opened {valve} again"),
        }[action]

    def _closed(self, sheet: SiteSheet) -> RowsBlock:
        t = self.t
        lines = tuple(
            RowLine(
                key=valve.valve_id,
                title=valve.valve_id,
                detail=self._closed_text(valve),
                icon="valve-closed",
                tone=Tone.WARN,
                actions=self._actions(valve),
            )
            for valve in sheet.record.valves
        )
        return RowsBlock(
            key="list", title=t("Closed now"), lines=lines, empty_text=t("No valve is closed.")
        )

    def _closed_text(self, valve: ClosedValve) -> str:
        name, time = self._name(valve.by), self._time(valve.at_ms)
        by = self._by(self.t, name, time, valve.may_reopen)
        others = self._for_others(valve.valve_id)
        return f"{by}  ·  {others}" if others else by

    def _actions(self, valve: ClosedValve) -> tuple[RowAction, ...]:
        t = self.t
        again = RowAction(key=f"open:{valve.valve_id}", text=t("Open again"), icon="valve-open")
        if valve.may_reopen:
            return (again,)
        return (RowAction(key=f"name:{valve.valve_id}", text=t("Name who may")), again)

    @staticmethod
    def _by(t: Words, name: str, time: str, keeper: str) -> str:
        who = t("closed by {name}, {time}").format(name=name, time=time)
        may = t("may open: {name}").format(name=keeper) if keeper else t("nobody named")
        return f"{who}  ·  {may}"

    def _offered(self, sheet: SiteSheet) -> RowsBlock:
        t = self.t
        closed = {plain_name(valve.valve_id) for valve in sheet.record.valves}
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
                        self._for_others(near.point.point_id),
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
            if not closed & {plain_name(near.point.point_id), plain_name(near.point.name)}
        )
        return RowsBlock(
            key="near",
            title=t("Valves near here"),
            lines=lines,
            empty_text=t("The map knows no valve near here."),
        )


def _is_same(one: str, other: str) -> bool:
    return plain_name(one) == plain_name(other)


def _name_of(action: ValveAction) -> str:
    """Return the answer that holds the name without which an action is not kept."""
    return "word_from" if action is ValveAction.REOPENED else "may_reopen"
