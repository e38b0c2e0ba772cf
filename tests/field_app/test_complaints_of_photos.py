"""Photos that other apps lose, leave open or are slowed by (sync spec 2, by number)."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Never

import pytest

from field_app.crew import HeadlessCrew
from field_app.orders.order_list_store import OrderQuery
from field_app.patrols.home_check import Sheet
from field_app.photos.album import Beside
from field_app.store.record_states import RecordState
from field_app.store.round_records import record_of
from field_app.sync.blob_client_io import HttpBlobApi
from field_app.sync.uploading import BlobRefused
from sync_server.blobs.blob_store import BlobState
from sync_server.blobs.ref_store import records_of, refs_of_record
from sync_server.db.engine_io import reading
from sync_server.patrols.inspection_store import CHECKPOINTS, HOUSEHOLDS, PLANS, Inspected, put
from sync_server.work_orders.order_store import list_orders
from tests.field_app.bad_link import bad_link
from tests.field_app.office_parts import Office, serving
from tests.field_app.photo_parts import PIN, Metered, Site, noisy_jpeg, photo_app, photo_site
from tests.field_app.test_office_forms import TRIAL, publish
from tests.field_app.vault_parts import quick_vault
from tests.sync_server.patrols.test_outcomes import HOME, PLAN, WELL
from tests.sync_server.real_parts import NOON, HandClock
from wire_contracts.blobs import BlobRole
from wire_contracts.home_checks import HOUSEHOLD_ENTITY, CheckItem, NoticeOutcome
from wire_contracts.orders import ENTITY
from wire_contracts.patrol_facts import Defect, PatrolPoint, PointOutcome
from wire_contracts.patrols import CHECKPOINT_ENTITY

JPEG = b"\xff\xd8\xff"
"""First bytes of every JPEG (ITU-T T.81 B.1.1.3)."""


class RunningClock(HandClock):
    """A clock whose boot's own goes on with it, as a tablet's does."""

    def elapsed_s(self) -> float:
        """Return the seconds of the boot."""
        return (self.at_utc - NOON).total_seconds() + 100.0


@pytest.fixture
def hand_clock() -> HandClock:
    return RunningClock()


@pytest.fixture
def site(office: Office, tmp_path: Path) -> Iterator[Site]:
    with photo_site(office, tmp_path) as found:
        yield found


def mark_of(site: Site, order_id: str) -> RecordState:
    seen = site.crew.order(order_id)
    assert seen is not None
    return seen.mark


def test_7_a_record_never_says_that_a_photo_is_there_before_it_is(site: Site) -> None:
    order_id = site.office.new_order()
    site.crew.sync_now()
    content = noisy_jpeg()
    sha256 = site.album.add(order_id, content)
    size = site.album.photos(order_id)[0].job.size_bytes
    site.crew.tablet.network = Metered()
    site.crew.sync_now()
    identity = site.crew.tablet.identity
    assert identity is not None
    with closing(HttpBlobApi(identity.server_url, identity.token)) as api:
        api.offer(site.offer_of(sha256))
        with pytest.raises(BlobRefused):
            api.append(sha256, 0, bytes(size))
    before = (site.pending(order_id), site.state_of(sha256), mark_of(site, order_id))
    kept = site.album.picture(sha256)
    site.album.send_now(order_id)
    site.crew.sync_now()

    assert before == ((0, 1), BlobState.AWAITING, RecordState.PHOTO_PENDING)
    assert kept is not None
    assert site.files.path_of(sha256).read_bytes() == kept
    assert (site.pending(order_id), site.state_of(sha256)) == ((1, 1), BlobState.HAVE)
    assert mark_of(site, order_id) is RecordState.SHOWN_TO_OFFICE


def test_20_no_instant_of_an_upload_has_the_picture_in_clear_on_the_tablet(
    office: Office, tmp_path: Path
) -> None:
    order_id = office.new_order()
    folder = tmp_path / "tablet"
    seen: list[list[str]] = []

    def look() -> None:
        files = [path for path in folder.rglob("*") if path.is_file()]
        seen.append([path.name for path in files if JPEG in path.read_bytes()])

    with (
        serving(photo_app(office, tmp_path).app) as url,
        bad_link(int(url.rpartition(":")[2]), 1) as link,
        closing(HeadlessCrew(folder, office.clock, vault=quick_vault(folder))) as crew,
    ):
        crew.enrol(link.url, office.code())
        crew.tablet.set_pin(PIN)
        crew.sync_now()
        sha256 = crew.photograph(order_id, noisy_jpeg())
        link.watch = look
        crew.sync_now()
        offsets = link.traffic.offsets

    assert len(offsets[str(sha256)]) > 1, "the upload took several requests"
    assert len(seen) > len(offsets)
    assert seen == [[]] * len(seen)


def plan_rounds(site: Site) -> None:
    now_utc = site.office.clock.now_utc()
    with site.office.engine.begin() as connection:
        well = Inspected(entity_id="w", crew_id="crew-1", thing=WELL)
        put(connection, CHECKPOINTS, [well], now_utc)
        put(connection, PLANS, [Inspected(entity_id="p", crew_id="crew-1", thing=PLAN)], now_utc)
        home = Inspected(entity_id="h", crew_id="crew-1", thing=HOME)
        put(connection, HOUSEHOLDS, [home], now_utc)
    site.crew.sync_now()


def photos_of(site: Site, order_id: str) -> list[str]:
    with reading(site.office.engine) as connection:
        refs = refs_of_record(connection, ENTITY, order_id)
    return [ref.sha256 for ref in refs if ref.role is BlobRole.PHOTO]


def test_23_the_inspectors_photo_goes_with_the_defect_that_became_an_order(site: Site) -> None:
    plan_rounds(site)
    desk = site.crew.tablet.inspections
    run_id = desk.start_run("p", ["w"])
    beside = Beside(entity=CHECKPOINT_ENTITY, entity_id="w")
    sha256 = site.album.add(record_of(f"{run_id}/w"), noisy_jpeg(), beside=beside)
    defect = PatrolPoint(
        run_id=run_id,
        plan_id=None,
        checkpoint_id="w",
        outcome=PointOutcome.DEFECT,
        defect=Defect(severity=1, note="35 % LEL in the well"),
    )
    order_id = desk.finish_point(defect, WELL)
    again = desk.finish_point(defect, WELL)

    verdict = site.crew.sync_now()

    assert order_id is not None
    assert again == order_id
    with reading(site.office.engine) as connection:
        records = records_of(connection, sha256)
    assert records == [(CHECKPOINT_ENTITY, "w"), (ENTITY, order_id)]
    assert photos_of(site, order_id) == [sha256]
    assert site.pending(order_id) == (1, 1)
    assert verdict.settled == 6, "run, photo, order, point, its photo, the correction: none twice"


def test_23_the_photos_of_a_home_go_with_the_order_that_shuts_its_gas_off(site: Site) -> None:
    plan_rounds(site)
    desk = site.crew.tablet.inspections
    beside = Beside(entity=HOUSEHOLD_ENTITY, entity_id="h")
    site.album.add(record_of("h"), noisy_jpeg(1), beside=beside)
    site.office.clock.advance(days=60)
    sha256 = site.album.add(record_of("h"), noisy_jpeg(2), beside=beside)
    answers = dict.fromkeys(CheckItem, True) | {CheckItem.PIPE_TIGHTNESS: False}
    notes = {CheckItem.PIPE_TIGHTNESS: "bubbles"}
    sheet = Sheet(answers=answers, notes=notes, notice=NoticeOutcome.REFUSED)
    desk.finish_home("h", "01900000-0000-7000-8000-00000000c001", sheet, 90.0)

    site.crew.sync_now()

    with reading(site.office.engine) as connection:
        (order,) = list_orders(connection)
    assert photos_of(site, order.order_id) == [sha256], "what was seen last spring is not of it"


def test_25_a_list_of_forms_and_orders_opens_no_folder_however_many_photos_lie_in_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(site.office, TRIAL)
    order_id = site.office.new_order()
    site.crew.sync_now()
    site.album.add(order_id, noisy_jpeg())

    def refuse(*_parts: object) -> Never:
        raise AssertionError("a folder was read")

    for name in ("listdir", "scandir"):
        monkeypatch.setattr(os, name, refuse)
    offers = site.crew.tablet.forms.offers(ENTITY)
    lines = site.crew.tablet.desk.page(OrderQuery()).lines
    count = site.album.count(order_id).total
    monkeypatch.undo()

    assert [each.key for each in offers] == ["trial@1"]
    assert [line.order_id for line in lines] == [order_id]
    assert count == 1
