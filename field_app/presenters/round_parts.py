"""Owns what every presenter of a round is given: desk, photos, hardware, words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from field_app.checklists.form_desk import FormDesk
from field_app.orders.site_desk import SiteDesk
from field_app.patrols.inspection_desk import InspectionDesk
from field_app.photos.album import PhotoAlbum
from field_app.platform.ports import Hardware
from field_app.presenters.ports import PresenterContext
from wire_contracts.network import NetworkPart


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundParts:
    """What rounds are made of.

    `network` reads the map, tens of milliseconds for a town; `person_name` gives the name of a
    colleague by account, the account itself where the name is not known.
    """

    desk: InspectionDesk
    site: SiteDesk
    forms: FormDesk
    photos: PhotoAlbum
    hardware: Hardware
    context: PresenterContext
    network: Callable[[], Sequence[NetworkPart]]
    person_name: Callable[[str], str] = str
