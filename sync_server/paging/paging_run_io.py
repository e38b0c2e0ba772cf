"""Looks every few seconds whether somebody must be called, and calls."""

import threading
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from structlog.typing import FilteringBoundLogger

from sync_server.db.engine_io import reading
from sync_server.paging.page_store import due_pages, keep_page
from sync_server.paging.pager_io import PageMessage, Pager, PagerError
from sync_server.paging.paging import Concern, page_text
from sync_server.service_desk.order_follow_store import behind, follow_orders
from sync_server.service_desk.request_store import Office
from wire_contracts.clock import Clock

_LOG: FilteringBoundLogger = structlog.get_logger()

LOOK_EVERY_S: Final = 5.0
"""Of the site's time: well below the shortest wait before a call."""

_ACTOR: Final = "rule:follow"

_PATHS: Final = {
    Concern.SAFETY_ALERT: "/alerts?tab=all&alert=",
    Concern.DANGER_SLIP: "/requests/",
    Concern.ORDER_SLIP: "/orders/",
    Concern.CREW_DANGER: "/review?item=",
    Concern.DETECTION: "/alerts#",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What the pager must know of the installation."""

    public_url: str
    zone: tzinfo


def look_once(engine: Engine, clock: Clock, pager: Pager, site: Site) -> int:
    """Return how many people were called; one call that fails does not keep the others back.

    Requests follow their orders first: what a crew accepted on its tablet calls nobody.
    """
    now_utc = clock.now_utc()
    _catch_up(engine, Office(actor=_ACTOR, now_utc=now_utc, zone=site.zone))
    with reading(engine) as connection:
        pages = due_pages(connection, now_utc)
    called = 0
    for page in pages:
        message = PageMessage(
            addressee=page.addressee,
            text=page_text(page.unheard, now_utc).in_language(page.language),
            url=f"{site.public_url}{_PATHS[page.unheard.concern]}{page.unheard.subject}",
            at_utc=now_utc,
            step=page.step,
        )
        try:
            pager.call(message)
        except PagerError as error:
            _LOG.error("paging.failed", subject=page.unheard.subject, reason=str(error))
            continue
        with engine.begin() as connection:
            keep_page(connection, page, now_utc)
        called += 1
    return called


def _catch_up(engine: Engine, office: Office) -> None:
    with reading(engine) as connection:
        is_behind = bool(behind(connection))
    if is_behind:
        with engine.begin() as connection:
            follow_orders(connection, office)


def watch(engine: Engine, clock: Clock, pager: Pager, site: Site, stop: threading.Event) -> None:
    """Look until `stop`; a look that fails is named, and the next one comes."""
    while not stop.is_set():
        try:
            look_once(engine, clock, pager, site)
        except SQLAlchemyError:
            _LOG.exception("paging.look_failed")
        stop.wait(max(clock.wall_seconds(LOOK_EVERY_S), 0.2))
