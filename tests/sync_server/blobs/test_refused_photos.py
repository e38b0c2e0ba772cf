"""A photo that cannot be taken is somebody's business, once, with an owner and a due time."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from sync_server.access.roles import Role
from sync_server.sync.photo_reviews import BLOB_ENTITY
from sync_server.sync.review_store import ReviewItem, ReviewKind, list_reviews
from tests.sync_server.blobs.blob_parts import (
    Depot,
    depot_of,
    jpeg,
    name_of,
    offer_of,
    photo_fact,
)
from tests.sync_server.people_parts import Pen, found_utility
from tests.sync_server.real_parts import HandClock
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.orders import ENTITY


@pytest.fixture
def depot(sqlite_engine: Engine, clock: HandClock, tmp_path: Path) -> Depot:
    return depot_of(found_utility(sqlite_engine, clock), tmp_path / "blobs")


def open_items(depot: Depot) -> list[ReviewItem]:
    with depot.utility.engine.begin() as connection:
        found = list_reviews(connection)
    return [item for item in found if item.kind is ReviewKind.PHOTO_REFUSED]


def send_wrong_bytes(depot: Depot, content: bytes) -> None:
    depot.intake.offer(depot.tablet, offer_of(content))
    upload = depot.intake.upload(depot.tablet, name_of(content), 0)
    assert upload is not None
    upload.add(bytes(len(content)))
    with pytest.raises(ContractError, match="another hash"):
        upload.finish()


def test_what_is_no_picture_waits_for_the_dispatcher(depot: Depot) -> None:
    content = b"<svg onload='alert(1)'/>" * 100

    with pytest.raises(ContractError, match="neither JPEG nor PNG"):
        depot.send(content)

    (item,) = open_items(depot)
    assert (item.owner_role, item.code) == (Role.DISPATCHER, Code.BLOB_CONTENT)
    assert (item.entity, item.entity_id) == (BLOB_ENTITY, name_of(content))
    assert item.due_at_utc - item.created_at_utc == timedelta(hours=8)


def test_it_is_about_the_order_that_names_the_photo(depot: Depot) -> None:
    content = b"no picture at all" * 100
    pen = Pen(actor=depot.utility.member.account_id, clock=depot.utility.clock)
    pen.push(depot.utility.sync(), photo_fact(pen, "order-1", content))

    with pytest.raises(ContractError, match="neither JPEG nor PNG"):
        depot.send(content)

    assert [(item.entity, item.entity_id) for item in open_items(depot)] == [(ENTITY, "order-1")]


def test_a_torn_upload_is_the_networks_business_until_it_has_failed_three_times(
    depot: Depot,
) -> None:
    content = jpeg(1, at_least_bytes=5_000)
    send_wrong_bytes(depot, content)
    send_wrong_bytes(depot, content)
    before = open_items(depot)

    send_wrong_bytes(depot, content)

    assert before == []
    assert [item.code for item in open_items(depot)] == [Code.BLOB_HASH]
    assert depot.send(content)


def test_one_open_item_is_enough(depot: Depot) -> None:
    depot.intake.refuse_offer("a" * 64)

    depot.intake.refuse_offer("a" * 64)

    assert [item.code for item in open_items(depot)] == [Code.PAYLOAD_TOO_LARGE]
