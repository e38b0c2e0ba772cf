"""Rows that do not add up after a whole fresh pass: the office hears of it, the tablet says so."""

import json
import zipfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC
from pathlib import Path

import pytest
from sqlalchemy import update

from field_app.i18n import ChosenWords
from field_app.platform.desktop import desktop_hardware
from field_app.presenters.ports import InlineWorker, PresenterContext
from field_app.presenters.sync import SyncPresenter
from field_app.tablet import Tablet
from sync_server.blobs.files_io import BlobFiles
from sync_server.blobs.store_files_io import FOLDER
from sync_server.db.sync_tables import BUCKET_SUM
from sync_server.sync.review_store import ReviewKind
from tests.field_app.office_parts import Office, serving
from tests.field_app.photo_parts import Metered
from tests.field_app.test_damage_reports import reports, reviews
from tests.field_app.withdrawal_parts import app_with_keys, new_tablet

BUCKET = "crew:crew-1"


@pytest.fixture
def tablet(office: Office, tmp_path: Path) -> Iterator[Tablet]:
    with (
        serving(app_with_keys(office, tmp_path / "keys")) as url,
        closing(new_tablet(tmp_path / "tablet", office, url)) as found,
    ):
        found.network = Metered()
        yield found


def count_wrong(office: Office, order_id: str, by: int) -> None:
    """Let the server's count of a bucket be wrong, and a row of it change."""
    counted = update(BUCKET_SUM).where(BUCKET_SUM.c.bucket == BUCKET)
    with office.engine.begin() as connection:
        connection.execute(counted.values(row_count=BUCKET_SUM.c.row_count + by))
    office.add_note(order_id, "changed")


def lists_line(tablet: Tablet, office: Office) -> list[str]:
    context = PresenterContext(
        worker=InlineWorker(), words=ChosenWords("en"), clock=office.clock, zone=UTC
    )
    presenter = SyncPresenter(tablet, context, desktop_hardware(tablet.vault))
    presenter.refresh()
    return [each.text for each in presenter.view.capabilities if each.label == "Lists"]


def test_rows_that_never_add_up_are_told_once_and_said_until_they_do(
    tablet: Tablet, office: Office, tmp_path: Path
) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    before = lists_line(tablet, office)
    count_wrong(office, order_id, by=1)
    for _ in range(3):
        tablet.sync_now()
        office.add_note(order_id, "changed again")
    during = lists_line(tablet, office)
    count_wrong(office, order_id, by=-1)
    tablet.sync_now()

    assert tablet.identity is not None
    assert reviews(office) == [(ReviewKind.ROWS_DIFFER, tablet.identity.tablet_id)]
    (told,) = [json.loads(each) for each in reports(office)]
    assert (told["kind"], told["bucket"]) == ("rows.differ", BUCKET)
    assert told["theirs"]["count"] == told["ours"]["count"] + 1
    (kept,) = (BlobFiles(tmp_path / "keys" / "blobs").root / FOLDER).glob("*.zip")
    with zipfile.ZipFile(kept) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    assert len(manifest) == told["ours"]["count"]
    assert (before, lists_line(tablet, office)) == ([], [])
    assert [text.startswith("1 not as the office has them") for text in during] == [True]


def test_rows_that_a_fresh_pass_repairs_are_told_to_nobody(tablet: Tablet, office: Office) -> None:
    order_id = office.new_order()
    tablet.sync_now()
    tablet.database.write(
        lambda connection: connection.exec_driver_sql("UPDATE bucket SET row_count = row_count + 1")
    )
    office.add_note(order_id, "changed")
    tablet.sync_now()

    assert (reviews(office), reports(office), lists_line(tablet, office)) == ([], [], [])
