"""What the navigation is given: the presenters, and the places beside the orders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from field_app.platform.ports import Availability
from field_app.presenters.ports import Words, Worker

if TYPE_CHECKING:
    from field_app.orders.site_sheet import SiteSheet
    from field_app.photos.glass_io import Glass
    from field_app.presenters.alarm import AlarmPresenter
    from field_app.presenters.album import AlbumPresenter
    from field_app.presenters.enrol import EnrolPresenter
    from field_app.presenters.finding import FindingPresenter
    from field_app.presenters.form import FormRequest
    from field_app.presenters.help_page import HelpData
    from field_app.presenters.log_in import LogInPresenter
    from field_app.presenters.order import OrderPresenter
    from field_app.presenters.orders import OrdersPresenter
    from field_app.presenters.sheet import SheetPresenter
    from field_app.presenters.shift_page import ShiftData
    from field_app.presenters.sync import SyncPresenter
    from field_app.ui.navigator import Navigator

    AnySheet = SheetPresenter[SiteSheet] | SheetPresenter[HelpData] | SheetPresenter[ShiftData]
    """The presenter of a sheet by its key and the order it is about."""


class PlaceScreen(Protocol):
    """A screen that is a place of the navigation, or lies on top of one as a page.

    It is a Kivy widget; `back` returns whether it went one step back inside itself.
    """

    def begin(self) -> None:
        """Show what is there: the screen comes into view."""
        ...

    def refresh(self) -> None:
        """Read again what is shown."""
        ...

    def save(self) -> None:
        """Keep at once what was typed: the app may not come back."""
        ...

    def leave(self) -> None:
        """Keep what was typed and let go: the screen leaves the view."""
        ...

    def back(self) -> bool:
        """Go one step back inside the screen; False when there is none."""
        ...


PlaceMaker = Callable[["Navigator"], PlaceScreen]
"""Makes the screen of a place, at its first visit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Presenters:
    """The presenters of the screens; those of one order are made when it is opened.

    `places` makes the screens of further places of the navigation by their keys.
    """

    orders: OrdersPresenter
    sync: SyncPresenter
    enrol: EnrolPresenter
    log_in: LogInPresenter
    order: Callable[[str], OrderPresenter]
    finding: Callable[[str], FindingPresenter]
    alarm: AlarmPresenter
    sheet: Callable[[str, str], AnySheet]
    sign: Callable[[str, bytes], str]
    keeps_photos: Callable[[], Availability]
    glass: Callable[[str], Glass]
    album: Callable[[str], AlbumPresenter]
    keep_place: Callable[[str], None]
    kept_place: Callable[[], str]
    words: Words
    worker: Worker
    places: Mapping[str, PlaceMaker] = field(default_factory=dict)
    form: Callable[[Navigator, FormRequest], PlaceScreen] | None = None


ROUNDS_PLACE = "patrol"
"""The place of an inspector's rounds."""
