"""Decides what a call for help says of where it is: the place in words, the position, its age."""

import re
from typing import Final

from field_app.platform.fix_age import FRESH_MS
from field_app.platform.ports import Fix
from field_app.presenters.ports import Words
from field_app.presenters.round_wording import position_text
from field_app.presenters.sheet import Answers
from field_app.presenters.sheet_views import Block, NoticeBlock
from field_app.presenters.views import Tone
from wire_contracts.site_facts import LONGEST_PLACE

MINUTE_MS = 60_000


def _(msgid: str) -> str:
    """Mark a msgid for the catalogue; the words are looked up when they are shown."""
    return msgid


_AGE: Final = _("position {minutes} min old")
_NEXT: Final = "; "


def position_block(t: Words, fix: Fix | None, age_ms: int) -> Block:
    """Return which position goes out with a call, so that a missing one is made up in words."""
    text, tone = position_text(t, fix)
    if fix is None:
        text = t("Position unknown: say where you are.")
    elif age_ms > FRESH_MS:
        text, tone = f"{text}  ·  {_age_text(t, age_ms)}", Tone.WARN
    return NoticeBlock(key="position", text=text, tone=tone, icon="crosshairs-gps")


def told_place(t: Words, place: str, age_ms: int) -> str:
    """Return the place as a call says it, with how old a position is that is not of now."""
    if age_ms <= FRESH_MS:
        return place
    age = _age_text(t, age_ms)
    room = LONGEST_PLACE - len(age) - len(_NEXT)
    return _NEXT.join(part for part in (place[:room], age) if part)


def without_age(t: Words, place: str) -> str:
    """Return a place that was told without how old the position was then."""
    age = re.escape(t(_AGE)).replace(re.escape("{minutes}"), "[0-9]+")
    return _NEXT.join(part for part in place.split(_NEXT) if not re.fullmatch(age, part))


def typed_place(answers: Answers) -> str:
    """Return the place, no longer than the server takes it: a call is never refused for words."""
    return answers.get("place").strip()[:LONGEST_PLACE]


def _age_text(t: Words, age_ms: int) -> str:
    return t(_AGE).format(minutes=max(age_ms // MINUTE_MS, 1))
