"""libxml2 as the reference for rules of forms: the same answers as XML, the same text evaluated.

The ODK functions are written in XPath 1.0 itself or in plain Python over libxml2's own
conversions, so that nothing of the product judges the product.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from lxml import etree

from wire_contracts.forms.elements import Element
from wire_contracts.forms.session import FormSession

Node: TypeAlias = Any  # lxml has no types
Value: TypeAlias = str | float | bool | list[Any]

_STRING = etree.XPath("string($value)")
_NUMBER = etree.XPath("number($value)")
_BOOLEAN = etree.XPath("boolean($value)")
_FLOOR, _CEILING = etree.XPath("floor($value)"), etree.XPath("ceiling($value)")
_NOWHERE = etree.Element("nowhere")


def text_of(value: Value) -> str:
    return str(_STRING(_NOWHERE, value=value))


def number_of(value: Value) -> float:
    return float(_NUMBER(_NOWHERE, value=value))


def truth_of(value: Value) -> bool:
    return bool(_BOOLEAN(_NOWHERE, value=value))


def whole(number: float) -> float:
    return float((_FLOOR if number >= 0 else _CEILING)(_NOWHERE, value=number))


def _texts(values: Sequence[Value]) -> list[str]:
    found: list[str] = []
    for value in values:
        found += (
            [text_of([node]) for node in value] if isinstance(value, list) else [text_of(value)]
        )
    return found


def _extreme(pick: Callable[[list[float]], float], values: Sequence[Value]) -> float:
    numbers = [number_of(text) for text in _texts(values)]
    is_unknown = not numbers or any(number != number for number in numbers)  # noqa: PLR0124  # NaN
    return float("nan") if is_unknown else pick(numbers)


_FUNCTIONS: dict[str, Callable[..., Value]] = {
    "selected": lambda _c, value, name: text_of(name).strip() in text_of(value).split(),
    "count-selected": lambda _c, value: float(len(text_of(value).split())),
    "selected-at": lambda _c, value, index: dict(enumerate(text_of(value).split())).get(
        int(number_of(index)), ""
    ),
    "if": lambda _c, condition, then, otherwise: then if truth_of(condition) else otherwise,
    "coalesce": lambda _c, first, second: text_of(first) or text_of(second),
    "int": lambda _c, value: whole(number_of(value)),
    "regex": lambda _c, value, pattern: bool(re.fullmatch(text_of(pattern), text_of(value))),
    "boolean-from-string": lambda _c, value: text_of(value).strip().lower() in {"1", "true"},
    "ends-with": lambda _c, value, end: text_of(value).endswith(text_of(end)),
    "join": lambda _c, between, *values: text_of(between).join(_texts(values)),
    "min": lambda _c, *values: _extreme(min, values),
    "max": lambda _c, *values: _extreme(max, values),
    "count-non-empty": lambda _c, nodes: float(sum(1 for node in nodes if text_of([node]))),
}


def evaluate(rule: str, at: Node) -> Value:
    """Return what libxml2 makes of a rule at a node."""
    extensions = {(None, name): function for name, function in _FUNCTIONS.items()}
    found: Value = etree.XPath(rule, extensions=extensions)(at)
    return found


def as_xml(session: FormSession, at: Element) -> Node:
    """Return the node of an element in a document of all that is asked; it itself is there."""
    found: dict[int, Node] = {}
    root = etree.Element(session.root.name)
    found[id(session.root)] = root
    _put_children(session.root, root, at, found)
    return found[id(at)]


def _put_children(element: Element, node: Node, at: Element, found: dict[int, Node]) -> None:
    for child in element.children():
        if child.is_relevant or child is at:
            inner = etree.SubElement(node, child.name)
            inner.text = child.text or None
            found[id(child)] = inner
            if child.is_relevant:
                _put_children(child, inner, at, found)
