"""What an inspector does on the real app, whatever the flow."""

from field_app.presenters.sheet_views import SheetView
from tests.field_app_ui import kivy_harness as harness
from tests.field_app_ui.conftest import Field
from tests.field_app_ui.inspection_parts import checkpoint
from wire_contracts.fields import JsonObject
from wire_contracts.operations import Operation
from wire_contracts.orders import FactType


def name_of(number: int, language: str) -> str:
    """Return the name of a stop of the route."""
    return checkpoint(number)[1].name.in_language(language)


def open_rounds(crew: Field) -> harness.Driver:
    """Switch the tablet on and go to the rounds."""
    ui = crew.switch_on()
    ui.tap_hint("go-patrol")
    ui.settle()
    return ui


def start_route(crew: Field) -> harness.Driver:
    """Start the planned route."""
    ui = open_rounds(crew)
    go(ui, "start:plan-1")
    return ui


def go(ui: harness.Driver, hint: str) -> None:
    """Tap what is named `hint`, or the first of several."""
    found = ui.all(hint=hint, anywhere=True) or ui.all(key=hint, anywhere=True)
    assert found, f"nothing is named {hint}"
    ui.tap(found[0])
    ui.settle()


def refusal(ui: harness.Driver) -> str:
    """Return why the sheet that is open cannot be ended."""
    primary = sheet(ui).primary
    assert primary is not None
    return primary.refusal


def sheet(ui: harness.Driver) -> SheetView:
    """Return what the sheet on top shows."""
    found = [*ui.all("SheetScreen"), *ui.all("TaggedSheet")]
    assert len(found) == 1
    view: SheetView = found[0].view
    return view


def choose(ui: harness.Driver, block: str, value: str) -> None:
    """Choose an answer of one question."""
    part = next(each for each in ui.all("ChoicePart", anywhere=True) if each.block.key == block)
    ui.tap(next(each for each in part.walk() if getattr(each, "key", "") == value))
    ui.settle()


def told(crew: Field, kind: FactType) -> list[JsonObject]:
    """Return the payloads of the facts of one type that the office has been told."""
    assert crew.tablet is not None
    crew.tablet.sync_now()
    pushed: list[Operation] = crew.office.pushed
    return [each.payload or {} for each in pushed if each.field == kind]
