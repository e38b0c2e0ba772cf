"""The blobs' conversation over real sockets: tus 1.0 core, torn requests, refusals."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from requests import Response, Session
from sqlalchemy import Engine

from sync_server.access.api_io import enrolment_router
from sync_server.access.desk import AccessDesk
from sync_server.access.error_answers_io import install_error_answers
from sync_server.access.tablet_store import enrol_tablet, issue_enrolment_code
from sync_server.blobs.api_io import MAX_OFFER_BYTES, blobs_router
from tests.sync_server.blobs.blob_parts import Depot, depot_of, jpeg, name_of, offer_of
from tests.sync_server.people_parts import QUICK_HASHER, found_utility
from tests.sync_server.real_parts import NOON, HandClock, wait_until
from tests.sync_server.served_app import served
from wire_contracts.blobs import BLOBS_PATH, CHUNK_TYPE, blob_path, dump_offer
from wire_contracts.enrolment import EnrolRequest
from wire_contracts.sync import PROTOCOL_HEADER

TUS = {"Tus-Resumable": "1.0.0"}
CONTENT = jpeg(1, at_least_bytes=150_000)
NAME = name_of(CONTENT)


class Tablet:
    """Asks one served application with a tablet's token."""

    def __init__(self, base_url: str, token: str) -> None:
        self.base_url = base_url
        self.token = token
        self.session = Session()
        self.session.headers["Authorization"] = f"Bearer {token}"

    def ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Response:
        return self.session.request(
            method, self.base_url + path, data=body, headers=headers, timeout=20
        )

    def offer(self, body: bytes | None = None) -> Response:
        return self.ask("POST", BLOBS_PATH, body or dump_offer(offer_of(CONTENT)), {})

    def head(self) -> Response:
        return self.ask("HEAD", blob_path(NAME), None, TUS)

    def patch(self, offset: int, data: bytes, **changed: str) -> Response:
        headers = {**TUS, "Upload-Offset": str(offset), "Content-Type": CHUNK_TYPE, **changed}
        return self.ask("PATCH", blob_path(NAME), data, headers)


@pytest.fixture
def depot(sqlite_engine: Engine, clock: HandClock, tmp_path: Path) -> Depot:
    return depot_of(found_utility(sqlite_engine, clock), tmp_path / "blobs")


@pytest.fixture
def tablet(depot: Depot) -> Iterator[Tablet]:
    from fastapi import FastAPI  # noqa: PLC0415  # the application of this test alone

    app = FastAPI()
    app.state.access = AccessDesk(depot.utility.engine, depot.utility.clock, QUICK_HASHER)
    install_error_answers(app)
    app.include_router(enrolment_router())
    app.include_router(blobs_router(depot.intake))
    with depot.utility.engine.begin() as connection:
        code = issue_enrolment_code(connection, "crew-1", "test", NOON).code
        token = enrol_tablet(connection, EnrolRequest(code=code, name="t"), NOON).token
    with served(app) as base_url:
        found = Tablet(base_url, token)
        yield found
        found.session.close()


def test_an_upload_follows_tus(tablet: Tablet, depot: Depot) -> None:
    before = tablet.head()
    offered = tablet.offer()
    first = tablet.patch(0, CONTENT[:100_000])
    standing = tablet.head()
    last = tablet.patch(100_000, CONTENT[100_000:])
    after = tablet.head()

    assert before.status_code == 404
    assert offered.json() == {"v": 1, "have": False, "offset": 0, "upload": blob_path(NAME)}
    assert (first.status_code, first.headers["Upload-Offset"]) == (204, "100000")
    assert standing.headers["Upload-Offset"] == "100000"
    assert standing.headers["Upload-Length"] == str(len(CONTENT))
    assert standing.headers["Cache-Control"] == "no-store"
    assert (last.status_code, last.headers["Lamp-Blob"]) == (204, "have")
    assert (after.headers["Upload-Offset"], after.headers["Lamp-Blob"]) == (
        str(len(CONTENT)),
        "have",
    )
    assert tablet.offer().json()["have"] is True
    assert depot.files.is_intact(NAME)
    for answer in (before, offered, first, standing, last, after):
        assert answer.headers[PROTOCOL_HEADER].isdecimal()


def test_a_wrong_offset_is_told_where_to_go_on(tablet: Tablet) -> None:
    tablet.offer()
    tablet.patch(0, CONTENT[:1000])

    answer = tablet.patch(0, CONTENT[:1000])

    assert (answer.status_code, answer.headers["Upload-Offset"]) == (409, "1000")
    assert answer.json()["code"] == "blob.offset"


def test_what_came_of_a_torn_request_counts(tablet: Tablet, depot: Depot) -> None:
    tablet.offer()
    host, _, port = tablet.base_url.removeprefix("http://").partition(":")
    head = (
        f"PATCH {blob_path(NAME)} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {tablet.token}"
        f"\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Type: {CHUNK_TYPE}\r\n"
        f"Content-Length: {len(CONTENT)}\r\n\r\n"
    )
    with socket.create_connection((host, int(port))) as torn:
        torn.sendall(head.encode() + CONTENT[:40_000])
        wait_until(lambda: [each.offset for each in depot.files.partials()] == [40_000])

    answer = tablet.head()

    assert answer.headers["Upload-Offset"] == "40000"
    assert tablet.patch(40_000, CONTENT[40_000:]).headers["Lamp-Blob"] == "have"


def test_more_bytes_than_were_offered_are_not_taken(tablet: Tablet, depot: Depot) -> None:
    tablet.offer()

    answer = tablet.patch(0, CONTENT + b"more")

    assert answer.status_code == 409
    assert depot.files.size_of(NAME) is None


def test_another_version_of_tus_is_told_ours(tablet: Tablet) -> None:
    tablet.offer()

    answer = tablet.patch(0, b"x", **{"Tus-Resumable": "0.2.2"})

    assert (answer.status_code, answer.headers["Tus-Version"]) == (412, "1.0.0")


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Upload-Offset": "-1"}, 400),
        ({"Upload-Offset": "9" * 30}, 400),
        ({"Upload-Offset": "99999999999"}, 400),
    ],
)
def test_a_broken_request_changes_nothing(
    tablet: Tablet, depot: Depot, changed: dict[str, str], status: int
) -> None:
    tablet.offer()

    answer = tablet.patch(0, b"x", **changed)

    assert answer.status_code == status
    assert [partial.offset for partial in depot.files.partials()] == [0]


@pytest.mark.parametrize(
    "changed",
    [
        {"size": 13 * 1024 * 1024},
        {"size": 0},
        {"mime": "image/svg+xml"},
        {"role": "video"},
        {"sha256": "../../etc/passwd"},
        {"sha256": NAME.upper()},
        {"role": "thumb", "size": 41 * 1024},
        {"role": "signature"},
    ],
)
def test_what_is_not_taken_is_refused_at_the_offer(
    tablet: Tablet, depot: Depot, changed: dict[str, object]
) -> None:
    offer = {"v": 1, "sha256": NAME, "size": 1000, "mime": "image/jpeg", "role": "photo"}

    answer = tablet.offer(json.dumps(offer | changed).encode())

    assert answer.status_code == 400
    assert list(depot.files.partials()) == []


def test_an_endless_offer_is_cut_off(tablet: Tablet) -> None:
    answer = tablet.offer(b" " * (MAX_OFFER_BYTES + 1))

    assert answer.status_code == 413


def test_nobody_without_a_token_sends_or_asks(tablet: Tablet, depot: Depot) -> None:
    tablet.session.headers["Authorization"] = "Bearer nobody"

    answers = [tablet.offer(), tablet.head(), tablet.patch(0, b"x")]

    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert list(depot.files.partials()) == []
