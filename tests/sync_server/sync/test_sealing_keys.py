"""The keys to which tablets seal: given once, nobody else's, no start or fault loses one."""

import stat
from pathlib import Path

import pytest

from sync_server.sync.sealing_keys_io import SealingKeyError, SealingKeys
from sync_server.sync.service import SyncService
from tests.sync_server.people_parts import Pen, Utility
from tests.sync_server.real_parts import NOON
from tests.sync_server.sync.sealed_parts import (
    public,
    sealed_operation,
    send,
)


def test_after_a_rotation_tablets_get_the_new_key_once_and_old_boxes_still_open(
    service: SyncService, utility: Utility, keys: SealingKeys, pen: Pen, order_id: str
) -> None:
    former = public(keys)
    envelope = sealed_operation(keys, pen.set(order_id, "note", "", "old box"))
    first = service.pull(utility.tablet, None, 500)
    idle = service.pull(utility.tablet, first.token, 500)
    keys.rotate(utility.clock.advance(minutes=1))
    told = service.pull(utility.tablet, idle.token, 500)
    silent = service.pull(utility.tablet, told.token, 500)
    opened = send(service, utility, envelope)

    given = [first.sealing_key, idle.sealing_key, told.sealing_key, silent.sealing_key]
    assert given == [former, None, public(keys), None]
    assert former != public(keys)
    assert opened.results[0].is_opened


def test_a_tablet_of_the_first_protocol_hears_of_no_lease_and_no_key(
    service: SyncService, utility: Utility
) -> None:
    answer = service.pull(utility.tablet, None, 500, 1)

    assert (answer.lease_until_ms, answer.sealing_key, answer.protocol) == (None, None, 1)


def test_the_private_keys_are_nobody_elses(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    SealingKeys(folder).ensure(NOON)
    [path] = folder.glob("*")

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    path.chmod(0o640)
    with pytest.raises(SealingKeyError, match="others may read it; chmod 600 it"):
        SealingKeys(folder).key_ids()


def test_a_key_put_back_with_loose_rights_stops_no_tablet_and_is_used_once_they_are_tight(
    utility: Utility, service: SyncService, keys: SealingKeys, tmp_path: Path
) -> None:
    former = SealingKeys(tmp_path / "former")
    former.ensure(NOON)
    name = former.key_ids()[0]
    service.pull(utility.tablet, None, 500)
    path = tmp_path / "sealing_keys" / "20200101T000000000000-former.pem"
    path.write_bytes(next((tmp_path / "former").glob("*.pem")).read_bytes())
    path.chmod(0o644)

    answer = service.pull(utility.tablet, None, 500)
    passed_over = keys.key_ids()
    path.chmod(0o600)

    assert answer.sealing_key == public(keys)
    assert name not in passed_over
    assert keys.key_ids() == [name, *passed_over]


def test_a_key_whose_file_was_spoilt_at_work_is_used_as_it_was_read(
    keys: SealingKeys, tmp_path: Path
) -> None:
    before = keys.key_ids()
    [path] = (tmp_path / "sealing_keys").glob("*.pem")
    path.write_text("half a ")
    (tmp_path / "sealing_keys" / "note.pem").write_text("no key")

    assert keys.key_ids() == before
    with pytest.raises(SealingKeyError, match="is no private key"):
        SealingKeys(tmp_path / "sealing_keys").key_ids()


def test_a_start_with_keys_makes_no_other_one(tmp_path: Path) -> None:
    first = SealingKeys(tmp_path / "keys").ensure(NOON)
    second = SealingKeys(tmp_path / "keys").ensure(NOON)

    assert first == second is not None
