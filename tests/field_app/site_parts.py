"""A tablet at work on three orders of a small office, for the rules of the work on site."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from field_app.store.identity_io import Identity, save_identity
from field_app.tablet import Tablet, open_tablet
from tests.field_app.vault_parts import quick_vault
from tests.field_app_ui.town_office import NOW_UTC, HandClock, TownOffice, make_order, order_id
from wire_contracts.enrolment import TabletPerson
from wire_contracts.fields import JsonObject
from wire_contracts.orders import OrderType
from wire_contracts.work_order_states import WorkOrderEvent

COMM, LEAK, WATER = order_id(0), order_id(3), order_id(1)
TO_WORK = (
    WorkOrderEvent.ACCEPT,
    WorkOrderEvent.DEPART,
    WorkOrderEvent.ARRIVE,
    WorkOrderEvent.BEGIN,
)


def working_town() -> TownOffice:
    """Return an office with a communication check and two leak checks, of gas and of water."""
    town = TownOffice(clock=HandClock())
    town.orders = [
        make_order(0, order_type=OrderType.COMM_CHECK),
        make_order(1),
        make_order(3),
    ]
    return town


@contextmanager
def working_tablet(folder: Path, town: TownOffice) -> Iterator[Tablet]:
    """Open a tablet on which the work on all three has begun."""
    save_identity(
        folder,
        Identity(
            server_url="http://127.0.0.1:9",
            tablet_id="tablet-1",
            token="secret",  # noqa: S106 - nobody listens
            expires_at_utc=NOW_UTC + timedelta(days=90),
            crew_id="crew-3",
            people=(TabletPerson(account_id="li-wei", name="李伟", role="crew", language="zh_CN"),),
            actor="li-wei",
        ),
    )
    tablet = open_tablet(
        folder, town.clock, connect=lambda _identity: town, vault=quick_vault(folder)
    )
    tablet.sync_now()
    for each in (COMM, WATER, LEAK):
        for event in TO_WORK:
            tablet.desk.tap(each, event)
    yield tablet
    tablet.close()


def told(tablet: Tablet, town: TownOffice, field: str) -> list[JsonObject]:
    """Return the payloads of one type of fact that the office has been told."""
    town.is_reachable = True
    tablet.sync_now()
    return [each.payload or {} for each in town.pushed if each.field == field]
