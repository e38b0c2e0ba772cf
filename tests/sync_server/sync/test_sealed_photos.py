"""A sealed photo or store is kept under its own hash, or stays where it is (RULINGS R4)."""

import argparse
import os
from hashlib import sha256
from pathlib import Path

import pytest

from sync_server.blobs.blob_store import BlobState
from sync_server.blobs.files_io import BlobFiles
from sync_server.blobs.intake import Intake
from sync_server.sync.commands_io import SyncDesk, sealing_keys
from sync_server.sync.review_store import ReviewKind
from sync_server.sync.sealing_keys_io import SealingKeys
from sync_server.sync.service import SyncService, SyncTerms
from tests.sync_server.people_parts import Utility
from tests.sync_server.real_parts import NOON
from tests.sync_server.sync.sealed_parts import (
    FullDisk,
    blob_state,
    kept,
    picture,
    public,
    reviewed,
    seal,
    send,
)
from wire_contracts.blobs import BlobMime, BlobOffer, BlobRole
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.sealed import (
    SealedKind,
)


def test_a_sealed_photo_is_safe_under_its_own_hash(
    service: SyncService, utility: Utility, keys: SealingKeys
) -> None:
    name, content = picture()

    answer = send(service, utility, seal(public(keys), SealedKind.BLOB, name, content))

    assert [each.is_opened for each in answer.results] == [True]
    assert blob_state(utility, name) is BlobState.HAVE
    assert kept(utility) == [(True, False)]


def test_a_sealed_photo_takes_the_place_of_a_torn_half_that_came_before(
    service: SyncService, utility: Utility, keys: SealingKeys, tmp_path: Path
) -> None:
    name, content = picture()
    files = BlobFiles(tmp_path / "blobs")
    intake = Intake(utility.engine, files, utility.clock)
    offer = BlobOffer(sha256=name, size_bytes=len(content), mime=BlobMime.JPEG, role=BlobRole.PHOTO)
    intake.offer(utility.tablet, offer)
    half = files.find_partial(utility.tablet.tablet_id, name)
    assert half is not None
    files.append(half, 0, bytes(len(content) // 2))

    send(service, utility, seal(public(keys), SealedKind.BLOB, name, content))

    assert blob_state(utility, name) is BlobState.HAVE
    assert reviewed(utility, ReviewKind.SEALED_UNUSED) == []


def test_a_sealed_photo_for_which_there_is_no_room_stays_on_the_tablet(
    utility: Utility, keys: SealingKeys, tmp_path: Path
) -> None:
    name, content = picture()
    intake = Intake(utility.engine, FullDisk(tmp_path / "blobs"), utility.clock)
    service = SyncService(utility.engine, utility.clock, SyncTerms(keys=keys, intake=intake))

    with pytest.raises(ContractError) as refused:
        send(service, utility, seal(public(keys), SealedKind.BLOB, name, content))

    assert refused.value.code is Code.DISK_FULL
    assert kept(utility) == []


def put_keys_back(folder: Path, utility: Utility) -> str:
    """Run `sync-server sealing-keys open` over the folders and return what it says."""
    said: list[str] = []
    desk = SyncDesk(
        engine=utility.engine,
        clock=utility.clock,
        say=said.append,
        sealing_folder=folder / "sealing_keys",
        blob_folder=folder / "blobs",
    )
    sealing_keys(desk, argparse.Namespace(what="open"))
    return said[0]


def test_a_photo_and_a_damaged_store_that_waited_for_their_key_are_opened_by_the_command(
    utility: Utility, keys: SealingKeys, tmp_path: Path
) -> None:
    name, content = picture()
    store = os.urandom(2_000)
    store_name = sha256(store).hexdigest()
    stranger = SealingKeys(tmp_path / "other")
    stranger.ensure(NOON)
    intake = Intake(utility.engine, BlobFiles(tmp_path / "blobs"), utility.clock)
    without = SyncService(utility.engine, utility.clock, SyncTerms(keys=stranger, intake=intake))
    send(without, utility, seal(public(keys), SealedKind.BLOB, name, content))
    send(without, utility, seal(public(keys), SealedKind.STORE, store_name, store))
    before = kept(utility)

    said = [put_keys_back(tmp_path, utility) for _ in range(2)]

    assert before == [(False, True)] * 2
    assert said == ["2 sealed things were opened", "0 sealed things were opened"]
    assert blob_state(utility, name) is BlobState.HAVE
    assert (tmp_path / "blobs" / "stores" / f"{store_name}.zip").read_bytes() == store
    assert kept(utility) == [(True, False)] * 2


def test_what_nobody_can_keep_elsewhere_stays_sealed_here(
    utility: Utility, keys: SealingKeys
) -> None:
    name, content = picture()
    without_intake = SyncService(utility.engine, utility.clock, SyncTerms(keys=keys))
    send(without_intake, utility, seal(public(keys), SealedKind.BLOB, name, content))
    send(without_intake, utility, seal(public(keys), SealedKind.STORE, name, content))

    assert kept(utility) == [(False, True)] * 2


def test_a_store_that_is_not_what_its_name_says_stays_sealed(
    service: SyncService, utility: Utility, keys: SealingKeys
) -> None:
    send(service, utility, seal(public(keys), SealedKind.STORE, "0" * 64, b"other bytes"))

    assert kept(utility) == [(False, True)]
