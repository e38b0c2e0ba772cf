"""A signature that is not finished: encrypted, of its own record, gone with the people."""

import json
from pathlib import Path

import pytest

from field_app.photos.glass_io import Glass, HeldStrokes
from field_app.photos.ink_io import InkStroke
from field_app.photos.marks_io import PhotoMarks
from field_app.photos.sealed_scrap_io import SealedScrap, forget_scraps
from field_app.photos.strokes import Point
from field_app.platform.aes_vault_io import AesVault
from field_app.platform.ports import Bound
from tests.field_app.vault_parts import Moments, quick_vault

PIN = "482916"
MINUTE_MS = 60_000
DRAWN_MS = 1_762_056_000_000
STROKES: list[list[Point]] = [[(0.1, 0.2), (0.4, 0.25)], [(0.5, 0.5)]]


@pytest.fixture
def vault(tmp_path: Path) -> AesVault:
    return quick_vault(tmp_path / "vault")


def glass(
    vault: AesVault, folder: Path, record: str = "order-1", *, now_ms: int = DRAWN_MS
) -> Glass:
    return Glass(folder=folder / "photos", vault=vault, record=record, now_ms=lambda: now_ms)


def test_what_was_drawn_stands_there_again_for_its_own_record_alone(
    vault: AesVault, tmp_path: Path
) -> None:
    vault.set_pin("li-wei", PIN)
    glass(vault, tmp_path).keep(STROKES)

    assert glass(vault, tmp_path).load() == STROKES
    assert glass(vault, tmp_path, "order-2").load() == []
    (path,) = (tmp_path / "photos").iterdir()
    assert b"0.25" not in path.read_bytes()
    assert "order-1" not in path.name
    (tmp_path / "photos" / glass(vault, tmp_path, "order-2")._scrap._path.name).write_bytes(
        path.read_bytes()
    )
    assert glass(vault, tmp_path, "order-2").load() == [], "it opens nowhere else"


def test_nobody_reads_it_while_the_tablet_is_locked(vault: AesVault, tmp_path: Path) -> None:
    vault.set_pin("li-wei", PIN)
    glass(vault, tmp_path).keep(STROKES)
    vault.lock()
    assert glass(vault, tmp_path).load() == []
    vault.unlock("li-wei", PIN, Moments().next())

    assert glass(vault, tmp_path).load() == STROKES


def test_clean_glass_and_people_who_are_gone_leave_nothing(vault: AesVault, tmp_path: Path) -> None:
    glass(vault, tmp_path).keep(STROKES)
    assert not (tmp_path / "photos").exists(), "without a key nothing is kept"
    vault.set_pin("li-wei", PIN)
    for record in ("order-1", "order-2"):
        glass(vault, tmp_path, record).keep(STROKES)
    glass(vault, tmp_path).keep([])
    assert glass(vault, tmp_path).load() == []
    assert glass(vault, tmp_path, "order-2").load() == STROKES
    forget_scraps(tmp_path / "photos")

    assert list((tmp_path / "photos").iterdir()) == []


@pytest.mark.parametrize("later_ms", [31 * MINUTE_MS, 20 * 24 * 60 * MINUTE_MS, -MINUTE_MS])
def test_what_nobody_finished_in_half_an_hour_is_wiped(
    vault: AesVault, tmp_path: Path, later_ms: int
) -> None:
    vault.set_pin("li-wei", PIN)
    glass(vault, tmp_path).keep(STROKES)
    assert glass(vault, tmp_path, now_ms=DRAWN_MS + 29 * MINUTE_MS).load() == STROKES

    assert glass(vault, tmp_path, now_ms=DRAWN_MS + later_ms).load() == []
    assert list((tmp_path / "photos").iterdir()) == []


def test_strokes_of_an_app_before_this_say_no_moment_and_are_wiped(
    vault: AesVault, tmp_path: Path
) -> None:
    vault.set_pin("li-wei", PIN)
    found = glass(vault, tmp_path)
    found.keep(STROKES)
    former = vault.encrypt(json.dumps(STROKES).encode(), found._scrap.bound)
    assert former is not None
    found._scrap._path.write_bytes(former)

    assert found.load() == []


def test_lines_on_a_photo_stand_until_they_are_in_a_copy(vault: AesVault, tmp_path: Path) -> None:
    def marks(photo: str) -> PhotoMarks:
        bound = Bound(entity="marks", entity_id=photo, column="strokes")
        return PhotoMarks(scrap=SealedScrap(folder=tmp_path, vault=vault, bound=bound))

    drawn = (
        InkStroke(points=((0.25, 0.5), (0.5, 0.75)), colour=(230, 26, 31)),
        InkStroke(points=((0.1, 0.1),), colour=(255, 191, 26)),
    )
    vault.set_pin("li-wei", PIN)
    marks("a").keep(drawn)
    vault.lock()
    assert marks("a").load() == ()
    vault.unlock("li-wei", PIN, Moments().next())
    assert marks("a").load() == drawn
    assert marks("b").load() == ()
    marks("a").keep(())

    assert marks("a").load() == ()
    assert list(tmp_path.glob("*.glass")) == []


def test_what_the_running_app_holds_grows_old_as_well() -> None:
    held = HeldStrokes(strokes=[list(STROKES[0])], drawn_at_ms=DRAWN_MS)
    held.wipe_old(DRAWN_MS + 29 * MINUTE_MS)
    assert held.strokes
    held.wipe_old(DRAWN_MS + 31 * MINUTE_MS)

    assert held.strokes == []
