"""A blob is acknowledged only when hash, disk and database agree, whatever happens on the way."""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import Engine

from sync_server.blobs.blob_store import BlobState, find_blob
from sync_server.blobs.bounds import OPEN_PARTIALS, SPARE_BYTES, check_room
from sync_server.blobs.intake import MisplacedError
from sync_server.blobs.ref_store import awaited_count, count_photos
from sync_server.blobs.sweep import sweep
from sync_server.db.engine_io import reading
from sync_server.work_orders.order_store import create_from_alert
from tests.sync_server.blobs.blob_parts import (
    Depot,
    depot_of,
    jpeg,
    name_of,
    offer_of,
    photo_fact,
    signature,
)
from tests.sync_server.people_parts import Pen, found_utility, raise_leak
from tests.sync_server.real_parts import NOON, HandClock
from wire_contracts.blobs import WANT_ENTITY, BlobMime, BlobRole
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.operations import Outcome
from wire_contracts.orders import ENTITY


@pytest.fixture
def depot(engine: Engine, clock: HandClock, tmp_path: Path) -> Depot:
    return depot_of(found_utility(engine, clock), tmp_path / "blobs")


@pytest.fixture
def pen(depot: Depot) -> Pen:
    return Pen(actor=depot.utility.member.account_id, clock=depot.utility.clock)


@pytest.fixture
def order_id(depot: Depot) -> str:
    with depot.utility.engine.begin() as connection:
        alert_id = raise_leak(connection)
        dispatcher = depot.utility.dispatcher.account_id
        return create_from_alert(connection, alert_id, dispatcher, "crew-1", NOON).order_id


def state_of(depot: Depot, content: bytes) -> BlobState | None:
    with reading(depot.utility.engine) as connection:
        found = find_blob(connection, name_of(content))
    return None if found is None else found.state


def wanted_rows(depot: Depot) -> list[str]:
    answer = depot.utility.sync().pull(None, 500)
    return [
        row.entity_id for page in answer.buckets for row in page.rows if row.entity == WANT_ENTITY
    ]


def test_a_photo_is_safe_once_its_hash_was_verified(depot: Depot) -> None:
    content = jpeg(1, at_least_bytes=200_000)

    is_had = depot.send(content, chunk_bytes=64_000)

    assert is_had
    assert depot.files.path_of(name_of(content)).read_bytes() == content
    assert list(depot.files.partials()) == []
    assert state_of(depot, content) is BlobState.HAVE
    assert depot.intake.offer(depot.tablet, offer_of(content)).is_had


def test_an_upload_goes_on_where_it_stands(depot: Depot) -> None:
    content = jpeg(2, at_least_bytes=100_000)
    depot.intake.offer(depot.tablet, offer_of(content))
    first = depot.intake.upload(depot.tablet, name_of(content), 0)
    assert first is not None
    first.add(content[:30_000])

    standing = depot.intake.standing(depot.tablet, name_of(content))

    assert standing is not None
    assert (standing.is_had, standing.offset, standing.size_bytes) == (False, 30_000, len(content))
    assert depot.intake.offer(depot.tablet, offer_of(content)).offset == 30_000
    with pytest.raises(MisplacedError) as caught:
        depot.intake.upload(depot.tablet, name_of(content), 0)
    assert caught.value.offset == 30_000


def test_two_requests_for_one_blob_never_mix_their_bytes(depot: Depot) -> None:
    content = jpeg(3, at_least_bytes=100_000)
    depot.intake.offer(depot.tablet, offer_of(content))
    slow = depot.intake.upload(depot.tablet, name_of(content), 0)
    quick = depot.intake.upload(depot.tablet, name_of(content), 0)
    assert slow is not None
    assert quick is not None
    quick.add(content[:50_000])

    with pytest.raises(MisplacedError):
        slow.add(content[:10_000])

    quick.add(content[50_000:])
    assert quick.finish().is_had
    with pytest.raises(MisplacedError):
        slow.add(content[:10_000])
    assert depot.files.is_intact(name_of(content))


def test_bytes_with_another_hash_are_dropped_and_wanted_again(depot: Depot) -> None:
    content = jpeg(4, at_least_bytes=50_000)
    depot.intake.offer(depot.tablet, offer_of(content))
    upload = depot.intake.upload(depot.tablet, name_of(content), 0)
    assert upload is not None
    upload.add(b"\0" * len(content))

    with pytest.raises(ContractError) as caught:
        upload.finish()

    assert caught.value.code is Code.BLOB_HASH
    assert depot.files.size_of(name_of(content)) is None
    assert depot.intake.offer(depot.tablet, offer_of(content)).offset == 0
    assert depot.send(content)


def test_what_is_no_picture_is_kept_aside_and_never_shown(depot: Depot) -> None:
    content = b"<svg onload='alert(1)'/>" * 100

    with pytest.raises(ContractError) as caught:
        depot.send(content)

    assert caught.value.code is Code.BLOB_CONTENT
    assert state_of(depot, content) is BlobState.REFUSED
    assert (depot.files.root / "refused" / name_of(content)).read_bytes() == content
    with pytest.raises(ContractError, match="came before and are not a picture"):
        depot.intake.offer(depot.tablet, offer_of(content))


def test_a_signature_is_a_picture_too(depot: Depot) -> None:
    content = signature()

    answer = depot.intake.offer(depot.tablet, offer_of(content, BlobRole.SIGNATURE, BlobMime.PNG))

    assert not answer.is_had
    assert depot.intake.take_whole(depot.tablet, offer_of(content), content)


def test_two_tablets_send_one_photo_once(depot: Depot) -> None:
    content = jpeg(5, at_least_bytes=80_000)
    other = depot.utility.other_tablet
    depot.intake.offer(other, offer_of(content))
    depot.send(content)

    assert depot.intake.offer(other, offer_of(content)).is_had
    assert list(depot.files.partials()) == []


def test_a_tablet_with_too_many_open_uploads_must_finish_some(depot: Depot) -> None:
    for seed in range(OPEN_PARTIALS):
        depot.intake.offer(depot.tablet, offer_of(jpeg(100 + seed)))

    with pytest.raises(ContractError) as caught:
        depot.intake.offer(depot.tablet, offer_of(jpeg(99)))

    assert caught.value.code is Code.BLOB_QUOTA
    assert depot.send(jpeg(100))


def test_the_database_keeps_its_room_on_the_disk() -> None:
    check_room(SPARE_BYTES + 1000, 1000)

    with pytest.raises(ContractError) as caught:
        check_room(SPARE_BYTES + 999, 1000)
    assert caught.value.code is Code.DISK_FULL


def test_a_fact_is_kept_before_its_photo_and_linked_when_it_comes(
    depot: Depot, pen: Pen, order_id: str
) -> None:
    content, thumb = jpeg(6, at_least_bytes=9_000), jpeg(7)
    result = pen.push(depot.utility.sync(), photo_fact(pen, order_id, content, thumb))[0]
    with reading(depot.utility.engine) as connection:
        before = count_photos(connection, ENTITY, order_id)
        awaited = awaited_count(connection)

    depot.send(content)

    with reading(depot.utility.engine) as connection:
        after = count_photos(connection, ENTITY, order_id)
    assert result.outcome is Outcome.APPLIED
    assert (before.total, before.here, before.missing_bytes, awaited) == (1, 0, len(content), 2)
    assert (after.total, after.here, after.missing_bytes) == (1, 1, 0)


def test_a_lost_file_is_awaited_again_and_asked_for(depot: Depot, pen: Pen, order_id: str) -> None:
    content = jpeg(8)
    pen.push(depot.utility.sync(), photo_fact(pen, order_id, content))
    depot.send(content)
    shutil.rmtree(depot.files.root)

    report = sweep(depot.utility.engine, depot.files, depot.intake, NOON)

    assert (report.lost, wanted_rows(depot)) == (1, [name_of(content)])
    assert state_of(depot, content) is BlobState.AWAITING
    assert depot.send(content)
    assert wanted_rows(depot) == []


def test_a_file_that_a_restored_database_does_not_know_is_known_again(
    depot: Depot, pen: Pen, order_id: str
) -> None:
    content = jpeg(9)
    folder = depot.files.path_of(name_of(content)).parent
    folder.mkdir(parents=True)
    (folder / name_of(content)).write_bytes(content)
    pen.push(depot.utility.sync(), photo_fact(pen, order_id, content))

    report = sweep(depot.utility.engine, depot.files, depot.intake, NOON)

    assert report.found == 1
    assert state_of(depot, content) is BlobState.HAVE


def test_a_file_that_the_disk_does_not_give_is_neither_taken_away_nor_the_end_of_a_round(
    depot: Depot, pen: Pen, order_id: str
) -> None:
    bad, lost = jpeg(12, at_least_bytes=5_000), jpeg(13, at_least_bytes=5_000)
    for content in (bad, lost):
        pen.push(depot.utility.sync(), photo_fact(pen, order_id, content))
        depot.send(content)
    path = depot.files.path_of(name_of(bad))
    kept = path.rename(path.with_suffix(".kept"))
    path.symlink_to("/proc/self/mem")  # every read of it is an input/output error
    depot.files.path_of(name_of(lost)).unlink()

    reports = [
        sweep(depot.utility.engine, depot.files, depot.intake, depot.utility.clock.advance(days=1))
        for _ in range(30)
    ]

    assert sum(each.lost for each in reports) == 1
    assert sum(each.broken for each in reports) == 0
    assert wanted_rows(depot) == [name_of(lost)]
    kept.replace(path)
    assert state_of(depot, bad) is BlobState.HAVE


def test_a_file_that_rotted_is_found_within_a_month_and_asked_for(
    depot: Depot, pen: Pen, order_id: str
) -> None:
    content = jpeg(10, at_least_bytes=5_000)
    pen.push(depot.utility.sync(), photo_fact(pen, order_id, content))
    depot.send(content)
    path = depot.files.path_of(name_of(content))
    path.write_bytes(content[:-1] + b"\xff")

    found = 0
    for _ in range(30):
        now_utc = depot.utility.clock.advance(days=1)
        found += sweep(depot.utility.engine, depot.files, depot.intake, now_utc).broken

    assert found == 1
    assert wanted_rows(depot) == [name_of(content)]
