"""Every rule and every work that the repository cites can be read in the repository."""

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CITING = (".py", ".md", ".toml", ".css", ".js", ".html", ".kv", ".sh")
HEADING = re.compile(r"^#{2,3} (.+)$", re.MULTILINE)
RULE = re.compile(r"RULINGS? (R\d+)|(?<![\w\"'])(R\d{1,2})\b(?=[,.;:)])")
WORK = re.compile(
    r"\b(METHODS|detection notes|gateway notes|server notes|sync spec|domain model|standards notes|"
    r"tablet guide|DESIGN_WEB)(?: section)? (\d+(?:\.\d+)*)",
    re.IGNORECASE,
)
OTHER_NAME = {"detection notes": "METHODS", "methods": "METHODS", "design_web": "DESIGN_WEB"}
TRAP = re.compile(r"\b(?:trap|invariant) ([TI]\d{1,2})\b")
OUTSIDE = re.compile(
    r"\b(?:NOTES|SCHEMA|GUIDE|SPEC|METHODS|RULINGS|STYLE|DESIGN|standards)\.md\b"
    r"|\b(?:STYLE|DESIGN) section\b"
)


@cache
def texts() -> dict[str, str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    paths = [ROOT / name for name in listed.split("\0") if name.endswith(CITING)]
    return {
        str(path.relative_to(ROOT)): re.sub(
            r"\s+(?:# )?", " ", path.read_text(encoding="utf-8", errors="strict")
        )
        for path in paths
        if path.is_file() and path.name != Path(__file__).name
    }


def headings(name: str) -> set[str]:
    return set(HEADING.findall((ROOT / name).read_text(encoding="utf-8")))


def cited(pattern: re.Pattern[str]) -> Iterator[tuple[str, re.Match[str]]]:
    for name, text in texts().items():
        for found in pattern.finditer(text):
            yield name, found


def test_every_cited_rule_is_in_the_rulings() -> None:
    rules = headings("docs/rulings.md")
    found = [(name, match[1] or match[2]) for name, match in cited(RULE)]

    assert len(found) > 50
    assert [f"{name}: {rule}" for name, rule in found if rule not in rules] == []


def test_every_cited_section_is_in_the_sources() -> None:
    sections = headings("docs/sources.md")
    wanted = [
        (name, f"{OTHER_NAME.get(match[1].lower(), match[1].lower())} {match[2]}")
        for name, match in cited(WORK)
    ]

    assert len(wanted) > 30
    assert [f"{name}: {each}" for name, each in wanted if each not in sections] == []


def test_every_section_of_the_sources_is_cited() -> None:
    wanted = {
        f"{OTHER_NAME.get(match[1].lower(), match[1].lower())} {match[2]}"
        for name, match in cited(WORK)
        if name != "docs/sources.md"
    }
    numbered = {each for each in headings("docs/sources.md") if re.search(r" \d", each)}

    assert numbered - wanted == set()


def test_every_cited_trap_and_invariant_is_explained() -> None:
    sources = (ROOT / "docs/sources.md").read_text(encoding="utf-8")
    missing = [
        f"{name}: {match[1]}"
        for name, match in cited(TRAP)
        if not re.search(rf"(?:\| |\b){match[1]}\b", sources)
    ]

    assert missing == []


def test_nothing_is_cited_by_a_file_that_is_not_here() -> None:
    assert [f"{name}: {match[0]}" for name, match in cited(OUTSIDE)] == []


def anchors(path: Path) -> set[str]:
    """Return the anchors that a page's headings have on the repository's host."""
    words = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in words}


def test_every_link_between_documents_leads_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
        for link in re.findall(r"\]\(([^)\s:]+)\)", page.read_text(encoding="utf-8"))
        for file, _, anchor in [link.partition("#")]
        for target in [page.parent / file if file else page]
        if not target.exists() or (anchor and anchor not in anchors(target))
    ]

    assert broken == []
