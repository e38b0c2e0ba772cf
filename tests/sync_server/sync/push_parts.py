"""What the tests of a push share: a town, a pen, and shorter words for outcomes."""

from collections.abc import Iterable
from dataclasses import replace

from sync_server.sync.review_store import ReviewKind, list_reviews
from tests.sync_server.people_parts import Pen, Utility
from wire_contracts.codes import Code
from wire_contracts.frames import ms_from_utc
from wire_contracts.operations import (
    Operation,
    OperationResult,
    Outcome,
)


def push(utility: Utility, pen: Pen, *operations: Operation) -> list[OperationResult]:
    return pen.push(utility.sync(), *operations)


def outcome(result: OperationResult) -> tuple[Outcome, Code | None]:
    return result.outcome, result.code


def repeated(results: Iterable[OperationResult], taken: Pen) -> list[OperationResult]:
    """Return what is answered to a push that came before, at the hour of the pen's clock."""
    at_ms = ms_from_utc(taken.clock.now_utc())
    return [replace(each, at_ms=at_ms) for each in results]


def refused(code: Code) -> tuple[Outcome, Code | None]:
    return Outcome.REFUSED, code


def reviews(utility: Utility, kind: ReviewKind) -> list[str | None]:
    with utility.engine.connect() as connection:
        return [item.op_id for item in list_reviews(connection) if item.kind is kind]
