"""Takes the control room's pictures with a real browser."""

import io
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from demo.kept_pictures_io import keep_picture

BROWSER_ARGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""A browser that speaks to this machine alone."""

VIEWPORT: ViewportSize = {"width": 1440, "height": 900}
_NAMES = ("chromium", "chromium-browser", "google-chrome")


class BrowserMissingError(RuntimeError):
    """No browser is on this machine; the text says what to install."""


def browser_path() -> str:
    """Return where the browser lies; raise BrowserMissingError with the one line that helps."""
    found = next((path for path in map(shutil.which, _NAMES) if path), None)
    if found is None:
        raise BrowserMissingError(
            "browser: chromium: is not on this machine; apt-get install -y chromium"
        )
    return found


def shoot(
    base_url: str, login: str, password: str, out_dir: Path, *, with_dark: bool = True
) -> Sequence[Path]:
    """Return the pictures of alert desk and order, in both languages; the desk in dark too."""
    out_dir.mkdir(parents=True, exist_ok=True)
    taken: list[Path] = []
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=browser_path(), args=list(BROWSER_ARGS))
        try:
            page = _logged_in(browser, base_url, login, password)
            for language in ("en", "zh"):
                _choose(page, base_url, language, "light")
                taken.append(_desk(page, base_url, out_dir / f"alert-desk.{language}.png"))
                order = _order(page, base_url, out_dir / f"order.{language}.png")
                taken.extend([order] if order else [])
                if with_dark:
                    _choose(page, base_url, language, "dark")
                    taken.append(_desk(page, base_url, out_dir / f"alert-desk.{language}.dark.png"))
            _choose(page, base_url, "en", "light")
        finally:
            browser.close()
    return taken


TOUR: Mapping[str, str] = {
    "alerts": "/alerts",
    "map": "/map",
    "intake": "/intake",
    "requests": "/requests",
    "complaints": "/complaints",
    "callbacks": "/callbacks",
    "hall": "/hall",
    "cash": "/cash",
    "homes": "/homes",
    "board": "/board",
    "orders": "/orders?tab=all",
    "order": "/orders?tab=all tbody a[href^='/orders/']",
    "rounds": "/rounds",
    "vans": "/vans",
    "interruptions": "/interruptions",
    "meters": "/meters",
    "meter": "/meters/WD-01?days=30",
    "raw": "/meters/HS-01/raw",
    "suspects": "/suspects",
    "balances": "/balances",
    "balance": "/balances/WD-01",
    "reports": "/reports/clocks",
    "figures": "/figures",
    "gateways": "/gateways",
    "gateway-orders": "/gateways/orders",
    "review": "/review",
    "shift": "/shift",
    "incidents": "/incidents",
    "delegations": "/delegations",
    "paper": "/paper",
    "forms": "/forms",
    "plant": "/plant",
    "staff": "/staff",
    "imports": "/imports",
    "exports": "/exports",
    "audit": "/audit",
    "policies": "/policies",
    "tablets": "/tablets",
    "accounts": "/accounts",
}
"""Name of a picture of docs/tour.md -> page, and what is clicked on it."""

IN_CHINESE = ("alerts", "map", "board", "balance", "figures", "intake")
"""Pages that the tour shows in both languages; the others differ in their words alone."""

_MAP_MS = 90_000
"""A map without a graphics card, on a busy machine."""

_WIDTH = 1080
_QUALITY = 55
"""A page stays legible at three quarters of its size, and takes some 30 kB."""


def shoot_tour(base_url: str, readers: Sequence[tuple[str, str]], out_dir: Path) -> Sequence[Path]:
    """Return one small picture of every page, for docs/tour.md.

    `readers` are (login, password); each page is shown as the first of them sees it who may.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    taken: list[Path] = []
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=browser_path(), args=list(BROWSER_ARGS))
        try:
            pages = [_logged_in(browser.new_context(), base_url, *each) for each in readers]
            for language in ("en", "zh"):
                for page in pages:
                    _choose(page, base_url, language, "light")
                wanted = TOUR if language == "en" else {each: TOUR[each] for each in IN_CHINESE}
                for name, way in wanted.items():
                    page = _opened(pages, base_url, way)
                    taken.append(_small(page, out_dir / f"{name}.{language}.webp"))
            _choose(pages[0], base_url, "en", "light")
        finally:
            browser.close()
    return taken


def _opened(pages: Sequence[Page], base_url: str, way: str) -> Page:
    """Return the page of the first reader who may see it.

    Raises:
        RuntimeError: None of the readers may.
    """
    path, _, link = way.partition(" ")
    for page in pages:
        answer = page.goto(f"{base_url}{path}")
        if answer is not None and answer.ok:
            if link:
                page.click(link)
            _settled(page)
            if page.query_selector("#map") is not None:
                page.wait_for_selector("#map[data-ready]", timeout=_MAP_MS)
                page.wait_for_timeout(1500)  # its first frames say nowhere that they are drawn
            return page
    message = f"{base_url}{path}: tour: nobody who was given may see it; add a reader"
    raise RuntimeError(message)


def _small(page: Page, path: Path) -> Path:
    with Image.open(io.BytesIO(page.screenshot())) as whole:
        height = round(whole.height * _WIDTH / whole.width)
        content = io.BytesIO()
        whole.resize((_WIDTH, height), Image.Resampling.LANCZOS).save(
            content, "WEBP", quality=_QUALITY, method=6
        )
    keep_picture(content.getvalue(), path)
    return path


def _logged_in(browser: Browser | BrowserContext, base_url: str, login: str, password: str) -> Page:
    page = browser.new_page()
    page.set_viewport_size(VIEWPORT)
    page.goto(f"{base_url}/login")
    page.fill("#login", login)
    page.fill("#password", password)
    page.press("#password", "Enter")
    page.wait_for_selector("nav.rail")
    return page


def _choose(page: Page, base_url: str, language: str, theme: str) -> None:
    for path, name, value in (("language", "language", language), ("theme", "theme", theme)):
        answer = page.request.post(
            f"{base_url}/me/{path}",
            form={name: value, "back": "/"},
            headers={"Origin": base_url},
        )
        if not answer.ok:
            message = f"{base_url}: /me/{path}: answered {answer.status}; is the account active?"
            raise RuntimeError(message)


def _settled(page: Page) -> None:
    page.evaluate("document.fonts.ready.then(() => true)")
    page.wait_for_selector("#live:not(.wait)")
    page.wait_for_timeout(400)


def _desk(page: Page, base_url: str, path: Path) -> Path:
    page.goto(f"{base_url}/alerts")
    _settled(page)
    page.screenshot(path=path)
    return path


def _order(page: Page, base_url: str, path: Path) -> Path | None:
    page.goto(f"{base_url}/orders?tab=all")
    link = page.query_selector("tbody a[href^='/orders/']")
    if link is None:
        return None
    link.click()
    page.wait_for_selector("ol.path")
    _settled(page)
    page.screenshot(path=path)
    return path
