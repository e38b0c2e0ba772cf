"""FormDrawing: what is seen of a form, its cards, page and words, whoever answers it."""

from dataclasses import dataclass

from field_app.checklists.form_sheet import FormSheet
from field_app.forms.numbers import most_lel_pct
from field_app.orders.entry_gate import has_no_breath
from field_app.patrols.values import is_explosive
from field_app.presenters.dates import time_text
from field_app.presenters.form_pages import (
    PREVIOUS,
    cards_on,
    page_count,
    page_of,
    with_add_buttons,
)
from field_app.presenters.form_views import CardView, FormView
from field_app.presenters.form_wording import card_of
from field_app.presenters.ports import PresenterContext
from wire_contracts.forms.answer_sets import NoPicture
from wire_contracts.forms.items import FormItem, FormPage, Wrong
from wire_contracts.forms.session import MAX_REPEATS


@dataclass(frozen=True, slots=True)
class _Made:
    item: FormItem
    shows_missing: bool
    card: CardView


class FormDrawing:
    """The view of one form: which page of it shows, and whether it says what is missing.

    Attributes:
        go_to: The place that the next view brings onto the screen; empty: it stays where it is.
    """

    def __init__(self, context: PresenterContext, subject_text: str) -> None:
        """Draw a form that is filled in for `subject_text`."""
        self._context = context
        self._subject_text = subject_text
        self._made: dict[str, _Made] = {}
        self._shows_missing = False
        self._page_no = 0
        self._lacks: frozenset[NoPicture] = frozenset()
        self.go_to = ""

    def keeps_none(self, lack: NoPicture) -> None:
        """Offer from now on that this tablet lacks what a picture needs."""
        self._lacks |= {lack}
        self._made = {}

    def show_missing(self, go_to: str) -> None:
        """Say from now on what is missing, and go to the first of it."""
        self._shows_missing = True
        self.go_to = go_to

    def turn(self, by: int) -> str:
        """Go to another page of a long form; return the place at its top, empty on the first."""
        self._page_no += by
        return PREVIOUS if self._page_no else ""

    def view(self, sheet: FormSheet, page: FormPage, message: str) -> FormView:
        """Return the view of the answers as they stand."""
        t = self._context.words
        page.speak(t.language)
        cards = self._cards(sheet, page)
        left = sum(card.is_wrong for card in cards)
        go_to, self.go_to = self.go_to, ""
        if go_to:
            self._page_no = page_of(cards, go_to)
        self._page_no = min(self._page_no, page_count(cards) - 1)
        return FormView(
            title=sheet.head.title.plain(t.language),
            subject_text=self._subject_text,
            cards=cards_on(cards, self._page_no, t),
            left_count=left,
            left_text=t("{count} left: check for errors").format(count=left),
            finish_text=t("Finish the form"),
            saved_text=self._saved_text(sheet),
            message=message or self._cut_text(sheet),
            danger_text=self._danger_text(sheet),
            go_to=go_to,
            is_busy=False,
        )

    def _cut_text(self, sheet: FormSheet) -> str:
        """Return that more of a list was asked for than a form holds."""
        t = self._context.words
        text = t("More than {most} of one list are asked for; a form holds {most}.")
        return text.format(most=MAX_REPEATS) if sheet.session.is_cut else ""

    def _danger_text(self, sheet: FormSheet) -> str:
        t, answers = self._context.words, sheet.session.drafted()
        if is_explosive(most_lel_pct(answers, sheet.gas_places)):
            return t("Get out, keep others away")
        return t("Do not go in") if has_no_breath(answers) else ""

    def _cards(self, sheet: FormSheet, page: FormPage) -> tuple[CardView, ...]:
        """Return the cards; one whose item did not change is not made again."""
        t, made = self._context.words, self._made
        self._made = {}
        cards: list[CardView] = []
        for item in page.items():
            shows = self._shows_missing and item.wrong is Wrong.MISSING
            known = made.get(item.place)
            if known is None or known.item is not item or known.shows_missing is not shows:
                card = card_of(item, t, sheet.last, self._lacks, shows_missing=shows)
                known = _Made(item, shows, card)
            self._made[item.place] = known
            cards.append(known.card)
        return tuple(with_add_buttons(cards))

    def _saved_text(self, sheet: FormSheet) -> str:
        if sheet.saved_at_ms is None:
            return ""
        now_utc = self._context.clock.now_utc()
        time = time_text(self._context.words, sheet.saved_at_ms, now_utc, self._context.zone)
        return self._context.words("Kept on this tablet at {time}").format(time=time)
