"""axe-core over a page in the browser: its serious violations, in words."""

import fcntl
import subprocess
from collections.abc import Sequence
from functools import cache

from playwright.sync_api import Page

from sync_server.web.build_assets_io import WEB, npm_command

_SCRIPT = WEB / "node_modules" / "axe-core" / "axe.min.js"

_RUN = """async () => {
  const found = await axe.run(document, {
    resultTypes: ['violations'],
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'],
    rules: { 'target-size': { enabled: true } },
  });
  return found.violations
    .filter((each) => ['serious', 'critical'].includes(each.impact))
    .flatMap((each) => each.nodes.map((node) => `${each.id}: ${node.target.join(' ')}`));
}"""


@cache
def axe_source() -> str:
    """Return the script, brought by the front-end lock file when it is not there yet."""
    if not _SCRIPT.is_file():
        with (WEB / "package-lock.json").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # three test processes, one folder
            if not _SCRIPT.is_file():
                command, environment = npm_command()
                options = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent")
                subprocess.run([*command, *options], cwd=WEB, env=environment, check=True)
    return _SCRIPT.read_text()


def serious_violations(page: Page) -> Sequence[str]:
    """Return `rule: element` of what axe-core calls serious or critical on the page."""
    page.evaluate(axe_source())
    found: list[str] = page.evaluate(_RUN)
    return found
