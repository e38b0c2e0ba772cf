"""What an expression of a form may call: XPath 1.0 (section 4) and the ODK XForms functions."""

import base64
import hashlib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from wire_contracts.forms.date_functions import (
    date_text,
    date_time_text,
    decimal_date_time,
    decimal_time,
    format_date,
)
from wire_contracts.forms.elements import Element
from wire_contracts.forms.values import (
    NAN,
    Nodes,
    Value,
    as_number,
    as_text,
    as_truth,
    rounded,
    text_number,
)

LONGEST_MATCHED: Final = 1000
"""Characters that `regex` looks at: no answer that a pattern is meant for is longer."""

_LONGEST_RESULT: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What expressions see besides the answers.

    Attributes:
        now: Returns the moment on the site's clock.
        random: Returns a number from 0 to below 1.
        uuid: Returns a new UUID.
        lists: The choice lists, each as the root that `instance('name')` gives.
        choice_label: Returns the words for (path of a select, name of a choice).
    """

    now: Callable[[], datetime]
    random: Callable[[], float]
    uuid: Callable[[], str]
    lists: Mapping[str, Element] = field(default_factory=dict)
    choice_label: Callable[[str, str], str] = lambda _path, name: name


@dataclass(frozen=True, slots=True)
class Context:
    """Where an expression is evaluated.

    Attributes:
        element: The element that it stands at, `.`.
        position, size: Which one it is of how many, inside a predicate.
        current: The element whose rule it is, `current()`.
        around: What it sees besides.
    """

    element: Element
    position: int
    size: int
    current: Element
    around: Surroundings


Function = Callable[[Context, Sequence[Value]], Value]


@dataclass(frozen=True, slots=True)
class Known:
    """A function with how many arguments it takes; `most` None: any number."""

    least: int
    most: int | None
    call: Function


def _nodes(value: Value) -> Nodes:
    return () if isinstance(value, bool | int | float | str) else value


def _each_text(values: Sequence[Value]) -> list[str]:
    texts: list[str] = []
    for value in values:
        if isinstance(value, bool | int | float | str):
            texts.append(as_text(value))
        else:
            texts += [each.string_value() for each in value]
    return texts


def _substring(values: Sequence[Value]) -> str:
    text, first = as_text(values[0]), rounded(as_number(values[1]))
    last = math.inf if len(values) == 2 else first + rounded(as_number(values[2]))  # noqa: PLR2004  # without a length
    return "".join(letter for place, letter in enumerate(text, 1) if first <= place < last)


def _translate(values: Sequence[Value]) -> str:
    text, out_of, into = (as_text(value) for value in values)
    table: dict[str, str] = {}
    for index, letter in enumerate(out_of):
        table.setdefault(letter, into[index] if index < len(into) else "")
    return "".join(table.get(letter, letter) for letter in text)


def _substr(values: Sequence[Value]) -> str:
    text, first = as_text(values[0]), as_number(values[1])
    last = float(len(text)) if len(values) == 2 else as_number(values[2])  # noqa: PLR2004  # without an end
    if math.isnan(first) or math.isnan(last):
        return ""
    return text[slice(_place(first), _place(last))]


def _place(number: float) -> int:
    """Return a place in a text; beyond every text for the infinite."""
    return int(max(-_LONGEST_RESULT, min(_LONGEST_RESULT, number)))


def _number_of_each(values: Sequence[Value]) -> list[float]:
    return [text_number(text) for text in _each_text(values)]


def _least(values: Sequence[Value]) -> float:
    numbers = _number_of_each(values)
    return NAN if not numbers or any(map(math.isnan, numbers)) else min(numbers)


def _most(values: Sequence[Value]) -> float:
    numbers = _number_of_each(values)
    return NAN if not numbers or any(map(math.isnan, numbers)) else max(numbers)


def _sum(values: Sequence[Value]) -> float:
    return float(math.fsum(text_number(each.string_value()) for each in _nodes(values[0])))


def _whole(values: Sequence[Value]) -> float:
    number = as_number(values[0])
    return number if not math.isfinite(number) else float(int(number))


def _safely(compute: Callable[..., float]) -> Function:
    """Return the function with NaN where mathematics has no answer."""

    def call(_context: Context, values: Sequence[Value]) -> Value:
        try:
            return float(compute(*(as_number(value) for value in values)))
        except (ValueError, OverflowError, ZeroDivisionError):
            return NAN

    return call


def _selected(values: Sequence[Value]) -> bool:
    return as_text(values[1]).strip() in as_text(values[0]).split()


def _selected_at(values: Sequence[Value]) -> str:
    chosen, index = as_text(values[0]).split(), as_number(values[1])
    is_there = not math.isnan(index) and 0 <= index < len(chosen)
    return chosen[int(index)] if is_there else ""


def _is_match(values: Sequence[Value]) -> bool:
    """Return whether a pattern fits the whole text; one that is none fits nothing."""
    text = as_text(values[0])
    try:
        found = re.fullmatch(as_text(values[1]), text[:LONGEST_MATCHED])
    except (re.error, OverflowError, RecursionError):
        return False
    return found is not None and len(text) <= LONGEST_MATCHED


_ALGORITHMS: Final = {
    "MD5": "md5",
    "SHA-1": "sha1",
    "SHA-256": "sha256",
    "SHA-384": "sha384",
    "SHA-512": "sha512",
}


def _digest(values: Sequence[Value]) -> str:
    algorithm = _ALGORITHMS.get(as_text(values[1]).upper())
    if algorithm is None:
        return ""
    digest = hashlib.new(algorithm, as_text(values[0]).encode(), usedforsecurity=False).digest()
    is_hex = len(values) > 2 and as_text(values[2]).lower() == "hex"  # noqa: PLR2004  # the third
    return digest.hex() if is_hex else base64.b64encode(digest).decode()


def _is_between(count: float, least: float, most: float) -> bool:
    return (least < 0 or count >= least) and (most < 0 or count <= most)


def _checklist(values: Sequence[Value]) -> bool:
    count = sum(1.0 for text in _each_text(values[2:]) if _is_yes(text))
    return _is_between(count, as_number(values[0]), as_number(values[1]))


def _weighted_checklist(values: Sequence[Value]) -> bool:
    checks, weights = values[2::2], values[3::2]
    total = math.fsum(
        as_number(weight)
        for check, weight in zip(checks, weights, strict=False)
        if _is_yes(as_text(check))
    )
    return _is_between(total, as_number(values[0]), as_number(values[1]))


def _is_yes(text: str) -> bool:
    return text.strip().lower() in {"1", "1.0", "true", "yes"}


def _name(context: Context, values: Sequence[Value]) -> str:
    if not values:
        return context.element.name
    nodes = _nodes(values[0])
    return nodes[0].name if nodes else ""


def _here(context: Context, values: Sequence[Value]) -> Value:
    return values[0] if values else (context.element,)


def _normalised(context: Context, values: Sequence[Value]) -> str:
    return " ".join(re.split(r"[ \t\r\n]+", as_text(_here(context, values)).strip(" \t\r\n")))


def _position(context: Context, values: Sequence[Value]) -> float:
    if not values:
        return float(context.position)
    nodes = _nodes(values[0])
    return float(nodes[0].position()) if nodes else NAN


def _joined(values: Sequence[Value]) -> str:
    return as_text(values[0]).join(_each_text(values[1:]))[:_LONGEST_RESULT]


def _once(context: Context, values: Sequence[Value]) -> Value:
    return context.current.text or values[0]


def _indexed_repeat(values: Sequence[Value]) -> Nodes:
    """Return the elements inside the given one of each repeat, named from outside to inside."""
    found = list(_nodes(values[0]))
    for repeat, index in zip(values[1::2], values[2::2], strict=False):
        wanted = as_number(index)
        names = {each.name for each in _nodes(repeat)}
        found = [each for each in found if _index_in(each, names) == wanted]
    return tuple(found)


def _index_in(element: Element, names: set[str]) -> int:
    at: Element | None = element
    while at is not None and at.name not in names:
        at = at.parent
    return 0 if at is None else at.position()


def _plain(least: int, most: int | None, compute: Callable[[Sequence[Value]], Value]) -> Known:
    return Known(least, most, lambda _context, values: compute(values))


def _of_number(compute: Callable[..., float], arguments: int = 1) -> Known:
    return Known(arguments, arguments, _safely(compute))


_XPATH: Final[Mapping[str, Known]] = {
    "true": _plain(0, 0, lambda _values: True),
    "false": _plain(0, 0, lambda _values: False),
    "not": _plain(1, 1, lambda values: not as_truth(values[0])),
    "boolean": _plain(1, 1, lambda values: as_truth(values[0])),
    "number": Known(0, 1, lambda context, values: as_number(_here(context, values))),
    "string": Known(0, 1, lambda context, values: as_text(_here(context, values))),
    "concat": _plain(1, None, lambda values: "".join(_each_text(values))[:_LONGEST_RESULT]),
    "contains": _plain(2, 2, lambda values: as_text(values[1]) in as_text(values[0])),
    "starts-with": _plain(2, 2, lambda values: as_text(values[0]).startswith(as_text(values[1]))),
    "ends-with": _plain(2, 2, lambda values: as_text(values[0]).endswith(as_text(values[1]))),
    "substring": _plain(2, 3, _substring),
    "substring-before": _plain(
        2,
        2,
        lambda values: (
            "".join(as_text(values[0]).partition(as_text(values[1]) or "\0")[:1])
            if as_text(values[1]) in as_text(values[0]) and as_text(values[1])
            else ""
        ),
    ),
    "substring-after": _plain(
        2,
        2,
        lambda values: (
            as_text(values[0]).partition(as_text(values[1]))[2]
            if as_text(values[1])
            else as_text(values[0])
        ),
    ),
    "string-length": Known(
        0, 1, lambda context, values: float(len(as_text(_here(context, values))))
    ),
    "normalize-space": Known(0, 1, _normalised),
    "translate": _plain(3, 3, _translate),
    "sum": _plain(1, 1, _sum),
    "count": _plain(1, 1, lambda values: float(len(_nodes(values[0])))),
    "floor": _of_number(lambda number: math.floor(number) if math.isfinite(number) else number),
    "ceiling": _of_number(lambda number: math.ceil(number) if math.isfinite(number) else number),
    "round": _plain(1, 2, lambda values: rounded(*(as_number(value) for value in values))),
    "position": Known(0, 1, _position),
    "last": Known(0, 0, lambda context, _values: float(context.size)),
    "name": Known(0, 1, _name),
    "local-name": Known(0, 1, _name),
}

_CHOICES: Final[Mapping[str, Known]] = {
    "selected": _plain(2, 2, _selected),
    "selected-at": _plain(2, 2, _selected_at),
    "count-selected": _plain(1, 1, lambda values: float(len(as_text(values[0]).split()))),
    "checklist": _plain(3, None, _checklist),
    "weighted-checklist": _plain(4, None, _weighted_checklist),
    "boolean-from-string": _plain(
        1, 1, lambda values: as_text(values[0]).strip().lower() in {"1", "true"}
    ),
    "coalesce": _plain(2, 2, lambda values: as_text(values[0]) or as_text(values[1])),
    "once": Known(1, 1, _once),
}

_TEXTS: Final[Mapping[str, Known]] = {
    "regex": _plain(2, 2, _is_match),
    "substr": _plain(2, 3, _substr),
    "join": _plain(2, None, _joined),
    "digest": _plain(2, 3, _digest),
    "uuid": Known(0, 0, lambda context, _values: context.around.uuid()),
}

_NUMBERS: Final[Mapping[str, Known]] = {
    "int": _plain(1, 1, _whole),
    "abs": _of_number(math.fabs),
    "min": _plain(1, None, _least),
    "max": _plain(1, None, _most),
    "pow": _of_number(math.pow, 2),
    "sqrt": _of_number(math.sqrt),
    "exp": _of_number(math.exp),
    "exp10": _of_number(lambda number: math.pow(10.0, number)),
    "log": _of_number(math.log),
    "log10": _of_number(math.log10),
    "sin": _of_number(math.sin),
    "cos": _of_number(math.cos),
    "tan": _of_number(math.tan),
    "asin": _of_number(math.asin),
    "acos": _of_number(math.acos),
    "atan": _of_number(math.atan),
    "atan2": _of_number(math.atan2, 2),
    "pi": _of_number(lambda: math.pi, 0),
    "random": Known(0, 0, lambda context, _values: context.around.random()),
    "count-non-empty": _plain(
        1, 1, lambda values: float(sum(1 for each in _nodes(values[0]) if each.string_value()))
    ),
    "indexed-repeat": _plain(3, 7, _indexed_repeat),
}

_DATES: Final[Mapping[str, Known]] = {
    "today": Known(0, 0, lambda context, _values: context.around.now().date().isoformat()),
    "now": Known(
        0, 0, lambda context, _values: context.around.now().isoformat(timespec="milliseconds")
    ),
    "date": _plain(1, 1, lambda values: date_text(values[0])),
    "date-time": _plain(1, 1, lambda values: date_time_text(values[0])),
    "format-date": _plain(2, 2, lambda values: format_date(values[0], as_text(values[1]))),
    "format-date-time": _plain(2, 2, lambda values: format_date(values[0], as_text(values[1]))),
    "decimal-date-time": _plain(1, 1, lambda values: decimal_date_time(values[0])),
    "decimal-time": _plain(1, 1, lambda values: decimal_time(values[0])),
}

FUNCTIONS: Final[Mapping[str, Known]] = {
    **_XPATH,
    **_CHOICES,
    **_TEXTS,
    **_NUMBERS,
    **_DATES,
}
"""Functions whose arguments are all evaluated before the call."""

SPECIAL: Final[Mapping[str, tuple[int, int]]] = {
    "if": (3, 3),
    "current": (0, 0),
    "instance": (1, 1),
    "jr:choice-name": (2, 2),
}
"""Functions that look at their arguments themselves, with how many they take at least and most."""


def arity(name: str) -> tuple[int, int | None] | None:
    """Return how many arguments a function takes, None when it is not known here."""
    if name in SPECIAL:
        return SPECIAL[name]
    known = FUNCTIONS.get(name)
    return None if known is None else (known.least, known.most)
