"""The sheet of a meter reading: what the dial shows, questioned at once when it is strange."""

from dataclasses import replace

from typing_extensions import override

from field_app.forms.numbers import parse_number, shown_number
from field_app.orders.meter_counts import may_correct
from field_app.orders.reading_check import MUCH_PER_DAY, Doubt, doubt_of, expected_now
from field_app.orders.site_sheet import SiteSheet
from field_app.patrols.meter_doubts import much_per_day, with_round
from field_app.presenters.ports import PresenterContext
from field_app.presenters.sheet import Answers, Tapped
from field_app.presenters.sheet_views import (
    Block,
    ChoiceBlock,
    ChoiceLine,
    FactsBlock,
    NoticeBlock,
    NumberBlock,
    SheetButton,
    SheetView,
    TextBlock,
)
from field_app.presenters.site_page import SitePage
from field_app.presenters.site_words import doubt_text
from field_app.presenters.views import LabelledText, Tone
from field_app.presenters.wording import count_unit
from field_app.tablet import Tablet
from wire_contracts.order_site import OrderSite

_SHOWN_COUNTS = 5
_NEVER = frozenset({Doubt.NOT_A_NUMBER, Doubt.TOO_LONG})
"""What no reason makes right."""

_CORRECTS, _BESIDE = "corrects", "beside"
"""What a reading is to the one before it on the same visit."""

_OF = ":"
"""A reason is kept with the value that it was given for."""


class ReadingPage(SitePage):
    """What the meter shows."""

    def __init__(self, tablet: Tablet, context: PresenterContext, order_id: str) -> None:
        """Read the meter of the order `order_id`."""
        super().__init__(tablet, context, order_id, "reading")
        self._much_per_day = MUCH_PER_DAY

    @override
    def read(self) -> SiteSheet | None:
        """Return what is known of the order, its counts with those of the crew's own round."""
        sheet = super().read()
        if sheet is None or not sheet.document.meter_id:
            return sheet
        seen = self._tablet.inspections.meter(sheet.document.meter_id)
        site = sheet.document.site or OrderSite()
        if seen is None or (site.quantity and count_unit(site.quantity) != seen.meter.unit):
            return sheet
        self._much_per_day = much_per_day(seen.meter)
        known = replace(site, counts=with_round(site.counts, seen.meter))
        return replace(sheet, document=replace(sheet.document, site=known))

    def view(self, data: SiteSheet, answers: Answers) -> SheetView:
        """Return the sheet."""
        t = self.t
        site = data.document.site or OrderSite()
        text = answers.get("value")
        doubt = doubt_of(text, site.counts, data.now_ms, self._much_per_day)
        reason = _reason_of(answers)
        blocks: list[Block] = [
            NumberBlock(
                key="value",
                label=t("What the meter shows"),
                unit=_unit(site),
                text=text,
                hint=self._expected(site, data.now_ms),
                error="" if doubt is None else doubt_text(t, doubt),
            )
        ]
        is_question = doubt is not None and doubt not in _NEVER
        if is_question:
            blocks.append(self._question(text.strip(), reason))
        blocks += self._correction(data, answers)
        blocks.append(self._before(site))
        blocks += self._taken(data)
        return SheetView(
            title=t("Meter reading"),
            subtitle=self._subtitle(data),
            blocks=tuple(blocks),
            primary=SheetButton(
                key="keep",
                text=t("Keep the reading"),
                icon="check-bold",
                refusal=self._refusal(text, doubt, reason) or self._unsaid(data, answers),
            ),
            saved_text=answers.saved_text,
            message=answers.message,
        )

    def tap(self, key: str, answers: Answers) -> Tapped:
        """Keep the reading, with the doubt and the answer to it."""
        del key
        sheet = self.read()
        if sheet is None:
            return Tapped(is_done=True)
        site = sheet.document.site or OrderSite()
        text, reason = answers.get("value"), _reason_of(answers)
        doubt = doubt_of(text, site.counts, sheet.now_ms, self._much_per_day)
        refusal = self._refusal(text, doubt, reason) or self._unsaid(sheet, answers)
        value = parse_number(text)
        if refusal or value is None:
            return Tapped(message=refusal)
        self._tablet.site.read_meter(
            self._order_id,
            {
                "meter_id": sheet.document.meter_id,
                "quantity": None if site.quantity is None else str(site.quantity),
                "value": value,
                "doubt": None if doubt is None else str(doubt),
                "sure_because": reason,
            },
            corrects=_may_correct(sheet, answers) and _said_of(answers, "which") == _CORRECTS,
        )
        return Tapped(is_done=True)

    def _refusal(self, text: str, doubt: Doubt | None, reason: str) -> str:
        t = self.t
        if not text.strip():
            return t("Enter what the meter shows.")
        if doubt is not None and doubt in _NEVER:
            return doubt_text(t, doubt)
        if doubt is not None and not reason:
            return t("Look again, then say why it is right.")
        return ""

    def _question(self, value: str, reason: str) -> ChoiceBlock:
        t = self.t
        texts = {
            "read_twice": t("Read twice, it is so"),
            "rolled_over": t("It has begun again at zero"),
            "meter_exchanged": t("The meter was exchanged"),
            "use_changed": t("Use has changed"),
            "meter_stands": t("The meter stands still"),
        }
        icons = {
            "read_twice": "eye",
            "rolled_over": "counter",
            "meter_exchanged": "swap-horizontal",
            "use_changed": "account-group",
            "meter_stands": "pause",
        }
        return ChoiceBlock(
            key="sure",
            title=t("Why is it right all the same?"),
            lines=tuple(
                ChoiceLine(
                    value=f"{key}{_OF}{value}",
                    text=text,
                    icon=icons[key],
                    is_selected=key == reason,
                )
                for key, text in texts.items()
            ),
        )

    def _correction(self, data: SiteSheet, answers: Answers) -> list[Block]:
        """Return what this reading is to the last one of the visit, where that may be a slip."""
        t, last, value = self.t, data.record.read_here, answers.get("value").strip()
        if last is None or not _may_correct(data, answers):
            return []
        title = t("{value} was read here at {time}. And this one?").format(
            value=_with_unit(data, last.value), time=self._time(last.at_ms)
        )
        said = (
            (_CORRECTS, t("It corrects that one"), "pencil"),
            (_BESIDE, t("Both are right"), "plus"),
        )
        lines = tuple(
            ChoiceLine(
                value=f"{key}{_OF}{value}",
                text=text,
                icon=icon,
                is_selected=key == _said_of(answers, "which"),
            )
            for key, text, icon in said
        )
        return [ChoiceBlock(key="which", title=title, lines=lines)]

    def _unsaid(self, data: SiteSheet, answers: Answers) -> str:
        is_open = _may_correct(data, answers) and not _said_of(answers, "which")
        return self.t("Say whether it corrects the reading before.") if is_open else ""

    def _expected(self, site: OrderSite, now_ms: int) -> str:
        expected = expected_now(site.counts, now_ms)
        if expected is None:
            return ""
        return self.t("Expected: {low} to {high} {unit}").format(
            low=shown_number(round(expected.low)),
            high=shown_number(round(expected.high)),
            unit=_unit(site),
        )

    def _before(self, site: OrderSite) -> Block:
        t = self.t
        if not site.counts:
            return TextBlock(key="before", text=t("No former reading is known."))
        return FactsBlock(
            key="before",
            title=t("Last readings"),
            facts=tuple(
                LabelledText(
                    label=self._time(count.at_ms),
                    text=f"{shown_number(count.value)} {_unit(site)}",
                    icon="meter",
                )
                for count in reversed(site.counts[-_SHOWN_COUNTS:])
            ),
        )

    def _taken(self, data: SiteSheet) -> list[Block]:
        if not data.record.counts:
            return []
        last = data.record.counts[-1]
        text = self.t("Taken on this visit: {value}, {time}").format(
            value=_with_unit(data, last.value), time=self._time(last.at_ms)
        )
        return [NoticeBlock(key="taken", text=text, tone=Tone.OK, icon="check-circle")]


def _reason_of(answers: Answers) -> str:
    """Return why the value that is typed now is right."""
    return _said_of(answers, "sure")


def _said_of(answers: Answers, key: str) -> str:
    """Return what was answered of the value that is typed now; of another one it is gone."""
    said, _, value = answers.get(key).partition(_OF)
    return said if value == answers.get("value").strip() else ""


def _may_correct(data: SiteSheet, answers: Answers) -> bool:
    value = parse_number(answers.get("value"))
    return value is not None and may_correct(data.record.read_here, value, _reason_of(answers))


def _unit(site: OrderSite) -> str:
    return count_unit(site.quantity)


def _with_unit(data: SiteSheet, value: float) -> str:
    site = data.document.site or OrderSite()
    return f"{shown_number(value)} {_unit(site)}".rstrip()
