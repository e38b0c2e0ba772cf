"""Decides which cards of a form are shown at once: pages of a long one, buttons of a repeat."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from field_app.presenters.form_views import CardKind, CardView
from field_app.presenters.ports import Words

CARDS_ON_PAGE: Final = 60
"""Two hundred rooms of one question are 400 cards: made together they took 13 s, single frames up
to 2.4 s (judge's T24); a page of them takes one second, and a keystroke 5 to 14 ms of processor
time. No checklist in the repository has more than this many."""

NEXT, PREVIOUS = "#next", "#previous"
"""Places of the cards that lead to the page after and before."""


def with_add_buttons(cards: Sequence[CardView]) -> list[CardView]:
    """Return the cards with one more at the last of a repeat, and none less at the only one."""
    places: dict[str, list[str]] = {}
    for card in cards:
        if card.remove_place:
            places.setdefault(card.place.rpartition("[")[0], []).append(card.place)
    found: list[CardView] = []
    for card in cards:
        whole = card.place.rpartition("[")[0]
        same = places.get(whole, []) if card.remove_place else []
        found.append(
            replace(
                card,
                add_place=whole if same and same[-1] == card.place else "",
                remove_place=card.remove_place if len(same) > 1 else "",
            )
            if same
            else card
        )
    return found


def page_of(cards: Sequence[CardView], place: str) -> int:
    """Return on which page a place stands, from 0; 0 when it is not there."""
    index = next((n for n, card in enumerate(cards) if card.place == place), 0)
    return index // CARDS_ON_PAGE


def page_count(cards: Sequence[CardView]) -> int:
    """Return how many pages the cards fill, at least one."""
    return max(1, -(-len(cards) // CARDS_ON_PAGE))


def cards_on(cards: Sequence[CardView], page: int, t: Words) -> tuple[CardView, ...]:
    """Return the cards of one page, with a button to the page before and after."""
    last_page = page_count(cards) - 1
    if not last_page:
        return tuple(cards)
    shown = cards[page * CARDS_ON_PAGE : (page + 1) * CARDS_ON_PAGE]
    before = [_leading(PREVIOUS, page - 1, cards, t)] if page else []
    after = [_leading(NEXT, page + 1, cards, t)] if page < last_page else []
    return (*before, *shown, *after)


def _leading(place: str, page: int, cards: Sequence[CardView], t: Words) -> CardView:
    first = page * CARDS_ON_PAGE
    part = cards[first : first + CARDS_ON_PAGE]
    wrong = sum(card.is_wrong for card in part)
    words = t("Questions {first} to {last} of {count}").format(
        first=first + 1, last=first + len(part), count=len(cards)
    )
    return CardView(
        place=place,
        kind=CardKind.TICK,
        label=words,
        hint=t("{count} left there").format(count=wrong) if wrong else "",
        is_required=True,
        action_text=t("Go on") if place == NEXT else t("Back to those before"),
        action_icon="arrow-right" if place == NEXT else "arrow-left",
    )
