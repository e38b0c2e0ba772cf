"""Decides what a change does to a patrol's route: its stops in order, never one twice."""

from collections.abc import Sequence
from enum import StrEnum

from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.patrols import MOST_STOPS


class StopChange(StrEnum):
    """What the office does to one stop of a route."""

    ADD = "add"
    REMOVE = "remove"
    EARLIER = "earlier"
    LATER = "later"


def changed_stops(stops: Sequence[str], change: StopChange, stop: str) -> tuple[str, ...]:
    """Return the stops after a change; at the end of the row a step further changes nothing.

    Raises:
        ContractError: The stop is on the route already, is not on it, or the route is full.
    """
    row = list(stops)
    if change is StopChange.ADD:
        if stop in row:
            raise _refused(stop, "is on the route already", "choose another place")
        if len(row) >= MOST_STOPS:
            raise _refused(stop, f"would be one more than {MOST_STOPS}", "plan a second route")
        return (*row, stop)
    if stop not in row:
        raise _refused(stop, "is not on the route", "reload the page")
    at = row.index(stop)
    row.remove(stop)
    if change is StopChange.EARLIER:
        row.insert(max(0, at - 1), stop)
    if change is StopChange.LATER:
        row.insert(at + 1, stop)
    return tuple(row)


def _refused(stop: str, problem: str, remedy: str) -> ContractError:
    return ContractError(
        place="route", field=f"stop {stop}", problem=problem, remedy=remedy, code=Code.STATE
    )
