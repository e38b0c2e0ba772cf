"""Counts the homes in which a hazard was noted and nothing finished: light, for every screen."""

from typing import Final

from sqlalchemy import Connection

from field_app.store import draft_store

HOME_FORM: Final = "safety_check@1"
"""The draft of a home check."""

WRONG: Final = "wrong"
"""What the page of a home says of an item that is not in order."""


def noted_homes(connection: Connection) -> int:
    """Return in how many homes anybody noted a hazard and did not finish the visit."""
    begun = draft_store.values_begun(connection, HOME_FORM).values()
    return sum(WRONG in values for values in begun)
