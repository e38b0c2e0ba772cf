"""Sealed taps that wait for a key of the server: what became of them is told when it is back."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from field_app.store.tables import sealed_item
from field_app.store.told_of_taps import BY_ITS_WORDS, WAITS_FOR_KEY
from field_app.sync.client_io import HttpSyncApi
from field_app.tablet import Tablet
from sync_server.db.sync_tables import OP_LEDGER
from sync_server.sync.sealed_room import SealedRoom
from sync_server.sync.sealing_keys_io import SealingKeys
from tests.field_app.office_parts import Office, serving
from tests.field_app.withdrawal_parts import (
    PIN,
    app_with_keys,
    new_tablet,
    revoke,
    work_offline,
)
from wire_contracts.sealed import SealedAnswer, SealedRequest


@dataclass(frozen=True, slots=True)
class Waiting:
    """A withdrawn tablet whose taps the server holds and cannot open."""

    office: Office
    tablet: Tablet
    keys: Path
    lost: Path

    def told(self) -> set[int | None]:
        """Return what the tablet knows of its taps."""
        query = select(sealed_item.c.told_ms).where(sealed_item.c.kind == "operation")
        return set(self.tablet.database.read(lambda c: c.execute(query).scalars().all()))

    def taken(self) -> set[int]:
        """Return when the server took the taps."""
        with self.office.engine.begin() as connection:
            return set(connection.execute(select(OP_LEDGER.c.received_at_ms)).scalars())

    def put_keys_back(self) -> None:
        for path in self.lost.glob("*.pem"):
            path.rename(self.keys / path.name)

    def open_waiting(self) -> None:
        room = SealedRoom(self.office.engine, SealingKeys(self.keys), None)
        assert room.open_waiting(self.office.clock.now_utc())


@pytest.fixture
def waiting(office: Office, tmp_path: Path) -> Iterator[Waiting]:
    keys, lost = tmp_path / "keys", tmp_path / "lost"
    app = app_with_keys(office, keys)
    with serving(app) as url, closing(new_tablet(tmp_path / "t", office, url)) as tablet:
        tablet.set_pin(PIN)
        order_id = office.new_order()
        tablet.sync_now()
        work_offline(tablet, order_id)
        lost.mkdir()
        for path in keys.glob("*.pem"):
            path.rename(lost / path.name)
        office.clock.advance(minutes=5)
        SealingKeys(keys).rotate(office.clock.now_utc())
        revoke(office, tablet)
        tablet.sync_now()
        yield Waiting(office, tablet, keys, lost)


def test_what_became_of_taps_that_were_opened_later_is_told_a_day_after(waiting: Waiting) -> None:
    assert waiting.told() == {WAITS_FOR_KEY}
    waiting.put_keys_back()
    waiting.office.clock.advance(hours=3)
    waiting.open_waiting()

    waiting.tablet.sync_now()
    before = waiting.told()
    waiting.office.clock.advance(hours=22)
    waiting.tablet.sync_now()

    assert before == {WAITS_FOR_KEY}
    assert waiting.told() == waiting.taken()
    assert len(waiting.taken()) == 1


def test_while_the_key_is_away_one_tap_is_asked_for_each_day_and_nothing_is_lost(
    waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    real = HttpSyncApi.send_sealed

    def counted(client: HttpSyncApi, request: SealedRequest) -> SealedAnswer:
        sent.append(len(request.envelopes))
        return real(client, request)

    monkeypatch.setattr(HttpSyncApi, "send_sealed", counted)
    for _ in range(2):
        waiting.office.clock.advance(hours=25)
        for _ in range(3):
            waiting.tablet.sync_now()

    assert [count for count in sent if count] == [1, 1]
    assert waiting.told() == {WAITS_FOR_KEY}
    assert waiting.tablet.withdrawal().sealed_waiting == 0


def test_taps_that_nobody_opened_before_a_restore_count_by_their_words(
    waiting: Waiting, tmp_path: Path
) -> None:
    backup = waiting.office.back_up(tmp_path / "backup.sqlite3")
    waiting.office.clock.advance(minutes=1)
    waiting.put_keys_back()
    waiting.open_waiting()

    waiting.office.restore(backup)
    waiting.tablet.sync_now()

    assert waiting.told() == {BY_ITS_WORDS}
