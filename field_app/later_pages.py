"""Makes the presenters of what is opened from the list: an order and its tools, map, rounds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from field_app.orders.site_sheet import SiteSheet
from field_app.photos.pictures_io import PictureError
from field_app.platform.ports import Hardware
from field_app.presenters.album import AlbumPresenter
from field_app.presenters.finding import FindingPresenter
from field_app.presenters.form import FormPresenter, FormRequest
from field_app.presenters.gate_page import GatePage
from field_app.presenters.help_page import HelpPresenter
from field_app.presenters.leave_page import LeavePage
from field_app.presenters.map import MapPresenter
from field_app.presenters.order import OrderPresenter
from field_app.presenters.parts_page import PartsPage
from field_app.presenters.ports import PresenterContext
from field_app.presenters.reading_page import ReadingPage
from field_app.presenters.round_parts import RoundParts
from field_app.presenters.sheet import SheetPage, SheetPresenter
from field_app.presenters.shift_page import ShiftPage
from field_app.presenters.valves_page import ValvesPage
from field_app.presenters.watch import name_of
from field_app.presenters.wording import no_room_text
from field_app.presenters.work_page import WorkPage
from field_app.store.database_io import StoreFullError
from field_app.tablet import Tablet
from wire_contracts.blobs import BlobRole

if TYPE_CHECKING:
    from field_app.ui.navigator import Navigator
    from field_app.ui.places import AnySheet, PlaceScreen

SITE_PAGES: Final[Mapping[str, Callable[[Tablet, PresenterContext, str], SheetPage[SiteSheet]]]] = {
    "work": WorkPage,
    "gate": GatePage,
    "valves": ValvesPage,
    "parts": PartsPage,
    "reading": ReadingPage,
}
"""The sheets of one order by the key of the tool that opens them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaterPages:
    """What is made when it is opened; importing this module is what the list does not wait for."""

    tablet: Tablet
    hardware: Hardware
    context: PresenterContext

    def order(self, order_id: str) -> OrderPresenter:
        """Return the presenter of one order."""
        return OrderPresenter(self.tablet, self.context, order_id, self.hardware.dialler)

    def finding(self, order_id: str) -> FindingPresenter:
        """Return the presenter of one order's finding."""
        return FindingPresenter(self.tablet, self.context, order_id)

    def sheet(self, key: str, order_id: str) -> "AnySheet":
        """Return the presenter of a sheet; what no page is named after ends the visit."""
        tablet, context = self.tablet, self.context
        if key == "help":
            return HelpPresenter(tablet, context, self.hardware.locator)
        if key == "shift":
            return SheetPresenter(ShiftPage(tablet, context), context)
        page = SITE_PAGES.get(key)
        if page is None:
            return SheetPresenter(LeavePage(tablet, context, order_id, key), context)
        return SheetPresenter(page(tablet, context, order_id), context)

    def album(self, order_id: str) -> AlbumPresenter:
        """Return the presenter of one order's photos."""
        return AlbumPresenter(self.tablet.photos, self.context, self.hardware.camera, order_id)

    def sign(self, order_id: str, png: bytes) -> str:
        """Keep a signature; return why it could not be kept, empty when it was."""
        photos = self.tablet.photos
        availability = photos.availability()
        if not availability.is_available:
            return self.context.words(availability.reason)
        try:
            photos.add(order_id, png, BlobRole.SIGNATURE)
        except PictureError:
            return self.context.words("This picture cannot be used.")
        except StoreFullError:
            return no_room_text(self.context.words)
        return ""

    def form(self, navigator: "Navigator", request: FormRequest) -> "PlaceScreen":
        """Return the page of a form of the office."""
        from field_app.ui.form_page import make_form_page  # noqa: PLC0415 - imports Kivy

        presenter = FormPresenter(self.tablet, self.context, request, self.hardware)
        return make_form_page(navigator, presenter, self.context.worker)

    def map(self, navigator: "Navigator") -> "PlaceScreen":
        """Return the place of the map."""
        from field_app.ui.screens.map import MapScreen  # noqa: PLC0415 - imports Kivy

        return MapScreen(
            presenter=MapPresenter(self.tablet, self.context, self.hardware.locator),
            opened=navigator.open_from_map,
        )

    def rounds(self, navigator: "Navigator") -> "PlaceScreen":
        """Return the place of rounds."""
        from field_app.ui.rounds_place import make_rounds_place  # noqa: PLC0415 - imports Kivy

        parts = RoundParts(
            desk=self.tablet.inspections,
            site=self.tablet.site,
            forms=self.tablet.forms,
            photos=self.tablet.photos,
            hardware=self.hardware,
            context=self.context,
            network=self.tablet.site.network,
            person_name=partial(name_of, self.tablet),
        )
        return make_rounds_place(parts)(navigator)
