"""Carries out what a page asks for; what the state of things does not allow is said on the page."""

from collections.abc import Callable

from sqlalchemy import Connection

from sync_server.service_desk.request_store import Office
from sync_server.web.intake_io import office_of
from sync_server.web.pages_io import Pages, Reader
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.life_cycle import RefusedTransition


def attempt(
    pages: Pages, reader: Reader, change: Callable[[Connection, Office], object]
) -> str | None:
    """Carry a change out in one transaction; return why it cannot be now, None when it was done.

    Raises:
        ContractError: It is refused for another reason than the state of things.
    """
    try:
        with pages.engine.begin() as connection:
            change(connection, office_of(pages, reader))
    except RefusedTransition as problem:
        return str(problem)
    except ContractError as problem:
        if problem.code is not Code.STATE:
            raise
        return str(problem)
    return None
