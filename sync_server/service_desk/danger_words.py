"""Decides whether a caller's words tell of a danger, whatever code the agent typed before them.

A danger told in plain words is class A though the line begins with *no gas* or *report*. What
may be one (a smell, a leak of something) is asked for before anything else is sent.
"""

import re
from collections.abc import Mapping

from sync_server.customers.address_words import folded
from sync_server.service_desk.catalogue import RULES
from sync_server.service_desk.request import RequestClass
from wire_contracts.orders import SafetyClass
from wire_contracts.quantities import Medium

_BETWEEN = r"\W+(?:\w+\W+){0,3}"
_ESCAPES = r"(?:leak|smell|odou?r|escap)\w*"
_SAID: Mapping[RequestClass, str] = {
    RequestClass.GAS_LEAK: rf"\bgas\b{_BETWEEN}{_ESCAPES}|\b{_ESCAPES}{_BETWEEN}gas\b"
    r"|漏(?:煤|燃|天然)气|(?:煤|燃|天然)气(?:的)?(?:味|泄)",
    RequestClass.CARBON_MONOXIDE: r"\bmonoxide\b|\bpoison\w*|\bco\b(?=.{0,30}(?:alarm|detector))",
    RequestClass.HOT_WATER_BURST: r"\bhot\W+water\W+(?:pipe\W+)?burst",
}


def _sure(request_class: RequestClass) -> re.Pattern[str]:
    codes = (code for code in RULES[request_class].codes if not code.isascii())
    return re.compile("|".join((*map(re.escape, codes), _SAID[request_class])))


_SURE = {each: _sure(each) for each in _SAID}
_DOUBTFUL = re.compile(
    r"\b(?:smell\w*|odou?r\w*|fumes?|dizz\w+|explo\w+|unconscious|co)\b"
    "|有味|气味|异味|头晕|昏迷|爆炸"
)
_LEAKING = re.compile(r"\bleak\w*|泄漏|泄露")


def danger_in(text: str) -> RequestClass | None:
    """Return the class A that the words tell of in either language, None when they tell of none."""
    said = folded(text)
    return next((each for each, words in _SURE.items() if words.search(said)), None)


def danger_to_ask(text: str, request_class: RequestClass | None) -> str:
    """Return the words of a danger that this class would hide; empty when it hides none.

    A leak of water or heat is no more than that; in every other class a leak may be gas.
    """
    if request_class is None or RULES[request_class].safety_class is SafetyClass.A:
        return ""
    said = folded(text)
    leaks = () if RULES[request_class].medium in {Medium.WATER, Medium.HEAT} else (_LEAKING,)
    found = (each.search(said) for each in (*_SURE.values(), _DOUBTFUL, *leaks))
    return next((each.group() for each in found if each), "")
