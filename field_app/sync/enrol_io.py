"""Trades a one-time code for the tablet's token."""

from contextlib import closing

from field_app.store.identity_io import Identity
from field_app.sync.client_io import HttpSession
from field_app.sync.reasons import Reason, SyncProblem
from wire_contracts.enrolment import (
    ENROL_PATH,
    MAX_EARLIER,
    EnrolRequest,
    dump_enrol,
    parse_enrol_answer,
    token_mark,
)
from wire_contracts.errors import ContractError


def enrol(server_url: str, code: str, device_name: str, former: Identity | None = None) -> Identity:
    """Return who this tablet is from now on; the first person of the crew is chosen.

    The server is told which tokens the tablet had before, by their marks alone: what waits was made
    under those enrolments, and a restored server may not know the last.

    Raises:
        SyncProblem: The code was refused, or the server was not reached; the detail says which.
    """
    marks = () if former is None else (token_mark(former.token), *former.former_marks)
    request = EnrolRequest(
        code=code.strip(),
        name=device_name,
        former=marks[0] if marks else "",
        earlier=marks[1 : 1 + MAX_EARLIER],
    )
    with closing(HttpSession(server_url)) as http:
        root = http.ask("POST", ENROL_PATH, body=dump_enrol(request))
    try:
        answer = parse_enrol_answer(root)
    except ContractError as error:
        raise SyncProblem(Reason.SERVER, str(error)) from error
    people = tuple(answer.people)
    return Identity(
        server_url=server_url,
        tablet_id=answer.tablet_id,
        token=answer.token,
        expires_at_utc=answer.expires_at_utc,
        crew_id=answer.crew_id,
        people=people,
        actor=people[0].account_id if people else answer.tablet_id,
        crew_name=answer.crew_name,
        former_marks=marks[: 1 + MAX_EARLIER],
    )
