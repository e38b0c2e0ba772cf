"""Decides how parts of a long work are done: here one after another, elsewhere by other machines.

Every runner calls the same function once for each part and gives the results in the order of the
parts, so that what comes out does not depend on who did it. A part that was begun and lost, because
its worker died, is done anew: the function must do the same when it is called twice.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Protocol, TypeVar

PartT = TypeVar("PartT")
ResultT = TypeVar("ResultT")

Done = Callable[[int, int], None]
"""Told how many parts are done, and of how many, each time that one more is."""


class BatchError(RuntimeError):
    """Work that cannot be done as asked; the text reads `place: problem; remedy`."""


class Reach(StrEnum):
    """Where parts are done: in this process, on this machine, or on other machines as well.

    Outside this process nothing is open that is open here; on other machines paths lead elsewhere.
    """

    PROCESS = "process"
    MACHINE = "machine"
    CLUSTER = "cluster"


class Runner(Protocol):
    """Does the parts of a work."""

    @property
    def reach(self) -> Reach:
        """Where the parts are done."""
        ...

    def run(
        self, work: Callable[[PartT], ResultT], parts: Sequence[PartT], done: Done
    ) -> Sequence[ResultT]:
        """Return the result of each part, in the order of the parts.

        Raises:
            BatchError: The workers were lost.
        """
        ...


class InProcess:
    """Does the parts here, one after another."""

    reach = Reach.PROCESS

    def run(
        self, work: Callable[[PartT], ResultT], parts: Sequence[PartT], done: Done
    ) -> Sequence[ResultT]:
        """Return the result of each part, in the order of the parts."""
        results: list[ResultT] = []
        for part in parts:
            results.append(work(part))
            done(len(results), len(parts))
        return results


def nobody_asks(_count: int, _of: int) -> None:
    """Take no notice of how much is done."""
