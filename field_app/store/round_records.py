"""Owns the names under which rounds are kept on the tablet: beside orders, never among them."""

from typing import Final

_MARK: Final = "round:"


def record_of(thing_id: str) -> str:
    """Return the record that words about a run, a home or a meter are kept under."""
    return f"{_MARK}{thing_id}"


def thing_of(record_id: str) -> str:
    """Return the id of the run, home or meter that a record of a round is about."""
    return record_id.removeprefix(_MARK)


def is_round(record_id: str) -> bool:
    """Return whether a record is one of a round and not an order."""
    return record_id.startswith(_MARK)
