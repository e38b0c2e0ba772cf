"""The documents are true: commands exist, twins are in step, decisions are numbered."""

import re
from pathlib import Path

from demo.screenshots_web_io import IN_CHINESE, TOUR
from sync_server.web.pages_io import NAV
from wire_contracts.codes import Code
from wire_contracts.frames import _FRAME_KEYS
from wire_contracts.topics import Channel

ROOT = Path(__file__).resolve().parent.parent
HEADING = re.compile(r"^(#+) ", re.MULTILINE)
PICTURE = re.compile(r"^```mermaid\n.*?^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^ {4}(\S.*)$|`((?:make|[\w./-]+/python|[a-z]+-[a-z]+) [^`]+)`", re.MULTILINE)
ADR_SECTIONS = [
    "Status",
    "Date",
    "Context",
    "Decision",
    "Consequences",
    "Rejected",
    "How we will know it was wrong",
]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def commands(text: str) -> list[str]:
    """Return the indented commands and those in the run of a sentence, without the diagrams."""
    return [shown or spoken for shown, spoken in COMMAND.findall(PICTURE.sub("", text))]


def test_the_chinese_readme_has_the_same_sections_and_commands() -> None:
    english, chinese = read("README.md"), read("README.zh-CN.md")

    assert HEADING.findall(english) == HEADING.findall(chinese)
    assert "make demo" in commands(english)
    assert sorted(commands(english)) == sorted(commands(chinese))


def test_every_make_target_in_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z][a-z-]*)", read("README.md")))

    assert named
    assert named <= targets


def test_the_tour_shows_every_picture_that_is_taken_for_it_and_no_other() -> None:
    shown = re.findall(r"\]\(pictures/tour/([^)]+)\)", read("docs/tour.md"))
    wanted = [f"{name}.en.webp" for name in TOUR] + [f"{name}.zh.webp" for name in IN_CHINESE]
    there = [path.name for path in (ROOT / "docs/pictures/tour").glob("*")]

    assert sorted(shown) == sorted(wanted) == sorted(there)
    assert max(path.stat().st_size for path in (ROOT / "docs/pictures/tour").glob("*")) < 100_000


def test_every_page_of_the_rail_is_on_the_tour() -> None:
    shown = {way.split("?")[0].split(" ")[0] for way in TOUR.values()}
    led_on = {"/reports": "/reports/clocks"}

    missing = [link.href for link in NAV if led_on.get(link.href, link.href) not in shown]

    assert missing == []


def test_every_file_the_readmes_link_to_exists() -> None:
    linked = {
        target
        for name in ("README.md", "README.zh-CN.md")
        for target in re.findall(r"\]\(([^)#:]+)\)", read(name))
    }

    assert linked
    assert [target for target in sorted(linked) if not (ROOT / target).exists()] == []


def test_decisions_are_numbered_without_a_hole_and_complete() -> None:
    pages = sorted((ROOT / "docs/adr").glob("*.md"))

    assert [page.name[:4] for page in pages] == [f"{n:04d}" for n in range(1, len(pages) + 1)]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert text.startswith(f"# {page.name[:4]}. ")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ADR_SECTIONS


def test_the_wire_document_names_every_field_and_channel() -> None:
    text = read("docs/wire.md")

    missing = [key for key in sorted(_FRAME_KEYS) if f"| `{key}` |" not in text]
    missing += [str(channel) for channel in Channel if f"| `{channel}` |" not in text]
    assert missing == []


def test_codes_are_stable_words() -> None:
    assert all(re.fullmatch(r"[a-z_]+(\.[a-z_]+)?", code) for code in Code)
