"""The values of a customer and of premises, and how much of a phone number a page shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

_SHOWN_FIRST, _SHOWN_LAST = 3, 4
_LONGEST_DIGITS = 20


class CustomerClass(StrEnum):
    """What kind of customer it is (domain model 1.1)."""

    RESIDENT = "resident"
    PUBLIC_WELFARE = "public_welfare"
    COMMERCIAL = "commercial"
    INDUSTRIAL = "industrial"
    INTERNAL = "internal"


class Flag(StrEnum):
    """Who goes before others in the queue (rule D-11)."""

    ELDERLY_ALONE = "elderly_alone"
    DISABLED = "disabled"
    PREGNANT = "pregnant"
    VETERAN = "veteran"


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """One customer.

    Attributes:
        phone: As it was given; empty when none is known.
        language: What the customer wants to be spoken to in, such as `zh` or `yue`.
        contact_window: When to call, in words such as `8–20`; empty: at any time.
        is_confidential: Whether the address is kept from slips (privacy rule 7).
    """

    customer_id: str
    name: str
    phone: str = ""
    customer_class: CustomerClass = CustomerClass.RESIDENT
    flags: frozenset[Flag] = frozenset()
    language: str = "zh"
    contact_window: str = ""
    is_confidential: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Premises:
    """A home or a site, with the customer who has it and the meters that hang there."""

    premises_id: str
    address: str
    community_id: str | None = None
    customer_id: str | None = None
    is_heated: bool = False
    meter_ids: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """What a search finds: premises with their customer and the community's names."""

    premises: Premises
    customer: Customer | None
    place_en: str
    place_zh: str


def digits_of(phone: str) -> str:
    """Return the digits of a number, without the country code of China; at most the last 20."""
    digits = "".join(each for each in phone if each.isascii() and each.isdigit())
    if len(digits) > 11 and digits.startswith(("0086", "86")):  # noqa: PLR2004  # GSM: 11 digits
        digits = digits.removeprefix("00").removeprefix("86")
    return digits[-_LONGEST_DIGITS:]


def masked(phone: str) -> str:
    """Return a number as lists show it: the first three and last four digits (privacy rule 2)."""
    digits = digits_of(phone)
    if len(digits) < _SHOWN_FIRST + _SHOWN_LAST:
        return "*" * len(digits)
    return f"{digits[:_SHOWN_FIRST]} **** {digits[-_SHOWN_LAST:]}"
