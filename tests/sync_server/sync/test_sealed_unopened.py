"""What cannot be opened is kept as it came, within bounds, until its key is back (RULINGS R4)."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, update

from sync_server.blobs.bounds import SEALED_BYTES
from sync_server.blobs.intake import Intake
from sync_server.db.sync_tables import SEALED_ITEM
from sync_server.sync.ledger_store import read_ledger
from sync_server.sync.review_store import ReviewKind
from sync_server.sync.sealed_room import SealedRoom
from sync_server.sync.sealing_keys_io import SealingKeys
from sync_server.sync.service import SyncService, SyncTerms
from sync_server.work_orders.order_store import get_order
from tests.sync_server.people_parts import Pen, Utility
from tests.sync_server.real_parts import NOON
from tests.sync_server.sync.sealed_parts import (
    FullDisk,
    kept,
    public,
    reviewed,
    seal,
    sealed_operation,
    send,
)
from wire_contracts.codes import Code
from wire_contracts.errors import ContractError
from wire_contracts.sealed import (
    Envelope,
    SealedKind,
    SealedRequest,
)
from wire_contracts.sync import PROTOCOL


def test_what_cannot_be_opened_and_has_no_room_stays_on_the_tablet(
    utility: Utility, tmp_path: Path
) -> None:
    stranger = SealingKeys(tmp_path / "other")
    stranger.ensure(NOON)
    intake = Intake(utility.engine, FullDisk(tmp_path / "blobs"), utility.clock)
    terms = SyncTerms(keys=SealingKeys(tmp_path / "sealing_keys"), intake=intake)

    unread = seal(public(stranger), SealedKind.BLOB, "a" * 64, b"closed")
    service = SyncService(utility.engine, utility.clock, terms)

    with pytest.raises(ContractError) as told:
        send(service, utility, unread)

    assert told.value.code is Code.DISK_FULL
    assert kept(utility) == []


def test_a_store_whose_replica_id_no_database_takes_is_heard_all_the_same(
    service: SyncService, utility: Utility, keys: SealingKeys, pen: Pen, order_id: str
) -> None:
    envelope = sealed_operation(keys, pen.set(order_id, "note", "", "dog"))
    request = SealedRequest(replica_id="r\0\ud800x", envelopes=[envelope], protocol=PROTOCOL)

    service.take_sealed(utility.tablet, request, is_revoked=True)

    with utility.engine.connect() as connection:
        kept_as = connection.execute(select(SEALED_ITEM.c.replica_id)).scalars().all()
        assert get_order(connection, order_id).document.note == "dog"
    assert kept_as == ["r??x"]


def test_what_was_opened_later_takes_no_room_of_the_tablets_day(
    utility: Utility, keys: SealingKeys, pen: Pen, order_id: str, tmp_path: Path
) -> None:
    stranger = SealingKeys(tmp_path / "other")
    stranger.ensure(NOON)
    without = SyncService(utility.engine, utility.clock, SyncTerms(keys=stranger))
    send(without, utility, sealed_operation(keys, pen.set(order_id, "note", "", "dog")))

    SealedRoom(utility.engine, keys, None).open_waiting(NOON)

    with utility.engine.connect() as connection:
        assert connection.execute(select(SEALED_ITEM.c.size_bytes)).scalars().all() == [0]


def test_a_tablet_leaves_no_more_unopened_in_a_day_than_its_share(
    service: SyncService, utility: Utility, tmp_path: Path
) -> None:
    stranger = SealingKeys(tmp_path / "other")
    stranger.ensure(NOON)
    first, second = (seal(public(stranger), SealedKind.BLOB, name * 64, b"closed") for name in "ab")
    send(service, utility, first)
    with utility.engine.begin() as connection:
        connection.execute(update(SEALED_ITEM).values(size_bytes=SEALED_BYTES))

    with pytest.raises(ContractError) as told:
        send(service, utility, second)
    again = send(service, utility, first)
    utility.clock.advance(days=1, minutes=1)
    next_day = send(service, utility, second)

    assert told.value.code is Code.BLOB_QUOTA
    assert [each.is_opened for each in (*again.results, *next_day.results)] == [False, False]
    assert len(kept(utility)) == 2


SPOILS: dict[str, Callable[[Envelope], Envelope]] = {
    "another id": lambda whole: replace(whole, about="0190-another"),
    "another kind": lambda whole: replace(whole, kind=SealedKind.DRAFT),
    "other bytes": lambda whole: replace(whole, box=bytes(len(whole.box))),
    "an unknown key": lambda whole: replace(whole, key_id="0" * 16),
}


SPOILT_KIND = {"an unknown key": ReviewKind.SEALED_UNREAD}
"""What a person is told: of all others the key is here."""


@pytest.mark.parametrize("spoil", SPOILS)
def test_what_cannot_be_opened_is_kept_as_it_came_and_a_person_hears_of_it_once(
    service: SyncService, utility: Utility, keys: SealingKeys, order_id: str, spoil: str
) -> None:
    pen = Pen(actor=utility.member.account_id, clock=utility.clock)
    spoilt = SPOILS[spoil](sealed_operation(keys, pen.set(order_id, "note", "", "x")))

    answers = [send(service, utility, spoilt) for _ in range(2)]

    assert [each.is_opened for answer in answers for each in answer.results] == [False, False]
    kind = SPOILT_KIND.get(spoil, ReviewKind.SEALED_UNUSED)
    assert len(reviewed(utility, kind)) == 1
    with utility.engine.connect() as connection:
        assert len(connection.execute(select(SEALED_ITEM)).all()) == 1
        assert read_ledger(connection) == []


def test_a_key_that_was_put_back_opens_what_had_to_wait(
    utility: Utility, keys: SealingKeys, pen: Pen, order_id: str, tmp_path: Path
) -> None:
    envelope = sealed_operation(keys, pen.set(order_id, "note", "", "late"))
    stranger = SealingKeys(tmp_path / "other")
    stranger.ensure(NOON)
    without = SyncService(utility.engine, utility.clock, SyncTerms(keys=stranger))
    send(without, utility, envelope)

    count = SealedRoom(utility.engine, keys, None).open_waiting(NOON)
    again = SealedRoom(utility.engine, keys, None).open_waiting(NOON)

    assert (count, again) == (1, 0)
    with utility.engine.connect() as connection:
        assert get_order(connection, order_id).document.note == "late"
