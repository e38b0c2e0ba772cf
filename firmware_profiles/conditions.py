"""What a value must be, as data: one list of comparisons for identification and validity."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from firmware_profiles.codings import Raw

Literal = Fraction | str
"""A number, or a text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Comparisons of one value; every one that is stated must hold.

    Attributes:
        one_of: The values it may have; empty allows any.
        minimum: Least number, itself allowed.
        maximum: Greatest number, itself allowed.
        mask: Bits to look at before a number is compared with `one_of`.
        starts: What a text must begin with.
        contains: What a text must contain, upper and lower case alike.
    """

    one_of: Sequence[Literal] = ()
    minimum: Fraction | None = None
    maximum: Fraction | None = None
    mask: int | None = None
    starts: str | None = None
    contains: str | None = None

    @property
    def is_exact(self) -> bool:
        """Whether it names the value itself, and not one that unused memory would have too."""
        texts = (self.starts, self.contains)
        return any(texts) or any(literal not in (0, "") for literal in self.one_of)

    @property
    def is_empty(self) -> bool:
        """Whether it allows any value at all."""
        limits = (self.minimum, self.maximum, self.starts, self.contains)
        return not self.one_of and all(limit is None for limit in limits)

    def holds(self, value: Raw) -> bool:
        """Return whether a value is what it must be; an array of numbers never is."""
        if isinstance(value, str):
            return self._holds_text(value.strip())
        if not isinstance(value, int | Fraction):
            return self.is_empty
        return self._holds_number(Fraction(value))

    def _holds_text(self, text: str) -> bool:
        has_numbers = self.mask is not None or self.minimum is not None or self.maximum is not None
        is_listed = not self.one_of or text in [str(literal) for literal in self.one_of]
        is_begun = self.starts is None or text.startswith(self.starts)
        is_inside = self.contains is None or self.contains.casefold() in text.casefold()
        return not has_numbers and is_listed and is_begun and is_inside

    def _holds_number(self, number: Fraction) -> bool:
        if self.starts is not None or self.contains is not None:
            return False
        if self.mask is not None:
            if number.denominator != 1:
                return False
            number = Fraction(int(number) & self.mask)
        is_high = self.minimum is None or number >= self.minimum
        is_low = self.maximum is None or number <= self.maximum
        return is_high and is_low and (not self.one_of or number in self.one_of)

    def wanted(self) -> str:
        """Return it as a person would say it, such as `60 or more`."""
        parts = [f"with mask {self.mask:#x}"] if self.mask is not None else []
        if self.one_of:
            parts.append(" or ".join(_shown(literal) for literal in self.one_of))
        if self.minimum is not None:
            parts.append(f"{_shown(self.minimum)} or more")
        if self.maximum is not None:
            parts.append(f"{_shown(self.maximum)} or less")
        if self.starts is not None:
            parts.append(f"beginning with {self.starts!r}")
        if self.contains is not None:
            parts.append(f"containing {self.contains!r}")
        return ", ".join(parts) or "anything"


def _shown(literal: Literal) -> str:
    if isinstance(literal, str):
        return repr(literal)
    return str(literal) if literal.denominator == 1 else f"{float(literal):g}"
