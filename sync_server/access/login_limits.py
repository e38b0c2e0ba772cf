"""Decides how many failed log-ins are too many, so that guessing costs time and locks out nobody.

The failures of one pair of name and address are limited hard, an address alone and a name alone
wider. A browser that has logged in under this name before is counted by itself: strangers who try
the name from a hundred addresses, or from behind the same one, do not keep its owner out.
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
    BROWSER = "browser"
    FACTOR_PAIR = "factor_pair"
    FACTOR = "factor"


MOST_FAILURES: dict[LimitScope, int] = {
    LimitScope.PAIR: 5,
    LimitScope.ADDRESS: 30,
    LimitScope.LOGIN: 100,
    LimitScope.CODE_ADDRESS: 10,
    LimitScope.BROWSER: 10,
    LimitScope.FACTOR_PAIR: 5,
    LimitScope.FACTOR: 20,
}
"""Failures inside WINDOW after which the next try is not even checked.

Ten tries in a code's ten minutes against 32**8 codes: one guess in 10**11 succeeds.
Twenty tries of a second factor in WINDOW against three codes in a million: whoever has the password
already finds one in half a year at best; recovery codes stay open to the owner meanwhile."""


def is_limited(scope: LimitScope, failure_count: int) -> bool:
    """Return whether the next try must wait, given the failures inside the window."""
    return failure_count >= MOST_FAILURES[scope]
