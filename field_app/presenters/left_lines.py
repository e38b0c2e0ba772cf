"""LeftLines: dangers at places that have left the tablet, until a person has told of them."""

from collections.abc import Sequence

from field_app.forms.numbers import shown_number
from field_app.patrols.left_places import LeftDanger
from field_app.presenters.dates import time_text
from field_app.presenters.round_parts import RoundParts
from field_app.presenters.second_tap import SecondTap
from field_app.presenters.sheet import Tapped
from field_app.presenters.sheet_views import Block, NoticeBlock, RowAction, RowLine, RowsBlock
from field_app.presenters.views import Tone

HEARD = "heard:"
"""Keys of buttons that say that the control room knows are this, the record, form and author."""


class LeftLines:
    """The lines of one page; no page leads to these places any more."""

    def __init__(self, parts: RoundParts) -> None:
        """Draw with the words and names of `parts`."""
        self._parts = parts
        self._hearing = SecondTap(parts.context.clock)

    def block(self, left: Sequence[LeftDanger]) -> list[Block]:
        """Return the dangers as a list, nothing without any: only a person can tell of them."""
        t = self._parts.context.words
        if not left:
            return []
        lines = tuple(
            RowLine(
                key=_key_of(each),
                title=each.place,
                detail=self._noted(each),
                is_loud=True,
                icon="map-marker",
                tone=Tone.DANGER,
                actions=(
                    RowAction(key=_key_of(each), text=t("The control room knows"), icon="check"),
                ),
            )
            for each in left
        )
        why = t("Not on your list any more and told to nobody: call the control room")
        return [
            NoticeBlock(key="left-why", text=why, tone=Tone.DANGER, icon="phone-alert"),
            RowsBlock(key="left", title="", lines=lines),
        ]

    def hear(self, key: str) -> Tapped:
        """Keep with the second tap, which is no bounce, what the control room was told."""
        t = self._parts.context.words
        left = [each for each in self._parts.desk.left_dangers() if _key_of(each) == key]
        if not self._hearing.is_meant(key) or not left:
            return Tapped(message=t("Tap again once the control room has heard it."))
        what = "; ".join(f"{each.place}: {self._noted(each)}" for each in left)
        said = t("Told to the control room by telephone: {what}").format(what=what)
        self._parts.site.leave_note(said, {})
        self._parts.desk.forget_left(left[0].key)
        return Tapped()

    def _noted(self, danger: LeftDanger) -> str:
        """Return what was noted, by whom and when."""
        t, context = self._parts.context.words, self._parts.context
        noted = t("Noted by {name}, {time}: {what}").format(
            name=self._parts.person_name(danger.key.author),
            time=time_text(t, danger.at_ms, context.clock.now_utc(), context.zone),
            what=danger.said or t("Hazard"),
        )
        gas = "" if danger.lel_pct is None else f"{shown_number(danger.lel_pct)} % LEL"
        return "  ·  ".join(part for part in (gas, noted) if part)


def _key_of(danger: LeftDanger) -> str:
    key = danger.key
    return f"{HEARD}{key.order_id} {key.form} {key.author}"
