"""Takes the control room's pictures with a real browser."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

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


def _logged_in(browser: Browser, base_url: str, login: str, password: str) -> Page:
    page = browser.new_page(viewport=VIEWPORT)
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
            form={name: value, "back": "/alerts"},
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
