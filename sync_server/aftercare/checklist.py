"""What good service sounds like: ten items of a checklist (rule A-21), and which are looked at.

Three things to do, three never to do, four that are the same for everybody.
"""

import hashlib
from collections.abc import Mapping, Sequence

from wire_contracts.texts import BilingualText

ITEMS: Mapping[str, BilingualText] = {
    "greeting": BilingualText(en="Greeted with company and name", zh="问候并报公司和姓名"),
    "listened": BilingualText(en="Listened, asked, repeated the matter", zh="倾听、询问并复述"),
    "told": BilingualText(en="Said what happens next and when", zh="说明下一步和时限"),
    "no_taboo": BilingualText(en="No forbidden phrase", zh="不说服务忌语"),
    "no_blame": BilingualText(en="Blamed nobody", zh="不推诿、不指责"),
    "no_guess": BilingualText(en="Promised and guessed nothing", zh="不随意承诺、不猜测"),
    "same_known": BilingualText(en="Strangers as friends", zh="生人熟人一个样"),
    "same_big": BilingualText(en="Small matters as large ones", zh="大事小事一个样"),
    "same_busy": BilingualText(en="Busy as at leisure", zh="忙时闲时一个样"),
    "same_watched": BilingualText(en="Unwatched as watched", zh="有无检查一个样"),
}

SAMPLE = 5
"""Contacts that are drawn of each person's week; judgement: an hour of quality's time."""


def score_of(kept: frozenset[str]) -> int:
    """Return 0 to 100: which part of the checklist was kept."""
    return round(100 * len(kept & set(ITEMS)) / len(ITEMS))


def drawn(ids: Sequence[str], count: int, seed: str) -> list[str]:
    """Return so many of the ids, the same ones whenever they are drawn with the same seed."""
    order = sorted(ids, key=lambda each: hashlib.sha256(f"{seed} {each}".encode()).digest())
    return sorted(order[:count])
