"""Puts the tablet and its screens together, and runs them until the window is closed."""

import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from field_app.clock_io import SystemClock
from field_app.config import APP_VERSION, TabletConfig
from field_app.config_io import load_zone
from field_app.i18n import CHINESE, ChosenWords
from field_app.platform.desktop import desktop_hardware
from field_app.presenters.enrol import EnrolPresenter
from field_app.presenters.finding import FindingPresenter
from field_app.presenters.log_in import LogInPresenter
from field_app.presenters.order import OrderPresenter
from field_app.presenters.orders import OrdersPresenter
from field_app.presenters.ports import PresenterContext, Worker
from field_app.presenters.sync import SyncPresenter
from field_app.presenters.views import LabelledText
from field_app.tablet import Tablet, open_tablet
from field_app.ui.environment_io import prepare_environment
from wire_contracts.clock import Clock

if TYPE_CHECKING:
    from field_app.ui.application import AppParts, LamplighterApp
    from field_app.ui.navigator import Presenters


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What the screens of one tablet are made of."""

    tablet: Tablet
    config: TabletConfig
    clock: Clock
    words: ChosenWords

    def presenters(self, worker: Worker) -> "Presenters":
        """Return the presenters; those of one order are made when it is opened."""
        from field_app.ui.navigator import Presenters  # noqa: PLC0415 - imports Kivy

        tablet = self.tablet
        context = PresenterContext(
            worker=worker,
            words=self.words,
            clock=self.clock,
            zone=load_zone("field-app", self.config.timezone),
        )
        return Presenters(
            orders=OrdersPresenter(tablet, context),
            sync=SyncPresenter(tablet, context, desktop_hardware(tablet.vault)),
            enrol=EnrolPresenter(tablet, context, self.config),
            log_in=LogInPresenter(tablet, context),
            order=lambda order_id: OrderPresenter(tablet, context, order_id),
            finding=lambda order_id: FindingPresenter(tablet, context, order_id),
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
        )


def wire(tablet: Tablet, config: TabletConfig, clock: Clock) -> Wiring:
    """Return the wiring of a tablet, in the language that was chosen on it."""
    language = config.language or tablet.language() or CHINESE
    return Wiring(tablet=tablet, config=config, clock=clock, words=ChosenWords(language))


def make_app(tablet: Tablet, config: TabletConfig, clock: Clock) -> "LamplighterApp":
    """Return the app over an open tablet; Kivy's environment must have been prepared."""
    from field_app.ui.application import LamplighterApp  # noqa: PLC0415 - imports Kivy

    return LamplighterApp(wire(tablet, config, clock).parts())


def run_app(config: TabletConfig, clock: Clock | None = None) -> None:
    """Open the tablet in `config.data`, show its screens, and close it when they are closed.

    SIGTERM and Ctrl-C end it like the window's own button: what was typed is kept.

    Raises:
        NoWindowError: There is neither a display nor a GL library.
        StoreTooNewError: A newer app wrote the tablet's file.
    """
    prepare_environment(config.data)
    config.data.mkdir(parents=True, exist_ok=True)
    tablet = open_tablet(config.data, clock or SystemClock())
    try:
        tablet.start_background_sync()
        app = make_app(tablet, config, clock or SystemClock())
        _stop_on_signal(app.stop_soon)
        app.run()
    finally:
        tablet.close()


def _stop_on_signal(stop: Callable[[], None]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop())
