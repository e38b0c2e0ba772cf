"""Renders a template in one reader's words, and sets what every answer must carry."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import formatdate
from functools import partial
from gettext import NullTranslations
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import Connection, Engine
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sync_server.access.account_store import Person
from sync_server.access.roles import Action, may
from sync_server.db.engine_io import reading
from sync_server.db.feed_store import newest_feed_id
from sync_server.detection.watch.round_store import Rounds, load_rounds
from sync_server.exports.export_store import asked_count
from sync_server.web.labels import ROLES, label
from sync_server.web.page_queries_store import open_review_count, waiting_counts
from sync_server.web.preference_store import Preference, load_preference
from sync_server.web.refusal_words import refusal_text
from sync_server.web.settings import WebSettings
from sync_server.web.words import Words, mark
from wire_contracts.clock import Clock
from wire_contracts.frames import ms_from_utc

_WEB = Path(__file__).parent
STATIC = _WEB / "static"
_PRODUCT = "Lamplighter"
LANGUAGE_COOKIE = "lamplighter_language"

SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
"""OWASP secure headers; no inline script or style exists, so none is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NavLink:
    """One entry of the rail; shown to those who hold its action."""

    key: str
    icon: str
    message: str
    href: str
    action: Action
    is_admin: bool = False


NAV: Sequence[NavLink] = (
    NavLink(
        key="alerts", icon="bell", message=mark("Alerts"), href="/alerts", action=Action.SEE_ALERTS
    ),
    NavLink(key="map", icon="map", message=mark("Map"), href="/map", action=Action.SEE_ALERTS),
    NavLink(
        key="intake",
        icon="phone",
        message=mark("Intake"),
        href="/intake",
        action=Action.TAKE_REQUEST,
    ),
    NavLink(
        key="requests",
        icon="talk",
        message=mark("Requests"),
        href="/requests",
        action=Action.SEE_REQUESTS,
    ),
    NavLink(
        key="callbacks",
        icon="ret",
        message=mark("Callbacks"),
        href="/callbacks",
        action=Action.SEE_REQUESTS,
    ),
    NavLink(
        key="hall",
        icon="user",
        message=mark("Hall"),
        href="/hall",
        action=Action.TAKE_REQUEST,
    ),
    NavLink(
        key="homes",
        icon="home",
        message=mark("Files"),
        href="/homes",
        action=Action.SEE_HOMES,
    ),
    NavLink(
        key="board", icon="truck", message=mark("Dispatch"), href="/board", action=Action.SEE_ORDERS
    ),
    NavLink(
        key="orders", icon="board", message=mark("Orders"), href="/orders", action=Action.SEE_ORDERS
    ),
    NavLink(
        key="rounds", icon="pin", message=mark("Rounds"), href="/rounds", action=Action.SEE_ORDERS
    ),
    NavLink(
        key="vans", icon="wrench", message=mark("Vans"), href="/vans", action=Action.SEE_ORDERS
    ),
    NavLink(
        key="interruptions",
        icon="off",
        message=mark("Outages"),
        href="/interruptions",
        action=Action.SEE_INTERRUPTIONS,
    ),
    NavLink(
        key="meters",
        icon="gauge",
        message=mark("Meters"),
        href="/meters",
        action=Action.SEE_READINGS,
    ),
    NavLink(
        key="suspects",
        icon="info",
        message=mark("Suspects"),
        href="/suspects",
        action=Action.SEE_READINGS,
    ),
    NavLink(
        key="balances",
        icon="layers",
        message=mark("Balance"),
        href="/balances",
        action=Action.SEE_READINGS,
    ),
    NavLink(
        key="reports",
        icon="table",
        message=mark("Reports"),
        href="/reports",
        action=Action.SEE_LEDGERS,
    ),
    NavLink(
        key="figures",
        icon="bars",
        message=mark("Figures"),
        href="/figures",
        action=Action.SEE_ALERTS,
    ),
    NavLink(
        key="gateways",
        icon="signal",
        message=mark("Gateways"),
        href="/gateways",
        action=Action.SEE_GATEWAYS,
    ),
    NavLink(
        key="review", icon="merge", message=mark("Review"), href="/review", action=Action.SEE_REVIEW
    ),
    NavLink(
        key="shift", icon="clock", message=mark("Shift"), href="/shift", action=Action.SEE_SHIFT
    ),
    NavLink(
        key="forms",
        icon="report",
        message=mark("Forms"),
        href="/forms",
        action=Action.SEE_FORMS,
    ),
    NavLink(
        key="staff",
        icon="layers",
        message=mark("Staff"),
        href="/staff",
        action=Action.SEE_STAFF,
        is_admin=True,
    ),
    NavLink(
        key="imports",
        icon="down",
        message=mark("Imports"),
        href="/imports",
        action=Action.IMPORT_DATA,
        is_admin=True,
    ),
    NavLink(
        key="audit",
        icon="eye",
        message=mark("Audit"),
        href="/audit",
        action=Action.SEE_AUDIT,
        is_admin=True,
    ),
    NavLink(
        key="policies",
        icon="gear",
        message=mark("Policies"),
        href="/policies",
        action=Action.SEE_POLICIES,
        is_admin=True,
    ),
    NavLink(
        key="tablets",
        icon="tablet",
        message=mark("Tablets"),
        href="/tablets",
        action=Action.SEE_TABLETS,
        is_admin=True,
    ),
    NavLink(
        key="accounts",
        icon="user",
        message=mark("Accounts"),
        href="/accounts",
        action=Action.SEE_ACCOUNTS,
        is_admin=True,
    ),
)
"""The rail in its order; the first entry a role may see is that role's start page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who reads the page."""

    name: str
    role: str
    theme: str
    account_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One line above the page: `tone` is ok, warn or danger."""

    text: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A person with their words, as the routes pass them on."""

    person: Person
    words: Words
    theme: str


class Pages:
    """The templates of every language, and what a page needs of the site."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        settings: WebSettings,
        catalogues: Mapping[str, NullTranslations],
    ) -> None:
        """Prepare one environment per language; nothing is rendered yet."""
        self.engine = engine
        self.clock = clock
        self.settings = settings
        self._catalogues = catalogues
        self._environments = {
            language: _environment(catalogue) for language, catalogue in catalogues.items()
        }
        stamp = STATIC / "vendor" / "lock.sha256"
        built = stamp.read_text() if stamp.is_file() else ""
        self._version = hashlib.sha256(built.encode() + _own_bytes()).hexdigest()[:12]

    def words(self, language: str) -> Words:
        """Return how the pages speak in a language."""
        catalogue = self._catalogues[language]
        return Words(
            language=language,
            zone=self.settings.zone,
            gettext=catalogue.gettext,
            ngettext=catalogue.ngettext,
        )

    def reader(self, person: Person) -> Reader:
        """Return the person with the words and the theme of their choice."""
        with reading(self.engine) as connection:
            chosen: Preference = load_preference(connection, person.account_id, person.language)
        return Reader(person=person, words=self.words(chosen.language), theme=chosen.theme)

    def _asset(self, path: str) -> str:
        return f"/static/{path}?v={self._version}"

    def part(self, reader: Reader, template: str, **context: object) -> HTMLResponse:
        """Return a part of a page, for the script to put in its place."""
        return HTMLResponse(self._text(reader, template, context))

    def _text(self, reader: Reader, template: str, context: Mapping[str, object]) -> str:
        found = self._environments[reader.words.language].get_template(template)
        return found.render(
            {
                "words": reader.words,
                "site": _Site(name=self.settings.site_name, zone_name=self.settings.zone_name),
                "asset": self._asset,
                "notice": None,
                **context,
                "problem_text": refusal_text(str(context.get("problem_text", "")), reader.words),
            }
        )

    def page(
        self,
        request: Request,
        reader: Reader,
        template: str,
        current: str,
        **context: object,
    ) -> HTMLResponse:
        """Return a whole page with rail, clock and badges."""
        now_utc = self.clock.now_utc()
        person = reader.person
        with reading(self.engine) as connection:
            feed_id = newest_feed_id(connection)
            badges = count_badges(connection, person)
            rounds = load_rounds(connection)
        seconds = self.clock.wall_seconds(1.0)
        shell = {
            "viewer": Viewer(
                name=person.display_name,
                role=label(reader.words, ROLES, person.role),
                theme=reader.theme,
                account_id=person.account_id,
            ),
            "nav": [link for link in NAV if may(person.role, link.action)],
            "current": current,
            "sees_alerts": may(person.role, Action.SEE_ALERTS),
            "badges": badges,
            "undetected": _undetected(rounds, reader.words, now_utc),
            "feed_id": feed_id,
            "here": here(request),
            "now_ms": ms_from_utc(now_utc),
            "rate": 1.0 / seconds if seconds > 0 else 1.0,
            "clock": now_utc.astimezone(reader.words.zone).strftime("%H:%M:%S"),
        }
        status = context.pop("status", 200)
        text = self._text(reader, template, {**shell, **context})
        return HTMLResponse(text, status_code=status if isinstance(status, int) else 200)

    def door(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        words: Words | None = None,
        **context: object,
    ) -> HTMLResponse:
        """Return a page without the rail: for somebody who has not logged in, or is not known."""
        words = words or self.door_words(request)
        text = self._environments[words.language].get_template(template)
        body = text.render(
            {
                "words": words,
                "site": _Site(name=self.settings.site_name, zone_name=self.settings.zone_name),
                "asset": self._asset,
                "theme": "light",
                "here": here(request),
                **context,
                "problem_text": refusal_text(str(context.get("problem_text", "")), words),
            }
        )
        return HTMLResponse(body, status_code=status)

    def door_words(self, request: Request) -> Words:
        """Return how to speak to somebody who has not logged in."""
        chosen = request.cookies.get(LANGUAGE_COOKIE, self.settings.language)
        return self.words(chosen if chosen in self._catalogues else self.settings.language)


def _undetected(rounds: Rounds, words: Words, now_utc: datetime) -> str:
    """Return what the banner says of detection that stands still, "" while it looks."""
    if not rounds.is_late(now_utc):
        return ""
    if rounds.good_at_utc is None:
        return words.gettext(
            mark("No look at the meters has ended well yet: new leaks are not found.")
        )
    text = mark("The last good look at the meters was at {time}: new leaks are not found.")
    return words.gettext(text).format(time=words.near_clock(rounds.good_at_utc, now_utc))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Site:
    name: str
    zone_name: str

    @property
    def is_named(self) -> bool:
        """Return whether the utility gave its own name."""
        return self.name not in {"", _PRODUCT}

    @property
    def title(self) -> str:
        """Return product and utility, each once."""
        return f"{_PRODUCT} · {self.name}" if self.is_named else _PRODUCT


def _own_bytes() -> bytes:
    parts = sorted(path for kind in ("css", "js") for path in (STATIC / kind).glob("*"))
    return b"".join(path.read_bytes() for path in parts)


def _environment(catalogue: NullTranslations) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_WEB / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
    )
    words: dict[str, Callable[..., str]] = environment.globals  # type: ignore[assignment]  # wider
    words["_"] = partial(_translate, catalogue)
    words["ngettext"] = partial(_translate_count, catalogue)
    return environment


def _translate(catalogue: NullTranslations, message: str) -> str:
    return catalogue.gettext(message) if message else ""


def _translate_count(catalogue: NullTranslations, one: str, many: str, count: int) -> str:
    return catalogue.ngettext(one, many, count) % {"num": count}


def count_badges(connection: Connection, person: Person) -> dict[str, int]:
    """Return what waits for somebody: alerts to do, safety alerts, review items, exports."""
    badges = dict.fromkeys((link.key for link in NAV), 0)
    badges["safety"] = 0
    if may(person.role, Action.SEE_ALERTS):
        waiting = waiting_counts(connection)
        badges["alerts"], badges["safety"] = waiting.todo, waiting.safety
    if may(person.role, Action.SEE_REVIEW):
        badges["review"] = open_review_count(connection)
    if may(person.role, Action.APPROVE_EXPORT):
        badges["reports"] = asked_count(connection)
    return badges


def here(request: Request) -> str:
    """Return path and query of the page, to come back to; of a sent form, the page it stood on."""
    if request.method not in {"GET", "HEAD"}:
        return _page_before(request)
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path


def _page_before(request: Request) -> str:
    """Return the page of this site that a form was sent from, else the start page."""
    before = urlsplit(request.headers.get("referer", ""))
    if before.netloc != request.headers.get("host", ""):
        return "/"
    return safe_back(f"{before.path}?{before.query}" if before.query else before.path)


def safe_back(path: str) -> str:
    """Return a path of this server to go back to; anything else leads to the start page."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_ours and "\\" not in path else "/"


def see_other(path: str) -> RedirectResponse:
    """Return the answer to a form that sends the browser on to a page."""
    return RedirectResponse(path, status_code=303)


def is_part_wanted(request: Request) -> bool:
    """Return whether the page's script asked, which takes a part instead of a page."""
    return request.headers.get("hx-request") == "true"


def _kept_for(path: str) -> str:
    """Return how long a browser keeps an answer: pages never, fonts a week, empty: as it likes."""
    if path.startswith("/static/"):
        return "public, max-age=604800" if path.endswith(".woff2") else ""
    return "no-store"


class SecurityHeaders:
    """ASGI middleware: the security headers on every answer to a browser, streams included.

    Tablets are no browsers: they read none of these headers, nor the date, and pay by the byte.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Wrap the application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on; add to the head of the answer what it lacks."""
        if scope["type"] != "http" or scope["path"].startswith("/sync/"):
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Date", formatdate(usegmt=True))
                kept = _kept_for(scope["path"])
                if kept:
                    headers.setdefault("Cache-Control", kept)
            await send(message)

        await self._app(scope, receive, with_headers)
