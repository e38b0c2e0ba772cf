"""What the tablet may import: nothing that python-for-android cannot build."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import field_app

APP = Path(field_app.__file__).parent
ROOT = APP.parent

BUILDABLE = {
    *("field_app", "wire_contracts", "kivy", "sqlalchemy", "requests", "urllib3", "PIL"),
    "typing_extensions",
}
"""Pure Python, or with a recipe of python-for-android (tablet guide section 1); SQLAlchemy brings
the last."""

OPTIONAL = {
    APP / "platform" / "aes_vault_io.py": {"cryptography"},
    APP / "store" / "quick_json.py": {"orjson"},
    APP / "photos" / "pictures_io.py": {"zxingcpp"},
}
"""Libraries that a tablet may be without; each has one module, and the app works without it."""

BUILD_TIME = {APP / "ui" / "fonts" / "build_fonts.py"}
"""Run by a developer, never on a tablet."""


@cache
def imported_roots(path: Path) -> frozenset[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return frozenset(found)


def test_the_tablet_imports_only_what_android_can_build() -> None:
    foreign = {
        f"{path.relative_to(ROOT)}: {root}"
        for path in sorted(APP.rglob("*.py"))
        if path not in BUILD_TIME
        for root in imported_roots(path) - BUILDABLE - set(sys.stdlib_module_names)
        if root not in OPTIONAL.get(path, set())
    }

    assert foreign == set()


def test_only_the_screens_know_kivy() -> None:
    knowing = {
        path.relative_to(APP).parts[0]
        for path in APP.rglob("*.py")
        if "kivy" in imported_roots(path)
    }

    assert knowing <= {"ui", "app.py"}


def test_only_two_modules_speak_http() -> None:
    speaking = {
        str(path.relative_to(APP))
        for path in APP.rglob("*.py")
        if "requests" in imported_roots(path)
    }

    assert speaking == {"sync/client_io.py", "sync/blob_client_io.py"}


def test_the_headless_tablet_loads_without_kivy() -> None:
    code = (
        "import sys, field_app.crew, field_app.__main__;"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'kivy', 'sync_server'}))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


NOT_BEFORE_THE_LIST = (
    "requests",
    "field_app.later_pages",
    "field_app.patrols.inspection_desk",
    "field_app.checklists.form_desk",
    "field_app.orders.site_desk",
    "field_app.presenters.map",
    "field_app.demo_town",
)


def test_what_the_list_does_not_need_is_loaded_after_it(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; import field_app.commands_io, field_app.app;"
        "from field_app.clock_io import SystemClock;"
        "from field_app.orders.order_list_store import OrderQuery;"
        "from field_app.tablet import open_tablet;"
        f"tablet = open_tablet(Path({str(tmp_path)!r}), SystemClock());"
        "tablet.desk.page(OrderQuery(limit=60)); tablet.close();"
        f"print([name for name in {NOT_BEFORE_THE_LIST!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert (done.stdout.strip(), done.stderr) == ("[]", "")
