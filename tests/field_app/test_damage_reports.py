"""A damaged file: the office hears of it and has the file, sealed, once, where bytes are free."""

import io
import json
import os
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

from field_app.platform.no_vault import NoVault
from field_app.store.salvage_io import LARGEST_PACKED_BYTES, pack_damaged
from field_app.tablet import STORE_FILE, Tablet, open_tablet
from sync_server.blobs.files_io import BlobFiles
from sync_server.blobs.store_files_io import FOLDER, MOST_FILES, StoreFiles
from sync_server.db.engine_io import reading
from sync_server.db.sync_tables import SEALED_ITEM
from sync_server.sync.review_store import ReviewKind, list_reviews
from tests.field_app.office_parts import Office, serving
from tests.field_app.photo_parts import Metered
from tests.field_app.vault_parts import quick_vault
from tests.field_app.withdrawal_parts import PIN, app_with_keys, new_tablet


@pytest.fixture
def server(office: Office, tmp_path: Path) -> Iterator[str]:
    with serving(app_with_keys(office, tmp_path / "keys")) as url:
        yield url


def damaged(folder: Path, office: Office, server: str) -> bytes:
    """Let a tablet work, then tear a page in the middle of its file; return the file."""
    office.new_order()
    with closing(new_tablet(folder, office, server)) as tablet:
        tablet.set_pin(PIN)
        tablet.database.tidy(patiently=True)
    path = folder / STORE_FILE
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 3 + 64] = b"\xff" * 64
    path.write_bytes(content)
    return bytes(content)


def reopened(folder: Path, office: Office) -> Tablet:
    return open_tablet(folder, office.clock, vault=quick_vault(folder))


def reviews(office: Office) -> list[tuple[ReviewKind, str]]:
    with reading(office.engine) as connection:
        return [(item.kind, item.entity_id) for item in list_reviews(connection)]


def reports(office: Office) -> list[str]:
    with reading(office.engine) as connection:
        query = select(SEALED_ITEM.c.body).where(SEALED_ITEM.c.kind == "store")
        return [str(body) for body in connection.execute(query).scalars()]


def test_the_office_hears_of_a_damaged_file_once_and_has_it_as_it_was(
    office: Office, server: str, tmp_path: Path
) -> None:
    folder = tmp_path / "tablet"
    content = damaged(folder, office, server)
    with closing(reopened(folder, office)) as tablet:
        assert tablet.identity is not None
        tablet_id = tablet.identity.tablet_id
        tablet.network = Metered()
        tablet.sync_now()
        over_a_metered_network = reports(office)
    with closing(reopened(folder, office)) as tablet:
        for _ in range(3):
            tablet.sync_now()

    stores = BlobFiles(tmp_path / "keys" / "blobs").root / FOLDER
    (kept,) = stores.glob("*.zip")
    with zipfile.ZipFile(kept) as archive:
        inside = {name: archive.read(name) for name in archive.namelist()}
    (report,) = reports(office)
    assert over_a_metered_network == []
    assert reviews(office) == [(ReviewKind.STORE_DAMAGED, tablet_id)]
    assert inside[f"{STORE_FILE}.damaged-1"] == content
    assert json.loads(report) == json.loads(inside["report.json"])
    assert json.loads(report)["file"] == f"{STORE_FILE}.damaged-1"


def test_without_a_vault_the_file_stays_where_it_is(
    office: Office, server: str, tmp_path: Path
) -> None:
    folder = tmp_path / "tablet"
    damaged(folder, office, server)
    with closing(open_tablet(folder, office.clock, vault=NoVault())) as tablet:
        tablet.sync_now()
        count = tablet.damaged_files_count()

    assert (reports(office), count) == ([], 1)


def test_a_file_too_large_for_the_line_is_told_of_without_it(tmp_path: Path) -> None:
    aside = tmp_path / "x.damaged-1"
    aside.write_bytes(bytes(1000))
    small = pack_damaged(aside, b"{}")
    again = pack_damaged(aside, b"{}")
    aside.write_bytes(os.urandom(LARGEST_PACKED_BYTES + 1))
    large = pack_damaged(aside, b"{}")

    assert small == again
    assert zipfile.ZipFile(io.BytesIO(small)).namelist() == ["report.json", "x.damaged-1"]
    assert zipfile.ZipFile(io.BytesIO(large)).namelist() == ["report.json"]


def test_the_server_keeps_so_many_damaged_files_and_reads_what_is_told_of_any(
    tmp_path: Path,
) -> None:
    stores = StoreFiles(root=tmp_path)
    whole = pack_damaged(tmp_path / "gone", b'{"rows":3}')
    told = stores.keep("a", whole)
    nothing = stores.keep("b", b"no zip at all")
    for number in range(MOST_FILES):
        stores.keep(f"n{number}", whole)
    old = tmp_path / FOLDER / "a.zip"
    os.utime(old, (0, 0))
    dropped = stores.drop_old()

    assert (told, nothing) == ('{"rows":3}', "")
    assert (dropped, len(stores.names())) == (1, MOST_FILES - 1)
