"""Walks through every screen of the app; the name of each is yielded while it is shown."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from tests.field_app_ui import kivy_harness as harness  # isort: skip - before anything from kivy
from field_app.platform.ports import Fix
from field_app.ui.theme import ThemeName
from tests.field_app.round_parts import taken_off
from tests.field_app_ui.conftest import Field
from tests.field_app_ui.inspection_parts import LATITUDE, LONGITUDE, Hands, inspection_rows
from tests.field_app_ui.office_forms import builtin, published
from tests.field_app_ui.town_office import make_order, make_site, small_network
from tests.field_app_ui.town_van import van, van_part
from wire_contracts.enrolment import Invitation, invitation_text
from wire_contracts.fields import JsonObject
from wire_contracts.network import Plane
from wire_contracts.orders import SafetyClass

FIRST = "WO-000101"
PIN = "285170"
INVITATION = Invitation(server_url="http://127.0.0.1:9", code="7KQ2-M4XP")


def tap(ui: harness.Driver, *hints: str) -> None:
    """Tap what is named like this, the first of several, one after the other."""
    for hint in hints:
        found = ui.all(hint=hint, anywhere=True) or ui.all(key=hint, anywhere=True)
        assert found, f"nothing is named {hint}"
        ui.tap(found[0])
        ui.settle()


def write(ui: harness.Driver, **texts: str) -> None:
    """Write into fields by their names, and let go of the last."""
    for hint, text in texts.items():
        field = ui.get("Field", hint=hint, anywhere=True)
        ui.tap(field)
        field.text = ""
        ui.type(text)
        field.focus = False
    ui.settle()


def choose(ui: harness.Driver, block: str, value: str) -> None:
    """Choose an answer of one question."""
    part = next(each for each in ui.all("ChoicePart", anywhere=True) if each.block.key == block)
    ui.tap(next(each for each in part.walk() if getattr(each, "key", "") == value))
    ui.settle()


def first_start(crew: Field, hands: Hands) -> Iterator[str]:
    """Walk from a tablet out of its box to a code that nobody answers."""
    (crew.folder / "identity.json").unlink()
    hands.scanner.code = invitation_text(INVITATION)
    crew.hardware = hands.hardware()
    ui = crew.switch_on()
    yield "enrol"
    tap(ui, "scan-code")
    yield "enrol-no-contact"


def repair(crew: Field, hands: Hands) -> Iterator[str]:
    """Walk through a day of a repair crew."""
    latitude, longitude = small_network().plane.to_earth(200.0, 150.0)
    hands.locator.here = Fix(latitude_deg=latitude, longitude_deg=longitude, accuracy_m=8.0)
    crew.hardware = hands.hardware()
    crew.office.orders = [
        make_order(number, site=make_site(number), **_URGENT.get(number, {})) for number in range(9)
    ]
    crew.office.network = [small_network()]
    crew.office.extra = [published(builtin("leak-gas")), van(van_part())]
    crew.office.refuses = frozenset({"shift_note"})
    ui = crew.switch_on()
    assert crew.tablet is not None
    crew.tablet.set_pin(PIN)
    yield "alarm"
    tap(ui, "alarm-answer")
    yield "list"
    yield from _order(ui)
    yield from _around(crew, ui)
    yield from _locked(crew, ui)


def inspection(crew: Field, hands: Hands) -> Iterator[str]:
    """Walk through a day of an inspector."""
    crew.hardware = hands.hardware()
    here = Plane(latitude_deg=LATITUDE, longitude_deg=LONGITUDE)
    crew.office.orders, crew.office.extra = (), [*inspection_rows(), required()]
    crew.office.network = [replace(small_network(), plane=here)]
    ui = crew.switch_on()
    yield "list-empty"
    tap(ui, "go-patrol")
    yield "rounds"
    hands.locator.go(0, off_m=-70)
    tap(ui, "start:plan-1")
    ui.pump(140)
    yield "run"
    tap(ui, "next-stop")
    yield "point"
    hands.reader.hold_near("04a2b30")
    ui.settle()
    write(ui, gas_lel_pct="24", well_water_cm="3")
    yield "point-danger"
    choose(ui, "outcome", "defect")
    choose(ui, "severity", "1")
    write(ui, note="V-31")
    tap(ui, "primary")
    yield "run-order-made"
    tap(ui, "end-route")
    yield "run-end"
    ui.back()
    ui.back()
    yield from _homes_and_meters(ui)
    tap(ui, "go-map")
    yield "map-of-rounds"
    yield from _left_places(crew, ui)


def _left_places(crew: Field, ui: harness.Driver) -> Iterator[str]:
    """Look at the rounds once the office has given the home with the noted hazard away."""
    assert crew.tablet is not None
    taken_off(crew.tablet, "hh-0")
    tap(ui, "go-patrol")
    yield "rounds-left"


def _homes_and_meters(ui: harness.Driver) -> Iterator[str]:
    ui.settle()
    tap(ui, "homes")
    yield "homes"
    tap(ui, "next-door")
    yield "home"
    choose(ui, "appliances", "wrong")
    choose(ui, "item:hose", "wrong")
    choose(ui, "severity:hose", "1")
    yield "home-hazard"
    write(ui, **{"note:hose": "RVS 12/7"})
    ui.back()
    ui.back()
    ui.settle()
    tap(ui, "meters")
    yield "meters"
    tap(ui, "next-door")
    yield "meter"
    for _ in range(5):
        ui.tap_hint("key-9")
    ui.settle()
    yield "meter-doubt"
    ui.back()
    ui.back()


def _order(ui: harness.Driver) -> Iterator[str]:
    tap(ui, FIRST)
    yield "order"
    for _ in range(4):
        tap(ui, "next-step")
    yield "order-at-work"
    yield from _tools(ui)
    tap(ui, "no_access")
    yield "no_access"
    ui.back()
    tap(ui, "tool-work", "open_air")
    write(ui, **{"ventilate.minutes": "10"})
    tap(ui, "primary")
    write(ui, **{"measure.gas_lel_pct": "45"})
    tap(ui, "primary")
    ui.back()
    yield "order-gas"
    tap(ui, "cannot_finish")
    yield "cannot_finish"
    ui.back()
    ui.app.navigator.open_finding()
    ui.settle()
    yield "finding"
    tap(ui, "leak", "joint")
    write(ui, gas_lel_pct="999")
    yield "finding-wrong"
    ui.back()


def _tools(ui: harness.Driver) -> Iterator[str]:
    tap(ui, "tool-work", "not_needed", "primary")
    yield "work"
    ui.back()
    tap(ui, "tool-gate", "GX-9")
    write(ui, oxygen_pct="18.2", lel_pct="14")
    yield "gate"
    ui.back()
    for tool in ("valves", "parts"):
        tap(ui, f"tool-{tool}")
        yield tool
        ui.back()
    for value in ("1200", "1100"):
        tap(ui, "tool-reading")
        write(ui, value=value)
        choose(ui, "sure", f"read_twice:{value}")
        if value == "1200":
            tap(ui, "primary")
    yield "reading"
    ui.back()
    tap(ui, "tool-photos")
    yield "photos-empty"
    tap(ui, "take-photo", "photo")
    x, y = ui.centre(ui.get("MarkPad"))
    ui.stroke([(x - 80, y), (x, y + 60), (x + 80, y)])
    yield "photo-marking"
    ui.back()
    yield "photos"
    ui.back()
    for tool in ("signature", "handover"):
        tap(ui, f"tool-{tool}")
        yield tool
        ui.back()
    tap(ui, "tool-form:leak-gas")
    screen = ui.get("FormScreen")
    ui.wait(lambda: screen.ids.cards.made_count == len(screen.view.cards), "all cards")
    yield "form"
    ui.back()


def _around(crew: Field, ui: harness.Driver) -> Iterator[str]:
    assert crew.tablet is not None
    tap(ui, "help")
    yield "help"
    tap(ui, "30", "primary")
    crew.clock.moment_utc += timedelta(minutes=31)
    ui.app.navigator.tick()
    ui.settle()
    yield "watch-alarm"
    tap(ui, "alarm-answer")
    ui.back()
    ui.back()
    tap(ui, "go-me", "shift")
    write(ui, note="V-31")
    yield "shift"
    tap(ui, "primary")
    ui.back()
    crew.tablet.sync_now()
    for place in ("map", "sync", "me"):
        tap(ui, f"go-{place}")
        yield place
    for theme in (ThemeName.DARK, ThemeName.SUN):
        ui.app.use_theme(theme)
        tap(ui, "go-orders")
        yield f"list-{theme}"
        tap(ui, FIRST)
        yield f"order-{theme}"
        ui.back()
        tap(ui, "go-map")
        yield f"map-{theme}"
    ui.app.use_theme(ThemeName.LIGHT)


def _locked(crew: Field, ui: harness.Driver) -> Iterator[str]:
    assert crew.tablet is not None
    tap(ui, "go-me", "lock-now")
    yield "locked"
    tap(ui, "li-wei")
    for digit in "00000":
        ui.tap_hint(f"pin-{digit}")
    ui.settle()
    yield "pin"
    tap(ui, "pin-1", "pin-ok")
    yield "pin-wrong"


_URGENT = {4: {"safety_class": SafetyClass.A}}


def required() -> tuple[str, str, JsonObject]:
    """Return the office's checklist of a valve well, without which no well is left."""
    return published(replace(builtin("patrol-well"), is_required=True))
