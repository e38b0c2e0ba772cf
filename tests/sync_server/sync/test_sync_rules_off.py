"""Each rule of the protocol, switched off, is caught by the checker (sync spec 1.6)."""

from collections.abc import Callable

import pytest
from sqlalchemy import Engine

from sync_server.db import change_store
from sync_server.sync import apply, ledger_store, pull, push
from sync_server.sync.merge import Merged, Owner
from tests.sync_server.real_parts import HandClock
from tests.sync_server.sync_simulation import simulate, violations
from tests.sync_server.tablet_model import ModelTablet
from wire_contracts.fields import JsonValue
from wire_contracts.operations import Outcome

Switch = Callable[[pytest.MonkeyPatch], None]


def no_tombstones(patch: pytest.MonkeyPatch) -> None:
    """T6: a row that leaves the bucket is simply not mentioned any more."""
    patch.setattr(change_store._Writer, "leave", lambda *_arguments: None)


def no_horizon(patch: pytest.MonkeyPatch) -> None:
    """T13: a tablet older than the purged tombstones goes on as if nothing had happened."""
    real = change_store.head_and_horizon
    patch.setattr(pull, "head_and_horizon", lambda connection: (real(connection)[0], 0))


def last_write_wins(patch: pytest.MonkeyPatch) -> None:
    """T8: the crew's value replaces whatever is there."""

    def overwrite(_owner: Owner, _now: JsonValue, _seen: JsonValue, wanted: JsonValue) -> Merged:
        return Merged(outcome=Outcome.APPLIED, value=wanted)

    patch.setattr(apply, "merge_field", overwrite)


def no_review(patch: pytest.MonkeyPatch) -> None:
    """Complaint 5: what is refused is dropped and nobody hears of it."""
    patch.setattr(push, "add_review", lambda *_arguments: "")


def actor_at_push(patch: pytest.MonkeyPatch) -> None:
    """T12: work is attributed to whoever is logged in when it is sent."""
    real = ledger_store._ledger_row

    def by_tablet(*arguments: object) -> dict[str, object]:
        return {**real(*arguments), "actor": "whoever"}  # type: ignore[arg-type]  # passed on

    patch.setattr(ledger_store, "_ledger_row", by_tablet)


def token_without_rows(patch: pytest.MonkeyPatch) -> None:
    """T4: the token is kept, the page is not."""
    patch.setattr(ModelTablet, "_take_bucket", _loses_every_third())


def _loses_every_third() -> Callable[[ModelTablet, object], None]:
    real, count = ModelTablet._take_bucket, [0]

    def take(tablet: ModelTablet, page: object) -> None:
        count[0] += 1
        if count[0] % 3:
            real(tablet, page)  # type: ignore[arg-type]  # passed on as it came

    return take


def outbox_purged_with_the_row(patch: pytest.MonkeyPatch) -> None:
    """T10: unsent work on a row that left the scope goes with the row."""
    real = ModelTablet.take_page

    def take(tablet: ModelTablet, answer: object) -> None:
        real(tablet, answer)  # type: ignore[arg-type]  # passed on as it came
        shown = {key for rows in tablet.disk.buckets.values() for _, key in rows}
        tablet.disk.outbox = [each for each in tablet.disk.outbox if each.entity_id in shown]

    patch.setattr(ModelTablet, "take_page", take)


PINNED: dict[Switch, int] = {
    no_tombstones: 1,
    no_horizon: 5,
    last_write_wins: 1,
    no_review: 1,
    actor_at_push: 1,
    token_without_rows: 1,
    outbox_purged_with_the_row: 1,
}
"""A seed for each rule that is known to catch it (RULINGS R29)."""


@pytest.mark.parametrize("switch", PINNED)
def test_a_rule_switched_off_is_caught(
    sqlite_engine: Engine, clock: HandClock, monkeypatch: pytest.MonkeyPatch, switch: Switch
) -> None:
    switch(monkeypatch)
    simulation = simulate(sqlite_engine, clock, PINNED[switch])

    assert violations(simulation)
