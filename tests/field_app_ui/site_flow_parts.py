"""What the flows of the work on site share: ports, tools, fields, what the office was told."""

from tests.field_app_ui import kivy_harness as harness
from tests.field_app_ui.conftest import Field
from tests.field_app_ui.inspection_parts import Hands
from tests.field_app_ui.town_office import (
    make_order,
    make_site,
    small_network,
)
from wire_contracts.fields import JsonObject


def site_hands(crew: Field) -> Hands:
    """Return the ports of the tablet; its orders and the network have their places."""
    hands = Hands()
    crew.hardware = hands.hardware()
    crew.office.orders = [make_order(number, site=make_site(number)) for number in range(9)]
    crew.office.network = [small_network()]
    return hands


def facts(crew: Field, field: str) -> list[JsonObject]:
    """Return the payloads of one type of fact that the office has been told."""
    assert crew.tablet is not None
    crew.tablet.sync_now()
    return [each.payload or {} for each in crew.office.pushed if each.field == field]


def open_tool(ui: harness.Driver, key: str) -> None:
    ui.tap_hint(f"tool-{key}")
    ui.settle()


def write(ui: harness.Driver, hint: str, text: str) -> None:
    """Write into a field, instead of what stands there."""
    field = ui.get("Field", hint=hint, anywhere=True)
    ui.tap(field)
    field.text = ""
    ui.type(text)
    ui.settle()
