"""The real app over a real tablet, driven without a display.

Every flow is run in one language and one way round, by turns, so that half of them are Chinese and
half lie on their side; those marked `both_languages` are run a second time, in the other language
and turned. The night runs each of them in all four ways.
"""

import gc
import zlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.field_app_ui import kivy_harness as harness  # isort: skip - before anything from kivy
from field_app.app import make_app
from field_app.config import TabletConfig
from field_app.i18n import CHINESE, ENGLISH, CatalogueWords
from field_app.platform.ports import Hardware
from field_app.store.identity_io import Identity, save_identity
from field_app.tablet import Tablet, open_tablet
from tests.field_app.vault_parts import quick_vault
from tests.field_app_ui.inspection_parts import Hands, inspection_rows
from tests.field_app_ui.town_office import NOW_UTC, HandClock, TownOffice, make_order
from wire_contracts.enrolment import TabletPerson

PEOPLE = (
    TabletPerson(account_id="li-wei", name="李伟", role="crew", language="zh_CN"),
    TabletPerson(account_id="anna", name="Anna Kowalska", role="crew", language="en"),
)


class Way(NamedTuple):
    """In which language, and which way round, the crew uses the tablet."""

    language: str
    size: tuple[int, int]

    @property
    def name(self) -> str:
        """Return it as it stands in a test's name."""
        return f"{self.language}-{self.size[0]}x{self.size[1]}"


UPRIGHT, ON_ITS_SIDE = (800, 1280), (1280, 800)
WAYS = (
    Way(ENGLISH, UPRIGHT),
    Way(CHINESE, ON_ITS_SIDE),
    Way(CHINESE, UPRIGHT),
    Way(ENGLISH, ON_ITS_SIDE),
)
"""Two that stand side by side have nothing in common."""

FLOWS = ("_flows", "_by_code")
"""How the modules of flows end."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give every flow its ways; a test that chooses its language itself is left alone."""
    chooses = {"language", "spoken"} & set(metafunc.fixturenames)
    if "way" not in metafunc.fixturenames or chooses:
        return
    if not metafunc.module.__name__.endswith(FLOWS):
        return
    first = zlib.crc32(metafunc.function.__name__.encode()) % len(WAYS)
    is_in_both = metafunc.definition.get_closest_marker("both_languages") is not None
    by_day = (first, first ^ 1) if is_in_both else (first,)
    metafunc.parametrize(
        "way",
        [
            pytest.param(way, id=way.name, marks=[] if number in by_day else pytest.mark.nightly)
            for number, way in enumerate(WAYS)
        ],
        indirect=True,
    )


@pytest.fixture(autouse=True)
def left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let go of the app that was switched off: widgets hold each other and their textures.

    They would lie about until somebody else's test has the collector come: 3.6 GB after a hundred
    apps, and half a minute of clearing away in a test that waits for something else.
    """
    yield
    gc.collect()
    if "crew" in request.fixturenames:
        spare_what_stays()


@cache
def spare_what_stays() -> None:
    """Let the collector pass over what the first app leaves to all others: rules, words, fonts.

    They are half of what it would look through after every test.
    """
    gc.freeze()


@pytest.fixture
def way(request: pytest.FixtureRequest) -> Way:
    """Return in which language and which way round the test is run."""
    chosen: Way = getattr(request, "param", Way(ENGLISH, (harness.WIDTH, harness.HEIGHT)))
    return chosen


class Field:
    """One tablet in the crew's hands: switch it on, off, kill it, switch it on again."""

    def __init__(self, folder: Path, artifacts: Path) -> None:
        """Begin with the tablet off and in a drawer."""
        self.folder, self.artifacts = folder, artifacts
        self.clock = HandClock()
        self.office = TownOffice(clock=self.clock)
        self.language = ENGLISH
        self.size = harness.WIDTH, harness.HEIGHT
        self.hardware: Hardware | None = None
        self.tablet: Tablet | None = None
        self.ui: harness.Driver | None = None

    def enrol(self) -> None:
        """Make the tablet known, as if it had been enrolled this morning."""
        save_identity(
            self.folder,
            Identity(
                server_url="http://127.0.0.1:9",
                tablet_id="tablet-1",
                token="secret",  # noqa: S106 - nobody listens
                expires_at_utc=NOW_UTC + timedelta(days=90),
                crew_id="抢修三班",
                people=PEOPLE,
                actor="li-wei",
            ),
        )

    def says(self, msgid: str, **values: object) -> str:
        """Return what the app says in the crew's language."""
        return CatalogueWords(self.language)(msgid).format(**values)

    def switch_on(self) -> harness.Driver:
        """Open tablet and app, and wait until the first list is drawn."""
        self.tablet = open_tablet(
            self.folder,
            self.clock,
            connect=lambda _identity: self.office,
            vault=quick_vault(self.folder),
        )
        if self.tablet.is_enrolled and (self.office.orders or self.office.extra):
            self.tablet.sync_now()
        config = TabletConfig(
            data=self.folder,
            language=self.language,
            timezone="Asia/Shanghai",
            server_url="http://127.0.0.1:9",
        )
        self.ui = harness.Driver(
            make_app(self.tablet, config, self.clock, self.hardware), self.artifacts
        )
        if self.size != (harness.WIDTH, harness.HEIGHT):
            self.ui.resize(*self.size)
        self.ui.settle()
        return self.ui

    def switch_off(self) -> None:
        """Close the app like a person does."""
        if self.ui is not None:
            self.ui.close()
            self.ui = None
        if self.tablet is not None:
            self.tablet.close()
            self.tablet = None


@pytest.fixture
def crew(tmp_path: Path, way: Way) -> Iterator[Field]:
    """Return a tablet that is enrolled and has nine orders waiting at the office."""
    folder = tmp_path / "tablet"
    folder.mkdir()
    field = Field(folder, tmp_path / "pictures")
    field.language, field.size = way
    field.office.orders = [make_order(number) for number in range(9)]
    field.enrol()
    yield field
    field.switch_off()


@pytest.fixture
def ui(crew: Field) -> harness.Driver:
    """Return the app with its list drawn."""
    return crew.switch_on()


@pytest.fixture
def open_order(ui: harness.Driver) -> Callable[[str], None]:
    """Return a function that opens an order from the list by its number."""

    def open_by_number(number: str) -> None:
        ui.tap_hint(number)
        ui.settle()

    return open_by_number


@pytest.fixture
def hands() -> Hands:
    """Return the ports of the tablet."""
    return Hands()


@pytest.fixture
def inspector(crew: Field, hands: Hands) -> Iterator[Field]:
    """Return a tablet whose crew has a route, homes and meters."""
    crew.office.orders = ()
    crew.office.extra = inspection_rows()
    crew.hardware = hands.hardware()
    yield crew
    if crew.ui is not None:
        crew.ui.resize(harness.WIDTH, harness.HEIGHT)
