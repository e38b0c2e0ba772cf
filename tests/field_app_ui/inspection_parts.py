"""A town to inspect: a route of five places, eight homes, eight meters, and ports of a hand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from io import BytesIO

from PIL import Image, ImageDraw

from field_app.platform.no_vault import NoVault
from field_app.platform.ports import (
    Availability,
    Fix,
    Hardware,
    Sound,
    Stop,
    Tag,
    TagWay,
    Vault,
)
from tests.field_app_ui.town_office import NOW_UTC
from wire_contracts.fields import JsonObject
from wire_contracts.home_checks import (
    HOUSEHOLD_ENTITY,
    CheckItem,
    Hazard,
    Household,
    HouseholdState,
    household_json,
)
from wire_contracts.meter_rounds import (
    METER_ENTITY,
    Exchange,
    PastReading,
    RoundMeter,
    round_meter_json,
)
from wire_contracts.patrols import (
    CHECKPOINT_ENTITY,
    PLAN_ENTITY,
    Checkpoint,
    CheckpointKind,
    Measure,
    PatrolPlan,
    ValueLimit,
    checkpoint_json,
    plan_json,
)
from wire_contracts.quantities import Medium
from wire_contracts.texts import BilingualText

LATITUDE, LONGITUDE = 36.6512, 117.1201
LAT_M = 1 / 111_195

READY = Availability(is_available=True)

WELL_LIMITS = (
    ValueLimit(measure=Measure.GAS_LEL_PCT, high=1.0),
    ValueLimit(measure=Measure.WELL_WATER_CM, high=20.0),
)
BOX_LIMITS = (
    ValueLimit(measure=Measure.GAS_LEL_PCT, high=1.0),
    ValueLimit(measure=Measure.INLET_PRESSURE_KPAG, low=100.0, high=400.0),
    ValueLimit(measure=Measure.OUTLET_PRESSURE_KPAG, low=2.0, high=3.0),
)

_STOPS = (
    ("vw-031", "Valve well 31", "阀门井 31", 0.0, 0.0, CheckpointKind.VALVE_WELL, ""),
    ("rb-114", "Regulator box 114", "调压箱 114", 180.0, 60.0, CheckpointKind.REGULATOR_BOX, ""),
    ("vw-044", "Valve well 44", "阀门井 44", 320.0, 10.0, CheckpointKind.VALVE_WELL, "missed"),
    (
        "pl-007",
        "Crossing of the ring road",
        "环城路穿越段",
        400.0,
        240.0,
        CheckpointKind.PIPELINE,
        "",
    ),
    ("rb-120", "Regulator box 120", "调压箱 120", 210.0, 330.0, CheckpointKind.REGULATOR_BOX, ""),
)


def checkpoint(number: int) -> tuple[str, Checkpoint]:
    """Return one stop of the route with its id."""
    name, en, zh, north_m, east_m, kind, again = _STOPS[number]
    is_box = kind is CheckpointKind.REGULATOR_BOX
    limits = BOX_LIMITS if is_box else () if kind is CheckpointKind.PIPELINE else WELL_LIMITS
    return name, Checkpoint(
        kind=kind,
        medium=Medium.GAS,
        name=BilingualText(en=en, zh=zh),
        address="Nordring 46",
        latitude_deg=LATITUDE + north_m * LAT_M,
        longitude_deg=LONGITUDE + east_m * LAT_M / 0.802,
        tag=f"04a2b3{number}",
        radius_m=25.0,
        limits=limits,
        recheck_reason=again,
    )


def household(number: int) -> tuple[str, Household]:
    """Return one home with its id; the third one was not opened twice before."""
    is_shut = number == 2
    hazard = Hazard(item=CheckItem.HOSE, severity=2, due_at_utc=NOW_UTC - timedelta(days=3))
    return f"hh-{number}", Household(
        community="Nordring",
        building=str(9 + number // 4 * 3),
        room=f"3-{901 + number}",
        address="Nordring 46",
        meter_id=f"GM-{number}",
        device_serial=f"8023112{number}",
        state=HouseholdState.NO_ACCESS if is_shut else HouseholdState.DUE,
        no_access_count=2 if is_shut else 0,
        hazards=(hazard,) if number == 3 else (),
    )


def round_meter(number: int) -> tuple[str, RoundMeter]:
    """Return one meter with its id; the second rolls over, the third was exchanged."""
    base = 99_900.0 if number == 1 else 1200.0 + 37 * number
    past = tuple(
        PastReading(at_utc=NOW_UTC - timedelta(days=30 * (3 - n)), value=base + 30.0 * n)
        for n in range(3)
    )
    exchange = Exchange(at_utc=NOW_UTC - timedelta(days=9), final=1350.0, initial=0.5)
    return f"GM-{number}", RoundMeter(
        building=str(9 + number // 4 * 3),
        place=f"3-{901 + number}",
        address="Nordring 46",
        device_serial=f"8023112{number}",
        medium=Medium.GAS,
        unit="m³",
        digits=5,
        decimals=3,
        readings=past,
        exchange=exchange if number == 2 else None,
    )


def inspection_rows() -> list[tuple[str, str, JsonObject]]:
    """Return everything the crew inspects as rows of the office."""
    checkpoints = [checkpoint(number) for number in range(len(_STOPS))]
    plan = PatrolPlan(
        name=BilingualText(en="Northern ring", zh="北环线"),
        crew_id="crew-3",
        stops=tuple(name for name, _ in checkpoints),
        interval_s=604_800,
        due_at_utc=NOW_UTC + timedelta(hours=2),
        last_done_at_utc=NOW_UTC - timedelta(days=7),
    )
    return [
        *((CHECKPOINT_ENTITY, name, checkpoint_json(each)) for name, each in checkpoints),
        (PLAN_ENTITY, "plan-1", plan_json(plan)),
        *(
            (HOUSEHOLD_ENTITY, name, household_json(each))
            for name, each in map(household, range(8))
        ),
        *(
            (METER_ENTITY, name, round_meter_json(each))
            for name, each in map(round_meter, range(8))
        ),
    ]


@dataclass(slots=True)
class HandLocator:
    """A position that the test moves."""

    here: Fix | None = None
    is_on: bool = False

    def availability(self) -> Availability:
        return READY

    def start(self) -> None:
        self.is_on = True

    def stop(self) -> None:
        self.is_on = False

    def fix(self) -> Fix | None:
        return self.here

    def go(self, number: int, *, off_m: float = 0.0, accuracy_m: float = 6.0) -> None:
        """Stand at a stop of the route, `off_m` north of it."""
        stop = checkpoint(number)[1]
        self.here = Fix(
            latitude_deg=stop.latitude_deg + off_m * LAT_M,
            longitude_deg=stop.longitude_deg,
            accuracy_m=accuracy_m,
        )


@dataclass(slots=True)
class HandReader:
    """A reader that hears the tag the test holds near."""

    heard: list[Callable[[Tag], None]] = field(default_factory=list)

    def availability(self) -> Availability:
        return READY

    def listen(self, found: Callable[[Tag], None]) -> Stop:
        self.heard.append(found)

        def stop() -> None:
            if found in self.heard:
                self.heard.remove(found)

        return stop

    def hold_near(self, text: str) -> None:
        """Hold a tag near the tablet."""
        for found in list(self.heard):
            found(Tag(text=text, way=TagWay.NFC))


@dataclass(slots=True)
class HandCamera:
    """A camera in front of which the test holds a picture."""

    taken_count: int = 0

    def availability(self) -> Availability:
        return READY

    def take_photo(self, taken: Callable[[bytes | None], None]) -> None:
        self.taken_count += 1
        taken(picture(self.taken_count))


@dataclass(slots=True)
class HandScanner:
    """A scanner before which the test holds a code."""

    code: str = ""

    def availability(self) -> Availability:
        return Availability(is_available=bool(self.code))

    def scan(self, scanned: Callable[[Tag | None], None]) -> None:
        scanned(Tag(text=self.code, way=TagWay.QR) if self.code else None)


@dataclass(slots=True)
class HandBuzzer:
    """What was to be heard and felt."""

    sounds: list[Sound] = field(default_factory=list)
    shakes: list[Sequence[int]] = field(default_factory=list)

    def availability(self) -> Availability:
        return READY

    def play(self, sound: Sound) -> None:
        self.sounds.append(sound)

    def vibrate(self, pattern_ms: Sequence[int]) -> None:
        self.shakes.append(pattern_ms)


@dataclass(slots=True)
class Hands:
    """The ports of a tablet in the hands of a test."""

    locator: HandLocator = field(default_factory=HandLocator)
    reader: HandReader = field(default_factory=HandReader)
    camera: HandCamera = field(default_factory=HandCamera)
    scanner: HandScanner = field(default_factory=HandScanner)
    buzzer: HandBuzzer = field(default_factory=HandBuzzer)

    def hardware(self, vault: Vault | None = None) -> Hardware:
        return Hardware(
            camera=self.camera,
            tag_reader=self.reader,
            code_scanner=self.scanner,
            locator=self.locator,
            vibrator=self.buzzer,
            sounder=self.buzzer,
            vault=vault or NoVault(),
        )


def picture(number: int) -> bytes:
    """Return a photo of a register, each another one."""
    image = Image.new("RGB", (640, 480), (70 + number % 100, 84, 96))
    ImageDraw.Draw(image).rectangle((120, 180, 520, 300), fill=(240, 240, 230))
    stream = BytesIO()
    image.save(stream, "JPEG")
    return stream.getvalue()
