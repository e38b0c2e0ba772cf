"""Puts the tablet and its screens together, and runs them until the window is closed."""

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Final

from field_app.clock_io import SystemClock
from field_app.config import APP_VERSION, TabletConfig
from field_app.config_io import load_zone
from field_app.contact_io import connect_over_http
from field_app.i18n import CHINESE, ChosenWords
from field_app.photos.pictures_io import read_code
from field_app.platform.desktop import desktop_hardware
from field_app.platform.hardware_io import Desk, open_hardware
from field_app.platform.ports import Hardware
from field_app.platform.replay import ReplayedStep
from field_app.presenters.alarm import AlarmPresenter
from field_app.presenters.enrol import EnrolPresenter
from field_app.presenters.log_in import LogInPresenter
from field_app.presenters.orders import OrdersPresenter
from field_app.presenters.ports import PresenterContext, Worker
from field_app.presenters.sync import SyncPresenter
from field_app.presenters.views import LabelledText
from field_app.tablet import Tablet, open_tablet
from field_app.ui.environment_io import prepare_environment
from wire_contracts.clock import Clock
from wire_contracts.sync import SyncApi

if TYPE_CHECKING:
    from field_app.later_pages import LaterPages
    from field_app.ui.application import AppParts, LamplighterApp
    from field_app.ui.places import Presenters


def _(msgid: str) -> str:
    """Mark a msgid for the catalogue; the words are looked up when they are shown."""
    return msgid


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What the screens of one tablet are made of."""

    tablet: Tablet
    config: TabletConfig
    clock: Clock
    words: ChosenWords
    hardware: Hardware

    def presenters(self, worker: Worker) -> "Presenters":
        """Return the presenters; those of one order are made when it is opened."""
        from field_app.ui.places import Presenters  # noqa: PLC0415 - after the window

        tablet = self.tablet
        context = PresenterContext(
            worker=worker,
            words=self.words,
            clock=self.clock,
            zone=load_zone("field-app", self.config.timezone),
            as_now=tablet.stamps.as_now,
        )

        @cache
        def later() -> "LaterPages":
            from field_app.later_pages import LaterPages  # noqa: PLC0415 - after the first list

            return LaterPages(tablet=tablet, hardware=self.hardware, context=context)

        return Presenters(
            orders=OrdersPresenter(tablet, context, self.hardware.locator),
            sync=SyncPresenter(tablet, context, self.hardware),
            enrol=EnrolPresenter(tablet, context, self.config, self.hardware.code_scanner),
            log_in=LogInPresenter(tablet, context),
            alarm=AlarmPresenter(tablet, context, self.hardware),
            order=lambda order_id: later().order(order_id),
            finding=lambda order_id: later().finding(order_id),
            sheet=lambda key, order_id: later().sheet(key, order_id),
            sign=lambda order_id, png: later().sign(order_id, png),
            keeps_photos=tablet.photos.availability,
            glass=tablet.photos.glass,
            album=lambda order_id: later().album(order_id),
            form=lambda navigator, request: later().form(navigator, request),
            places={
                "map": lambda navigator: later().map(navigator),
                "patrol": lambda navigator: later().rounds(navigator),
            },
            keep_place=tablet.keep_place,
            kept_place=tablet.kept_place,
            words=self.words,
            worker=worker,
        )

    def about(self) -> list[LabelledText]:
        """Return what the settings page says about this tablet."""
        t, identity = self.words, self.tablet.identity
        server_url = self.config.server_url if identity is None else identity.server_url
        return [
            LabelledText(label=label, text=text, icon=icon)
            for label, text, icon in (
                (t("Server"), server_url, "server"),
                (t("Name of this tablet"), self.config.device_name, "tablet"),
                (t("Version"), APP_VERSION, "version"),
            )
            if text
        ]

    def _has_rounds(self) -> bool:
        """Return whether the crew inspects anything; asked in the background, after the list."""
        return self.tablet.inspections.has_rounds()

    def parts(self) -> "AppParts":
        """Return what the app is given."""
        from field_app.ui.application import AppParts  # noqa: PLC0415 - imports Kivy

        return AppParts(
            words=self.words,
            make_presenters=self.presenters,
            watch=self.tablet.database.subscribe,
            keep_language=self.tablet.choose_language,
            about=self.about,
            folder=self.config.data,
            has_rounds=self._has_rounds,
            is_syncing=lambda: self.tablet.is_syncing,
        )


def wire(
    tablet: Tablet, config: TabletConfig, clock: Clock, hardware: Hardware | None = None
) -> Wiring:
    """Return the wiring of a tablet, in the language that was chosen on it.

    Without `hardware` the machine has none but the tablet's own vault.
    """
    language = config.language or tablet.language() or CHINESE
    ports = hardware or desktop_hardware(tablet.vault)
    tablet.photos.locate_with(ports.locator)
    return Wiring(
        tablet=tablet,
        config=config,
        clock=clock,
        words=ChosenWords(language),
        hardware=ports,
    )


def make_app(
    tablet: Tablet, config: TabletConfig, clock: Clock, hardware: Hardware | None = None
) -> "LamplighterApp":
    """Return the app over an open tablet; Kivy's environment must have been prepared."""
    from field_app.ui.application import LamplighterApp  # noqa: PLC0415 - imports Kivy

    return LamplighterApp(wire(tablet, config, clock, hardware).parts())


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How the app is run.

    Attributes:
        office: Who answers instead of a server: the demo's office, else None.
        track: Positions to be replayed on a desktop.
        is_check: End as soon as the first page is drawn.
    """

    office: SyncApi | None = None
    track: Sequence[ReplayedStep] = ()
    is_check: bool = False


def run_app(config: TabletConfig, clock: Clock | None = None, run: Run | None = None) -> None:
    """Open the tablet in `config.data`, show its screens, and close it when they are closed.

    SIGTERM and Ctrl-C end it like the window's own button: what was typed is kept.

    Raises:
        NoWindowError: There is neither a display nor a GL library.
        StoreTooNewError: A newer app wrote the tablet's file.
    """
    run, clock = run or Run(), clock or SystemClock()
    prepare_environment(config.data)
    config.data.mkdir(parents=True, exist_ok=True)
    office = run.office
    connect = connect_over_http if office is None else lambda _identity: office
    tablet = open_tablet(config.data, clock, connect=connect)
    try:
        wiring = wire(tablet, config, clock, _hardware(tablet, clock, run))
        _show(wiring, run)
    finally:
        tablet.close()


def _hardware(tablet: Tablet, clock: Clock, run: Run) -> Hardware:
    from field_app.ui.file_picker import ask_file  # noqa: PLC0415 - imports Kivy

    desk = Desk(ask_file=ask_file, read_code=read_code, track=run.track)
    return open_hardware(tablet.vault, clock, desk)


def _show(wiring: Wiring, run: Run) -> None:
    from field_app.ui.application import LamplighterApp  # noqa: PLC0415 - imports Kivy

    parts = replace(
        wiring.parts(),
        begin_sync=wiring.tablet.start_background_sync,
        strip="" if run.office is None else DEMO_STRIP,
        is_check=run.is_check,
    )
    app = LamplighterApp(parts)
    _stop_on_signal(app.stop_soon)
    with app.net():
        app.run()


DEMO_STRIP: Final = _("Demo without a server: nothing leaves this tablet")
"""Said on every screen of the demo, in the reader's language."""


def _stop_on_signal(stop: Callable[[], None]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop())
