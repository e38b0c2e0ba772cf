"""The rounds of a tablet without screens: pages as a person finds them."""

from typing import Any

from sqlalchemy import Connection, delete

from field_app.i18n import CatalogueWords
from field_app.patrols.presence import by_hand
from field_app.presenters.ports import InlineWorker, PresenterContext
from field_app.presenters.round_parts import RoundParts
from field_app.presenters.sheet import SheetPage, SheetPresenter
from field_app.presenters.watch import name_of
from field_app.store.tables import base_row
from field_app.tablet import Tablet
from tests.field_app.site_parts import working_town
from tests.field_app_ui.inspection_parts import Hands, checkpoint, inspection_rows
from tests.field_app_ui.office_forms import builtin, published
from tests.field_app_ui.town_office import TownOffice


def rounds_of(tablet: Tablet, town: TownOffice) -> RoundParts:
    """Return what rounds are made of on this tablet."""
    zone = town.clock.now_utc().tzinfo
    assert zone is not None
    return RoundParts(
        desk=tablet.inspections,
        site=tablet.site,
        forms=tablet.forms,
        photos=tablet.photos,
        hardware=Hands().hardware(),
        context=PresenterContext(
            worker=InlineWorker(), words=CatalogueWords("en"), clock=town.clock, zone=zone
        ),
        network=tablet.site.network,
        person_name=lambda account_id: name_of(tablet, account_id),
    )


def round_town(*checklists: str) -> TownOffice:
    """Return the working office with rounds and these checklists that come with the server."""
    town = working_town()
    town.extra = [*inspection_rows(), *(published(builtin(each)) for each in checklists)]
    return town


def started(parts: RoundParts) -> str:
    """Return the run of the whole plan, just started."""
    return parts.desk.start_run("plan-1", parts.desk.plans()["plan-1"].stops)


def arrive(parts: RoundParts, run_id: str) -> None:
    """Check in at the first well of the plan, whose tag cannot be read."""
    stop, well = checkpoint(0)
    parts.desk.check_in(run_id, stop, by_hand(well, None), is_tag_unreadable=True)


def primary(presenter: SheetPresenter[Any]) -> tuple[str, str]:
    """Return the key of the big button, and why it cannot be tapped."""
    button = presenter.view.primary
    assert button is not None
    return button.key, button.refusal


def refusal(presenter: SheetPresenter[Any]) -> str:
    """Return why the big button cannot be tapped, empty when it can."""
    return primary(presenter)[1]


def opened(parts: RoundParts, page: SheetPage[Any], **chosen: str) -> SheetPresenter[Any]:
    """Return the page as it is opened, with these answers given one after the other."""
    presenter = SheetPresenter(page, parts.context)
    presenter.attach(lambda _view: None)
    for key, text in chosen.items():
        presenter.type(key.replace("__", ":"), text)
    presenter.flush()
    return presenter


def taken_off(tablet: Tablet, entity_id: str) -> None:
    """Take a row off a tablet as a pull does when the office has given it to another crew."""
    gone = delete(base_row).where(base_row.c.entity_id == entity_id)

    def work(connection: Connection) -> None:
        connection.execute(gone)

    tablet.database.write(work)
