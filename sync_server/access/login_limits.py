"""Decides how many failed log-ins are too many, so that guessing costs time and locks out nobody.

The failures of one pair of name and address are limited hard, an address alone and a name alone
wider: a stranger who knows a name cannot keep its owner out from another address.
"""

from datetime import timedelta
from enum import StrEnum

WINDOW = timedelta(minutes=15)
"""How long a failure counts. Judgement; the audit shows how often it bites."""


class LimitScope(StrEnum):
    """What failures are counted by."""

    PAIR = "pair"
    ADDRESS = "address"
    LOGIN = "login"
    CODE_ADDRESS = "code_address"


MOST_FAILURES: dict[LimitScope, int] = {
    LimitScope.PAIR: 5,
    LimitScope.ADDRESS: 30,
    LimitScope.LOGIN: 100,
    LimitScope.CODE_ADDRESS: 10,
}
"""Failures inside WINDOW after which the next try is not even checked.

Ten tries in a code's ten minutes against 32**8 codes: one guess in 10**11 succeeds."""


def is_limited(scope: LimitScope, failure_count: int) -> bool:
    """Return whether the next try must wait, given the failures inside the window."""
    return failure_count >= MOST_FAILURES[scope]
