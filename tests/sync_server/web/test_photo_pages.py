"""The control room sees the crew's photos: re-encoded, with what is pending, behind its guard."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from PIL import Image
from sqlalchemy import Engine

from sync_server.access.roles import Role
from sync_server.blobs.blob_store import find_blob
from sync_server.db.engine_io import reading
from sync_server.web.alert_views import href_of
from sync_server.work_orders.order_store import create_from_alert
from tests.sync_server.blobs.blob_parts import Depot, depot_of, jpeg, name_of, photo_fact
from tests.sync_server.people_parts import Pen, found_utility, raise_leak
from tests.sync_server.real_parts import NOON, HandClock
from tests.sync_server.web.desk_parts import PASSWORD, SITE, Served, add_person, served
from wire_contracts.blobs import WantReason

CAMERA = b"Exif\0\0secret camera"


@pytest.fixture
def depot(sqlite_engine: Engine, clock: HandClock, tmp_path: Path) -> Depot:
    depot = depot_of(found_utility(sqlite_engine, clock), tmp_path / "blobs")
    with sqlite_engine.begin() as connection:
        add_person(connection, "root", Role.ADMINISTRATOR)
        add_person(connection, "zhou", Role.DISPATCHER)
    return depot


@pytest.fixture
def pen(depot: Depot) -> Pen:
    return Pen(actor=depot.utility.member.account_id, clock=depot.utility.clock)


@pytest.fixture
def alert_id(depot: Depot) -> str:
    with depot.utility.engine.begin() as connection:
        return raise_leak(connection)


@pytest.fixture
def order_id(depot: Depot, alert_id: str) -> str:
    with depot.utility.engine.begin() as connection:
        dispatcher = depot.utility.dispatcher.account_id
        return create_from_alert(connection, alert_id, dispatcher, "crew-1", NOON).order_id


@pytest.fixture
def server(depot: Depot) -> Iterator[Served]:
    settings = replace(SITE, blob_folder=depot.files.root)
    with served(depot.utility.engine, depot.utility.clock, settings) as found:
        yield found


def logged_in(server: Served, login: str = "zhou") -> requests.Session:
    session = requests.Session()
    session.headers["Origin"] = server.base_url
    form = {"login": login, "password": PASSWORD, "back": "/"}
    answer = session.post(f"{server.base_url}/login", data=form, timeout=20)
    assert answer.status_code == 200
    return session


def picture(content: bytes) -> bytes:
    """Return the photo with a camera's words in it, as an old tablet might send it."""
    segment = b"\xff\xe1" + (len(CAMERA) + 2).to_bytes(2, "big") + CAMERA
    return content[:2] + segment + content[2:]


def test_the_order_shows_its_photos_and_what_is_pending(
    depot: Depot, pen: Pen, order_id: str, server: Served
) -> None:
    here, thumb, away = jpeg(1), jpeg(2), jpeg(3, at_least_bytes=2_100_000)
    sync = depot.utility.sync()
    pen.push(sync, photo_fact(pen, order_id, here), photo_fact(pen, order_id, away, thumb))
    depot.send(here)
    depot.send(thumb)

    with logged_in(server) as session:
        page = session.get(f"{server.base_url}/orders/{order_id}", timeout=20).text

    assert f"/photos/{name_of(here)}/large" in page
    assert f"/photos/{name_of(thumb)}/small" in page
    assert f"/photos/{name_of(away)}/large" not in page
    assert "photo pending (1 of 2 here, 2.1 MB to come)" in page
    assert "original still on the tablet, 2.1 MB" in page


def test_the_alert_shows_the_photos_of_its_order(
    depot: Depot, pen: Pen, alert_id: str, order_id: str, server: Served
) -> None:
    content = jpeg(1)
    pen.push(depot.utility.sync(), photo_fact(pen, order_id, content))
    depot.send(content)

    with logged_in(server) as session:
        page = session.get(f"{server.base_url}{href_of(alert_id)}", timeout=20).text

    assert f"/photos/{name_of(content)}/small" in page


def test_what_is_shown_is_encoded_anew_without_metadata(
    depot: Depot, pen: Pen, order_id: str, server: Served
) -> None:
    content = picture(jpeg(1, size=(2400, 1800)))
    pen.push(depot.utility.sync(), photo_fact(pen, order_id, content))
    depot.send(content)

    with logged_in(server) as session:
        answers = [
            session.get(f"{server.base_url}/photos/{name_of(content)}/{size}", timeout=20)
            for size in ("small", "large", "large")
        ]

    shown = Image.open(io.BytesIO(answers[1].content))
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert answers[0].headers["content-type"] == "image/jpeg"
    assert shown.size == (1600, 1200)
    assert all(b"Exif" not in answer.content for answer in answers)
    assert b"secret camera" in depot.files.path_of(name_of(content)).read_bytes()


def test_nobody_sees_a_photo_without_the_right_to_see_orders(
    depot: Depot, pen: Pen, order_id: str, server: Served
) -> None:
    content = jpeg(1)
    pen.push(depot.utility.sync(), photo_fact(pen, order_id, content))
    depot.send(content)
    url = f"{server.base_url}/photos/{name_of(content)}/small"

    with requests.Session() as stranger, logged_in(server, "root") as administrator:
        answers = [stranger.get(url, timeout=20), administrator.get(url, timeout=20)]

    assert [answer.status_code for answer in answers] == [401, 403]


def test_a_photo_of_no_order_is_not_shown(depot: Depot, server: Served) -> None:
    content = jpeg(1)
    depot.send(content)

    with logged_in(server) as session:
        urls = [f"{server.base_url}/photos/{name}/small" for name in (name_of(content), "f" * 64)]
        answers = [session.get(url, timeout=20) for url in (*urls, urls[0][:-5] + "full")]

    assert [answer.status_code for answer in answers] == [404, 404, 400]


def test_a_dispatcher_asks_for_an_original(
    depot: Depot, pen: Pen, order_id: str, server: Served
) -> None:
    content = jpeg(1)
    pen.push(depot.utility.sync(), photo_fact(pen, order_id, content))

    with logged_in(server) as session:
        page = session.post(
            f"{server.base_url}/photos/{name_of(content)}/want",
            data={"back": f"/orders/{order_id}"},
            timeout=20,
        )

    with reading(depot.utility.engine) as connection:
        known = find_blob(connection, name_of(content))
    assert known is not None
    assert known.wanted_reason is WantReason.PERSON
    assert "asked for; comes with the next contact" in page.text


def test_a_picture_that_cannot_be_decoded_is_said_so(
    depot: Depot, pen: Pen, order_id: str, server: Served
) -> None:
    whole = jpeg(1, size=(640, 480))
    content = whole[: len(whole) // 2]
    pen.push(depot.utility.sync(), photo_fact(pen, order_id, content))
    assert depot.send(content)

    with logged_in(server) as session:
        answer = session.get(f"{server.base_url}/photos/{name_of(content)}/small", timeout=20)

    assert answer.status_code == 404
    assert "cannot be read" in answer.json()["text"]
