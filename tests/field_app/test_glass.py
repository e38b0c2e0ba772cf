"""A signature that is not finished: encrypted, of its own record, gone with the people."""

from pathlib import Path

import pytest

from field_app.photos.glass_io import Glass, forget_glasses
from field_app.photos.strokes import Point
from field_app.platform.aes_vault_io import AesVault
from tests.field_app.vault_parts import Moments, quick_vault

PIN = "482916"
STROKES: list[list[Point]] = [[(0.1, 0.2), (0.4, 0.25)], [(0.5, 0.5)]]


@pytest.fixture
def vault(tmp_path: Path) -> AesVault:
    return quick_vault(tmp_path / "vault")


def glass(vault: AesVault, folder: Path, record: str = "order-1") -> Glass:
    return Glass(folder=folder / "photos", vault=vault, record=record)


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
    (tmp_path / "photos" / glass(vault, tmp_path, "order-2")._path.name).write_bytes(
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
    forget_glasses(tmp_path / "photos")

    assert list((tmp_path / "photos").iterdir()) == []
