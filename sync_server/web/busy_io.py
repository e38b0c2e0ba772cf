"""Answers in the reader's language when the database had no turn for what was asked."""

import structlog
from fastapi import Request
from fastapi.responses import Response
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from structlog.typing import FilteringBoundLogger

from sync_server.access.guards_io import person_of
from sync_server.web.pages_io import Pages, Reader, is_part_wanted
from sync_server.web.words import Words, mark
from wire_contracts.errors import ContractError

_LOG: FilteringBoundLogger = structlog.get_logger()

BUSY = 503
AGAIN_AFTER_S = "1"
"""A transaction of the ingest takes less than that."""


def busy_answer(pages: Pages, request: Request, error: OperationalError) -> Response:
    """Return what a person is told: it was not done, press again.

    The script gets a part that it puts before what stands there, so that the button is still there
    to press; everybody else a page. Neither asks the database for more than the reader's language.
    """
    _LOG.error("pages.database_busy", path=request.url.path, reason=str(error.orig))
    reader = _reader(pages, request)
    words = pages.door_words(request) if reader is None else reader.words
    if reader is not None and is_part_wanted(request):
        answer: Response = pages.part(
            reader, "_busy.html", problem_text=_text(words, is_form=request.method == "POST")
        )
        answer.status_code = BUSY
        answer.headers["HX-Reswap"] = "afterbegin"
    else:
        answer = pages.door(
            request,
            "door_error.html",
            status=BUSY,
            words=words,
            heading=words.gettext(mark("The database is busy")),
            problem_text=_text(words, is_form=request.method == "POST"),
        )
    answer.headers["Retry-After"] = AGAIN_AFTER_S
    return answer


def _text(words: Words, *, is_form: bool) -> str:
    if is_form:
        return words.gettext(mark("This was not done: the database was busy. Press again."))
    return words.gettext(mark("This cannot be shown: the database was busy. Load it again."))


def _reader(pages: Pages, request: Request) -> Reader | None:
    try:
        return pages.reader(person_of(request))
    except (ContractError, SQLAlchemyError):
        return None
