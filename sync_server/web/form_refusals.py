"""What is wrong with a sent form, as refusals that name field, problem and remedy."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

_LONGEST_VALUE = 40
"""Letters of a wrong value that are shown again."""

_Limits = Mapping[str, object]


def _bound(limits: _Limits, name: str) -> str:
    """Return a limit without a decimal point that says nothing."""
    return str(limits.get(name)).removesuffix(".0")


_SAID: Final[Mapping[str, Callable[[str, _Limits], str]]] = {
    "missing": lambda _value, _limits: "is missing; fill it in",
    "string_too_long": lambda _value, limits: (
        f"is longer than {limits.get('max_length')} letters; shorten it"
    ),
    "string_too_short": lambda _value, limits: (
        f"is shorter than {limits.get('min_length')} letters; write more"
    ),
    "int": lambda value, _limits: f"{value} is no whole number; write digits only",
    "float": lambda value, _limits: (
        f"{value} is no number; write digits, with a point before the decimals"
    ),
    "finite": lambda value, _limits: (
        f"{value} is no number; write digits, with a point before the decimals"
    ),
    "date": lambda value, _limits: f"{value} is no date; write a day such as 2026-12-01",
    "enum": lambda value, _limits: f"{value} is none of the choices; choose one from the list",
    "literal": lambda value, _limits: f"{value} is none of the choices; choose one from the list",
    "bool": lambda value, _limits: f"{value} is none of the choices; choose one from the list",
    "greater_than_equal": lambda value, limits: (
        f"{value} is less than {_bound(limits, 'ge')}; write {_bound(limits, 'ge')} or more"
    ),
    "less_than_equal": lambda value, limits: (
        f"{value} is more than {_bound(limits, 'le')}; write {_bound(limits, 'le')} or less"
    ),
    "string_pattern_mismatch": lambda value, _limits: (
        f"{value} is not written as it is wanted; write it like the example"
    ),
}
"""Type of a problem, or its first word, -> problem and remedy."""


def form_refusals(problems: Sequence[Mapping[str, object]]) -> Sequence[str]:
    """Return `form: field: problem; remedy` for each problem that pydantic tells of a form.

    Args:
        problems: What `RequestValidationError.errors()` gives: `loc`, `type`, `input`, `ctx`.
    """
    return [_refusal(each) for each in problems]


def is_of_the_path(problems: Sequence[Mapping[str, object]]) -> bool:
    """Return whether the address itself names what cannot exist."""
    return any(_place(each)[:1] == ["path"] for each in problems)


def _refusal(problem: Mapping[str, object]) -> str:
    kind, limits = str(problem.get("type", "")), problem.get("ctx")
    said = _SAID.get(kind) or _SAID.get(kind.partition("_")[0])
    value = repr(str(problem.get("input", ""))[:_LONGEST_VALUE])
    field = next((each for each in reversed(_place(problem)) if not each.isdigit()), "")
    if said is None:
        return f"form: {field}: {value} cannot be used; correct it"
    return f"form: {field}: {said(value, limits if isinstance(limits, Mapping) else {})}"


def _place(problem: Mapping[str, object]) -> Sequence[str]:
    place = problem.get("loc")
    return [str(each) for each in place] if isinstance(place, tuple | list) else []
