"""Decides what a failed contact means: the reason to show, and how long to wait."""

from enum import StrEnum
from typing import Final


class Reason(StrEnum):
    """Why the tablet has no contact; NONE means it has."""

    NONE = "none"
    NEVER_TRIED = "never_tried"
    SWITCHED_OFF = "switched_off"
    NO_NETWORK = "no_network"
    CAPTIVE_PORTAL = "captive_portal"
    LOGIN = "login"
    TOO_OLD = "too_old"
    SERVER = "server"
    NOT_ENROLLED = "not_enrolled"
    WITHDRAWN = "withdrawn"
    NO_ROOM = "no_room"
    DAMAGED = "damaged"


class SyncProblem(Exception):  # noqa: N818  # a state of the world that is shown, not a bug
    """A contact that did not come about; nothing was changed by it.

    Attributes:
        reason: What to show.
        detail: The full text for whoever repairs it.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        """Keep reason and detail."""
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class RequestRefused(SyncProblem):
    """The server understood who asks and refuses this very request (400, 413, 422).

    Asking the same again cannot help; a smaller request, or one without the broken part, can.
    """

    def __init__(self, detail: str) -> None:
        """Keep the detail; to a person it is a problem of the server."""
        super().__init__(Reason.SERVER, detail)


FIRST_WAIT_S: Final = 2.0
LONGEST_WAIT_S: Final = 300.0
"""Wall seconds: a crew that leaves a cellar is served within five minutes without a tap."""

IDLE_WAIT_S: Final = 30.0
"""Wall seconds between two contacts while all is well."""

STOPPED_WAIT_S: Final = 900.0
"""Wall seconds while a person must act first (log-in, update): ask rarely, never give up."""

_NEEDS_PERSON = frozenset({Reason.LOGIN, Reason.TOO_OLD, Reason.NOT_ENROLLED, Reason.WITHDRAWN})


def wait_after(reason: Reason, failed_tries: int) -> float:
    """Return the wall seconds until the next try after `failed_tries` failures in a row."""
    if reason is Reason.NONE:
        return IDLE_WAIT_S
    if reason in _NEEDS_PERSON:
        return STOPPED_WAIT_S
    return min(FIRST_WAIT_S * 2.0 ** min(max(failed_tries - 1, 0), 20), LONGEST_WAIT_S)
