"""Somebody logged in at a real browser: presses what is printed, and notes what breaks."""

from playwright.sync_api import Browser, Locator

from demo.screenshots_web_io import VIEWPORT
from tests.sync_server.web.desk_parts import PASSWORD, Served


class Colleague:
    """One person of the utility at one page of the browser."""

    def __init__(self, browser: Browser, site: Served, login: str, language: str) -> None:
        self._context = browser.new_context(viewport=VIEWPORT)
        self.base_url = site.base_url
        self.lang = ""
        self.problems: list[str] = []
        self.page = self._context.new_page()
        self.page.on("request", lambda request: self._look_at(request.url))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.post("/login", {"login": login, "password": PASSWORD})
        self.speak(language)

    def speak(self, language: str) -> None:
        """Change the person's language: pages are in it from the next one on."""
        self.post("/me/language", {"language": language})
        self.lang = {"zh": "zh-CN"}.get(language, language)

    def taken_problems(self) -> list[str]:
        """Return what broke since it was asked last."""
        taken, self.problems = self.problems, []
        return taken

    def close(self) -> None:
        self._context.close()

    def _look_at(self, url: str) -> None:
        if not url.startswith((self.base_url, "blob:", "data:")):
            self.problems.append(f"asks {url}")

    def post(self, path: str, form: dict[str, str]) -> None:
        """Send a form without a page: what a test takes for granted."""
        headers = {"Origin": self.base_url}
        self._context.request.post(self.base_url + path, form={**form}, headers=headers)

    def go(self, path: str) -> None:
        """Open a page; it is in this person's language."""
        self.page.goto(self.base_url + path, wait_until="domcontentloaded")
        if self.page.get_attribute("html", "lang") != self.lang:
            self.problems.append(f"{path}: is not in {self.lang}")

    def see(self, selector: str) -> Locator:
        return self.page.locator(selector)

    def row(self, text: str) -> Locator:
        return self.page.locator("tr", has_text=text)

    def fill(self, selector: str, text: str) -> None:
        self.page.locator(selector).first.fill(text)

    def choose(self, selector: str, value: str) -> None:
        self.page.locator(selector).first.select_option(value)

    def send(self, selector: str) -> None:
        """Press a button that sends a form, and be on the page that answers."""
        with self.page.expect_navigation(wait_until="domcontentloaded"):
            self.page.locator(selector).first.click()

    def press(self, key: str) -> None:
        """Press a key that sends a form or follows a link, and be on the page that answers."""
        with self.page.expect_navigation(wait_until="domcontentloaded"):
            self.page.keyboard.press(key)

    def step(self, event: str, **fields: str) -> None:
        """Fill the named fields of the form that has this event's button, and press it."""
        form = self.page.locator(f'form:has(button[name=event][value="{event}"])').first
        for name, text in fields.items():
            form.locator(f"[name={name}]").fill(text)
        with self.page.expect_navigation(wait_until="domcontentloaded"):
            form.locator(f'button[name=event][value="{event}"]').click()
