"""A photo from the tap to the server: over real HTTP, with a real vault, whatever breaks."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from field_app.crew import HeadlessCrew
from field_app.i18n import CatalogueWords
from field_app.photos.photo_files_io import NoVaultError, PhotoFileError
from field_app.platform.no_vault import NoVault
from field_app.presenters.photos import photo_facts
from field_app.store import upload_store
from field_app.store.photo_store import NO_PHOTOS, PhotoCount
from field_app.store.record_states import RecordState
from field_app.store.upload_store import KEEP, PhotoStatus
from field_app.sync.reasons import Reason
from field_app.sync.uploading import PhotoWait, photo_wait
from sync_server.blobs.blob_store import BlobState
from sync_server.blobs.ref_store import refs_of_record
from sync_server.blobs.sweep import sweep
from sync_server.db.engine_io import reading
from tests.field_app.office_parts import Office
from tests.field_app.photo_parts import PIN, Metered, Site, noisy_jpeg, photo_site
from tests.sync_server.blobs.blob_parts import jpeg, signature
from wire_contracts.blobs import MAX_THUMB_BYTES, BlobRole
from wire_contracts.orders import ENTITY
from wire_contracts.quantities import Medium


@pytest.fixture
def site(office: Office, tmp_path: Path) -> Iterator[Site]:
    with photo_site(office, tmp_path) as found:
        yield found


def test_a_photo_reaches_the_server_byte_for_byte_with_its_thumb(site: Site) -> None:
    order_id = site.office.new_order()
    site.crew.sync_now()

    sha256 = site.album.add(order_id, noisy_jpeg())
    before = site.crew.order(order_id)
    verdict = site.crew.sync_now()

    kept = site.files.path_of(sha256).read_bytes()
    with reading(site.office.engine) as connection:
        refs = refs_of_record(connection, ENTITY, order_id)
    assert verdict.reason is Reason.NONE
    assert hashlib.sha256(kept).hexdigest() == sha256
    assert [(ref.role, ref.state) for ref in refs] == [
        (BlobRole.PHOTO, BlobState.HAVE),
        (BlobRole.THUMB, BlobState.HAVE),
    ]
    assert refs[1].size_bytes <= MAX_THUMB_BYTES
    assert before is not None
    assert (before.photos.total, before.photos.done) == (1, 0)
    assert site.album.count(order_id).done == 1


def test_a_signature_travels_as_a_fact_of_its_own(site: Site) -> None:
    order_id = site.office.new_order()
    site.crew.sync_now()

    sha256 = site.album.add(order_id, signature(), BlobRole.SIGNATURE)
    site.crew.sync_now()

    assert site.state_of(sha256) is BlobState.HAVE
    assert site.files.path_of(sha256).read_bytes().startswith(b"\x89PNG")


def test_originals_wait_for_a_free_network_and_thumbs_do_not(site: Site) -> None:
    order_id = site.office.new_order()
    site.crew.sync_now()
    site.crew.tablet.network = Metered()
    sha256 = site.album.add(order_id, noisy_jpeg())

    site.crew.sync_now()

    line = site.album.photos(order_id)[0]
    seen = site.crew.order(order_id)
    wait = site.crew.tablet.database.read(photo_wait)
    assert site.state_of(line.thumb_sha256) is BlobState.HAVE
    assert site.state_of(sha256) is BlobState.AWAITING
    assert wait is PhotoWait.FREE_NETWORK
    assert seen is not None
    assert seen.mark is RecordState.PHOTO_PENDING
    assert site.pending(order_id) == (0, 1)


def test_the_office_can_have_an_original_at_once(site: Site) -> None:
    order_id = site.office.new_order()
    site.crew.sync_now()
    site.crew.tablet.network = Metered()
    sha256 = site.album.add(order_id, noisy_jpeg())
    site.crew.sync_now()

    site.want(sha256)
    site.crew.sync_now()

    assert site.state_of(sha256) is BlobState.HAVE


def test_the_crew_can_send_originals_over_any_network(site: Site) -> None:
    order_id = site.office.new_order()
    site.crew.sync_now()
    site.crew.tablet.network = Metered()
    sha256 = site.album.add(order_id, noisy_jpeg())

    site.album.send_now(order_id)
    site.crew.sync_now()

    assert site.state_of(sha256) is BlobState.HAVE


def test_a_photo_is_deleted_here_only_after_the_server_has_had_it_for_a_week(site: Site) -> None:
    order_id = site.office.new_order()
    site.crew.sync_now()
    sha256 = site.album.add(order_id, noisy_jpeg())
    site.crew.sync_now()
    site.office.clock.advance(days=KEEP.days - 1)
    site.crew.sync_now()
    is_kept = site.album.picture(sha256) is not None

    site.office.clock.advance(days=2)
    site.crew.sync_now()

    assert is_kept
    assert site.album.picture(sha256) is None
    assert site.album.count(order_id).done == 1


def test_a_photo_that_the_server_lost_is_sent_again(site: Site) -> None:
    order_id = site.office.new_order()
    site.crew.sync_now()
    sha256 = site.album.add(order_id, noisy_jpeg())
    site.crew.sync_now()
    site.files.path_of(sha256).unlink()
    sweep(site.office.engine, site.files, site.intake, site.office.clock.now_utc())

    site.crew.sync_now()

    assert site.state_of(sha256) is BlobState.HAVE
    assert site.files.is_intact(sha256)


def test_a_restored_server_gets_its_photos_again(site: Site, tmp_path: Path) -> None:
    order_id = site.office.new_order()
    site.crew.sync_now()
    backup = site.office.back_up(tmp_path / "backup.sqlite3")
    sha256 = site.album.add(order_id, noisy_jpeg())
    site.crew.sync_now()
    site.office.restore(backup)
    site.files.path_of(sha256).unlink()

    site.crew.sync_now()
    site.crew.sync_now()

    assert site.pending(order_id) == (1, 1)
    assert site.files.is_intact(sha256)


def test_nothing_is_kept_in_clear(site: Site, tmp_path: Path) -> None:
    order_id = site.office.new_order()
    site.crew.sync_now()
    content = noisy_jpeg()

    sha256 = site.album.add(order_id, content)

    piece = content[2000:2040]
    found = [path for path in (tmp_path / "tablet").rglob("*") if path.is_file()]
    assert [path.name for path in found if piece in path.read_bytes()] == []
    assert site.album.picture(sha256) is not None


def test_a_locked_tablet_keeps_its_photos_until_somebody_opens_it(site: Site) -> None:
    order_id = site.office.new_order()
    site.crew.sync_now()
    sha256 = site.album.add(order_id, noisy_jpeg())
    site.crew.tablet.lock()

    verdict = site.crew.sync_now()

    wait = site.crew.tablet.database.read(photo_wait)
    assert verdict.reason is Reason.NONE
    assert (wait, site.state_of(sha256)) == (PhotoWait.VAULT_LOCKED, BlobState.AWAITING)
    identity = site.crew.tablet.identity
    assert identity is not None
    site.crew.tablet.unlock(identity.actor, PIN)
    site.crew.sync_now()
    assert site.state_of(sha256) is BlobState.HAVE


def test_without_a_vault_no_photo_is_kept_and_the_app_says_so(
    office: Office, tmp_path: Path
) -> None:
    crew = HeadlessCrew(tmp_path / "bare", office.clock, connect=lambda _identity: office.api())
    crew.tablet.vault = NoVault()
    files = crew.tablet.photos._files
    assert crew.tablet.photos.availability().reason == "Set a PIN first: it protects photos."

    with pytest.raises(NoVaultError):
        crew.tablet.photos.add("o-1", jpeg())

    assert list(files.names()) == []
    crew.close()


def test_one_photo_of_two_orders_is_sent_once_and_belongs_to_both(site: Site) -> None:
    first, second = site.office.new_order(), site.office.new_order(Medium.GAS)
    site.crew.sync_now()
    content = noisy_jpeg()

    names = {site.album.add(first, content), site.album.add(second, content)}
    site.album.add(second, content)
    site.crew.sync_now()

    assert len(names) == 1
    assert (site.pending(first), site.pending(second)) == ((1, 1), (1, 1))


def test_a_file_that_is_gone_is_shown_and_blocks_no_other(site: Site) -> None:
    order_id, other_id = site.office.new_order(), site.office.new_order(Medium.GAS)
    site.crew.sync_now()
    lost = site.album.add(order_id, noisy_jpeg(1))
    sent = site.album.add(other_id, noisy_jpeg(2))
    site.crew.tablet._photo_files.remove(lost)

    site.crew.sync_now()

    seen = site.crew.order(order_id)
    job = site.crew.tablet.database.read(lambda c: upload_store.find_job(c, lost))
    assert seen is not None
    assert job is not None
    assert (seen.mark, job.status) == (RecordState.LOOK_HERE, PhotoStatus.GONE)
    assert site.state_of(sent) is BlobState.HAVE
    with pytest.raises(PhotoFileError):
        site.crew.tablet._photo_files.load(lost)


def test_the_page_of_an_order_says_how_far_its_photos_are() -> None:
    t = CatalogueWords("en")
    half = PhotoCount(total=3, done=1, waiting_bytes=2_140_000, held=0)
    stuck = PhotoCount(total=2, done=1, waiting_bytes=0, held=1)

    assert photo_facts(t, NO_PHOTOS, PhotoWait.NONE) == ()
    assert [each.text for each in photo_facts(t, half, PhotoWait.FREE_NETWORK)] == [
        "1 of 3 at the office, 2.1 MB still to send; originals wait for Wi-Fi"
    ]
    assert [each.text for each in photo_facts(t, stuck, PhotoWait.NETWORK)] == [
        "1 of 2 at the office; 1 cannot be sent; ask the office"
    ]
