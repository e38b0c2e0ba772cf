"""Schemathesis sends what the OpenAPI description allows, and what it does not.

There is never a 500, and every answer has a status, a media type and a form that are described.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from httpx import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode, openapi
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy import Engine, select

from sync_server.access.guards_io import SESSION_COOKIE
from sync_server.db.alert_tables import ALERT
from sync_server.db.engine_io import reading
from sync_server.db.order_tables import WORK_ORDER
from sync_server.service_desk.request_rows_store import newest_page
from sync_server.shifts.incident_store import begin
from sync_server.staff.notice_store import NewMessage, leave_message
from tests.sync_server.real_parts import NOON, HandClock
from tests.sync_server.web.desk_parts import PASSWORD, SITE, Served, served
from tests.sync_server.web.intake_town import seed_homes
from wire_contracts.request_states import RequestState

ENDLESS = {"/live", "/sync/v1/poke"}
LEAVING = {"/logout", "/me/language", "/accounts/{account_id}/deactivate"}
"""They end what the others need: the session, the reader's language."""

OPERATIONS_AT_LEAST = 150

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture
def known(
    sqlite_engine: Engine, alert_ids: dict[str, str]
) -> dict[str, str | int]:  # the town is seeded before it is served
    """Return path parameter -> something that exists."""
    with sqlite_engine.begin() as connection:
        people = seed_homes(connection)
        incident = begin(connection, "burst", people["boss"], NOON)
        new = NewMessage(to_account=people["boss"], caller="", text="call back")
        leave_message(connection, new, people["liu"], NOON)
        order_id = connection.execute(select(WORK_ORDER.c.order_id).limit(1)).scalar_one()
        alert_id = connection.execute(select(ALERT.c.alert_id).limit(1)).scalar_one()
    assert alert_ids
    return {
        "order_id": order_id,
        "alert_id": alert_id,
        "account_id": people["liu"],
        "premises_id": "p-1",
        "meter_id": "GM-031207",
        "incident_id": incident.incident_id,
        "message_id": 1,
        "hall_visit_id": 1,
        "desk": "service_desk",
        "team_id": "patrol",
        "book": "slips",
        "month": "2026-10",
        "day": "2026-11-02",
    }


@pytest.fixture
def server(
    sqlite_engine: Engine, clock: HandClock, tmp_path: Path, known: dict[str, str | int]
) -> Iterator[Served]:
    site = replace(SITE, has_api_docs=True, blob_folder=tmp_path, open311_keys={"a": "k" * 32})
    with served(sqlite_engine, clock, site) as found:
        with Client(base_url=found.base_url, headers={"Origin": found.base_url}) as agent:
            agent.post("/login", data={"login": "liu", "password": PASSWORD})
            agent.post("/intake", data={"line": "nowater 3-2-1101"})
            agent.post("/hall/numbers", data={"need": "pay"})
        with reading(sqlite_engine) as connection:
            states = frozenset(RequestState)
            known["request_id"] = newest_page(connection, states, None, 1)[0].request_id
        yield found


@dataclass(slots=True)
class Asker:
    """Sends cases as the director does; every second one names something that exists."""

    server: Served
    token: str
    known: dict[str, str | int]
    count: int = 0
    failed: list[str] = field(default_factory=list)

    def ask(self, case: Case) -> None:  # type: ignore[type-arg]  # of four types of its own
        self.count += 1
        if self.count % 2 and case.path_parameters:
            case.path_parameters = {
                key: self.known.get(key, value) for key, value in case.path_parameters.items()
            }
        answer = case.call(
            base_url=self.server.base_url,
            headers={"Origin": self.server.base_url, "Accept": self._accept()},
            cookies={SESSION_COOKIE: self.token},
            timeout=60,
            allow_redirects=False,
        )
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as problems:
            self.failed += [
                f"{case.method} {case.path}: {each.title}: {each.message}"
                for each in problems.exceptions
            ]

    def _accept(self) -> str:
        """Return what a person's browser accepts, or, every third time, what a program does."""
        return "application/json" if self.count % 3 == 0 else "text/html"


def asked_all(
    server: Served, known: dict[str, str | int], modes: tuple[GenerationMode, ...], examples: int
) -> Asker:
    """Return the asker after it sent so many cases of each mode to every operation."""
    with Client(base_url=server.base_url, headers={"Origin": server.base_url}) as boss:
        boss.post("/login", data={"login": "boss", "password": PASSWORD})
        asker = Asker(server, boss.cookies[SESSION_COOKIE], known)
        schema = openapi.from_dict(boss.get("/openapi.json").json())
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        if operation.path in ENDLESS | LEAVING:
            continue
        for mode in modes:
            strategy = operation.as_strategy(generation_mode=mode)
            run = settings(
                max_examples=examples,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
                derandomize=examples == 1,
            )(given(case=strategy)(asker.ask))
            with suppress(Unsatisfiable):  # nothing that is sent to it could be wrong
                run()
    return asker


def test_every_operation_answers_as_it_is_described(
    server: Served, known: dict[str, str | int]
) -> None:
    asker = asked_all(server, known, (GenerationMode.POSITIVE,), 1)

    assert asker.count >= OPERATIONS_AT_LEAST
    assert "\n".join(asker.failed) == ""


@pytest.mark.nightly
@pytest.mark.timeout(3000)
def test_every_operation_answers_as_it_is_described_for_a_long_time(
    server: Served, known: dict[str, str | int]
) -> None:
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    asker = asked_all(server, known, modes, 60)

    assert "\n".join(asker.failed) == ""
