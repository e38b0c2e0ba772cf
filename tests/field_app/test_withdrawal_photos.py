"""The photos of a withdrawn tablet arrive all the same, and none stays longer than it must."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fastapi import Request, Response
from sqlalchemy import select

from field_app.platform.network import DesktopNetwork
from field_app.platform.vault_file_io import VAULT_FILE
from field_app.sync.uploading import PhotoWait
from field_app.tablet import Tablet, open_tablet
from sync_server.blobs.blob_store import BlobState, find_blob
from sync_server.blobs.files_io import BlobFiles
from sync_server.blobs.intake import Intake
from sync_server.blobs.sweep import sweep
from sync_server.blobs.want_store import want_blob
from sync_server.db.blob_tables import BLOB
from sync_server.db.engine_io import reading
from sync_server.sync.sealing_keys_io import SealingKeys
from tests.field_app.office_parts import Office, serving
from tests.field_app.photo_parts import Metered, noisy_jpeg
from tests.field_app.vault_parts import quick_vault
from tests.field_app.withdrawal_parts import (
    PIN,
    app_with_keys,
    new_tablet,
    revoke,
)
from tests.sync_server.blobs.blob_parts import jpeg
from wire_contracts.blobs import WantReason
from wire_contracts.sync import CONTENT_TYPE, PROTOCOL_HEADER


@pytest.fixture
def server(office: Office, tmp_path: Path) -> Iterator[str]:
    with serving(app_with_keys(office, tmp_path / "keys")) as url:
        yield url


@pytest.fixture
def tablet(office: Office, server: str, tmp_path: Path) -> Iterator[Tablet]:
    with closing(new_tablet(tmp_path / "tablet", office, server)) as found:
        found.set_pin(PIN)
        yield found


def test_photos_arrive_although_the_key_of_the_tablet_is_gone(
    tablet: Tablet, office: Office, tmp_path: Path
) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    names = [tablet.photos.add(order_id, jpeg(number)) for number in (1, 2)]
    tablet.close()
    revoke(office, tablet)
    folder = tmp_path / "tablet"

    with closing(open_tablet(folder, office.clock, vault=quick_vault(folder))) as later:
        later.sync_now()
        left = list((folder / "photos").iterdir())
        waiting = later.withdrawal()

    assert {path.suffix for path in left} == {".sealed"}
    assert waiting.sealed_waiting == 0
    assert {blob_state(office, sha256) for sha256 in names} == {BlobState.HAVE}


@pytest.mark.parametrize("arrives_before", [True, False])
def test_a_restored_server_gets_the_photos_of_a_withdrawn_tablet_again(
    tablet: Tablet, office: Office, tmp_path: Path, *, arrives_before: bool
) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    backup = office.back_up(tmp_path / "early.sqlite3")
    sha256 = tablet.photos.add(order_id, jpeg())
    if arrives_before:
        tablet.sync_now()
    revoke(office, tablet)
    tablet.sync_now()
    had = blob_state(office, sha256)
    office.restore(backup)
    for path in (tmp_path / "keys" / "blobs").glob("??/*"):
        path.unlink()
    lost = blob_state(office, sha256)

    tablet.sync_now()
    tablet.sync_now()

    assert (had, lost) == (BlobState.HAVE, None)
    assert blob_state(office, sha256) is BlobState.HAVE


def test_a_restored_server_gets_the_photos_of_a_tablet_that_was_given_on_while_it_was_locked(
    tablet: Tablet, office: Office, server: str, tmp_path: Path
) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    backup = office.back_up(tmp_path / "early.sqlite3")
    sha256 = tablet.photos.add(order_id, jpeg())
    tablet.sync_now()
    had = blob_state(office, sha256)
    tablet.lock()
    tablet.enrol(server, office.code("crew-2"), "van 4")
    office.clock.advance(hours=1)
    office.restore(backup)
    for path in (tmp_path / "keys" / "blobs").glob("??/*"):
        path.unlink()

    tablet.enrol(server, office.code("crew-2"), "van 4")
    tablet.sync_now()
    tablet.sync_now()

    assert had is BlobState.HAVE
    assert blob_state(office, sha256) is BlobState.HAVE
    assert not tablet.log_in.is_locked()


def test_a_photo_whose_key_the_server_lacks_waits_for_the_server_and_for_no_network(
    tablet: Tablet, office: Office, server: str, tmp_path: Path
) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    tablet.photos.add(order_id, jpeg())
    revoke(office, tablet)
    for path in (tmp_path / "keys").glob("*.pem"):
        path.unlink()
    tablet.sync_now()
    SealingKeys(tmp_path / "keys").ensure(office.clock.now_utc())
    tablet.enrol(server, office.code(), "van 3")

    tablet.sync_now()

    assert tablet.photo_wait() is PhotoWait.SERVER


def test_a_withdrawn_tablet_keeps_the_photos_that_arrived_no_longer_than_one_in_service(
    tablet: Tablet, office: Office, tmp_path: Path
) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    tablet.photos.add(order_id, jpeg())
    revoke(office, tablet)
    tablet.sync_now()
    kept = list((tmp_path / "tablet" / "photos").iterdir())
    office.clock.advance(days=8)

    tablet.sync_now()

    assert len(kept) > 0
    assert list((tmp_path / "tablet" / "photos").iterdir()) == []


def test_sealed_originals_wait_for_a_free_network_and_thumbs_do_not(
    tablet: Tablet, office: Office
) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    tablet.network = Metered()
    sha256 = tablet.photos.add(order_id, noisy_jpeg())
    revoke(office, tablet)

    tablet.sync_now()
    tablet.sync_now()
    before, only_here = blobs_here(office), tablet.withdrawal().photos_waiting
    tablet.network = DesktopNetwork()
    tablet.sync_now()

    assert (only_here, tablet.withdrawal().photos_waiting) == (1, 0)
    assert len(before) == 1
    assert sha256 not in before
    assert sha256 in blobs_here(office)


def blobs_here(office: Office) -> set[str]:
    with reading(office.engine) as connection:
        query = select(BLOB.c.sha256).where(BLOB.c.state == str(BlobState.HAVE))
        return set(connection.execute(query).scalars())


def test_the_office_has_an_original_of_a_tablet_that_another_crew_has_since(
    tablet: Tablet, office: Office, server: str
) -> None:
    tablet.network = Metered()
    order_id = office.new_order()
    tablet.sync_now()
    sha256 = tablet.photos.add(order_id, noisy_jpeg())
    tablet.sync_now()
    tablet.enrol(server, office.code("crew-2"), "van 4")
    tablet.network = Metered()
    tablet.sync_now()
    before = blob_state(office, sha256)

    with office.engine.begin() as connection:
        want_blob(connection, sha256, WantReason.PERSON, "zhou", office.clock.now_utc())
    for _ in range(2):
        office.clock.advance(hours=1)
        tablet.sync_now()

    assert before is BlobState.AWAITING
    assert blob_state(office, sha256) is BlobState.HAVE


def test_a_photo_that_the_server_lost_comes_from_a_tablet_that_another_crew_has_since(
    tablet: Tablet, office: Office, server: str, tmp_path: Path
) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    sha256 = tablet.photos.add(order_id, jpeg())
    tablet.sync_now()
    had = blob_state(office, sha256)
    tablet.enrol(server, office.code("crew-2"), "van 4")
    tablet.sync_now()
    files = BlobFiles(tmp_path / "keys" / "blobs")
    for path in files.root.glob("??/*"):
        path.unlink()
    sweep(office.engine, files, Intake(office.engine, files, office.clock), office.clock.now_utc())
    lost = blob_state(office, sha256)

    tablet.sync_now()
    tablet.sync_now()

    assert (had, lost) == (BlobState.HAVE, BlobState.AWAITING)
    assert blob_state(office, sha256) is BlobState.HAVE


def test_a_photo_without_a_sealed_copy_keeps_its_key(
    tablet: Tablet, office: Office, tmp_path: Path
) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    tablet.photos.add(order_id, jpeg())
    folder = tmp_path / "tablet"
    for copy in (folder / "photos").glob("*.sealed"):
        copy.unlink()
    tablet.lock()
    revoke(office, tablet)
    tablet.sync_now()

    assert len(list((folder / "photos").glob("*.vault"))) > 0
    assert (folder / VAULT_FILE).exists()


def blob_state(office: Office, sha256: str) -> BlobState | None:
    with reading(office.engine) as connection:
        found = find_blob(connection, sha256)
    return None if found is None else found.state


@pytest.mark.parametrize("status", [500, 413])
def test_a_sealed_photo_that_is_answered_badly_every_time_keeps_no_other_here(
    office: Office, tmp_path: Path, status: int
) -> None:
    app, poison = app_with_keys(office, tmp_path / "keys"), list[str]()

    @app.middleware("http")
    async def answer(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        body = await request.body()
        is_hit = any(each.encode() in body for each in poison)
        headers = {PROTOCOL_HEADER: "2", "Content-Type": CONTENT_TYPE}
        return Response(_TOO_LARGE, status, headers) if is_hit else await call_next(request)

    with serving(app) as url, closing(new_tablet(tmp_path / "tablet", office, url)) as tablet:
        tablet.set_pin(PIN)
        order_id = office.new_order()
        tablet.sync_now()
        tablet.network = Metered()
        names = sorted(tablet.photos.add(order_id, noisy_jpeg(number, 300)) for number in range(3))
        revoke(office, tablet)
        tablet.network = DesktopNetwork()
        poison += names[:1]
        for _ in range(4):
            office.clock.advance(minutes=30)
            tablet.sync_now()

        assert tablet.withdrawal().photos_waiting == 1
        poison.clear()
        tablet.sync_now()
        assert tablet.withdrawal().photos_waiting == 0


_TOO_LARGE = b'{"code": "payload.too_large", "text": "x"}'
