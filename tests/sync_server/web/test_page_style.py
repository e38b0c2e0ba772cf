"""The rules of the look that a machine can hold: colours, inline code, contrast, lock file."""

import json
import re
from pathlib import Path

import pytest

from sync_server.web.build_assets_io import LIBRARIES, lock_digest
from sync_server.web.pages_io import SECURITY_HEADERS, STATIC

WEB = STATIC.parent
OWN = [
    path
    for folder, pattern in (("static/css", "*.css"), ("static/js", "*.js"), ("templates", "*.html"))
    for path in sorted((WEB / folder).glob(pattern))
]
COLOUR = re.compile(
    r"#[0-9a-fA-F]{3,8}\b(?![\w-])|\b(?:rgb|rgba|hsl|hsla|oklch)\(|:\s*(?:white|black|red|blue)\b"
)


def theme(name: str) -> dict[str, str]:
    text = (WEB / "static/css/tokens.css").read_text()
    light = dict(re.findall(r"--([\w-]+):(#[0-9A-F]{6})", text.split("[data-theme=dark]")[0]))
    dark = dict(re.findall(r"--([\w-]+):(#[0-9A-F]{6})", text.split("[data-theme=dark]")[1]))
    return light if name == "light" else {**light, **dark}


def luminance(colour: str) -> float:
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


TEXT_PAIRS = [
    (ink, ground)
    for ground in ("surface", "surface2", "bg", "primary-soft")
    for ink in ("ink", "muted")
] + [
    ("primary", "surface"),
    ("primary", "primary-soft"),
    ("primary-ink", "primary"),
    ("on-solid", "danger"),
    ("bar-ink", "bar"),
    ("bar-muted", "bar"),
    ("bar-muted", "bar2"),
    ("bar-ink", "bar-danger"),
    ("bar-warn", "bar"),
    ("danger", "surface"),
    ("danger", "danger-soft"),
    ("ink", "danger-soft"),
    ("warn", "surface"),
    ("warn", "warn-soft"),
    ("ok", "surface"),
    ("ok", "ok-soft"),
    ("info", "surface"),
    ("info", "info-soft"),
    ("idle", "idle-soft"),
]
GRAPHIC_PAIRS = [
    *((bar, "surface") for bar in ("p1", "p2", "p3", "p4", "field", "c-line", "c-bad", "c-ref")),
    *((medium, f"{medium}-soft") for medium in ("heat", "gas", "water")),
    ("lamp", "bar"),
    ("live", "bar"),
    ("danger", "danger-soft"),
]


@pytest.mark.parametrize("name", ["light", "dark"])
def test_every_text_and_every_mark_has_enough_contrast(name: str) -> None:
    tokens = theme(name)
    measured: dict[tuple[str, ...], tuple[float, float]] = {
        **{pair: (contrast(tokens[pair[0]], tokens[pair[1]]), 4.5) for pair in TEXT_PAIRS},
        **{
            (*pair, "mark"): (contrast(tokens[pair[0]], tokens[pair[1]]), 3.0)
            for pair in GRAPHIC_PAIRS
        },
    }

    too_low = {pair: round(got, 2) for pair, (got, wanted) in measured.items() if got < wanted}

    assert too_low == {}


def test_colours_are_written_in_one_file_only() -> None:
    found = {
        path.name: COLOUR.findall(path.read_text())
        for path in OWN
        if path.name != "tokens.css" and COLOUR.findall(path.read_text())
    }

    assert found == {}


def test_no_template_holds_a_script_a_style_or_a_handler() -> None:
    inline = re.compile(
        r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son\w+=|hx-on|javascript:", re.IGNORECASE
    )

    found = [
        path.name for path in OWN if path.suffix == ".html" and inline.search(path.read_text())
    ]

    assert found == []


def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere() -> None:
    policy = SECURITY_HEADERS["Content-Security-Policy"]

    assert "unsafe" not in policy
    assert "http" not in policy
    assert policy.startswith("default-src 'none'")


def test_pages_load_nothing_from_another_host() -> None:
    found = [
        path.name for path in OWN if re.search(r"(?:src|href|url\()\W*https?:", path.read_text())
    ]

    assert found == []


def test_the_lock_file_names_every_library_and_no_index_host() -> None:
    lock = json.loads((WEB / "package-lock.json").read_text())
    packages = {name.removeprefix("node_modules/") for name in lock["packages"]}

    assert {library.package for library in LIBRARIES} <= packages
    assert [name for name, entry in lock["packages"].items() if "resolved" in entry] == []
    assert [
        name for name, entry in lock["packages"].items() if name and "integrity" not in entry
    ] == []


def test_the_vendor_folder_is_what_the_lock_file_says(vendor: None) -> None:  # noqa: ARG001  # built
    folder = STATIC / "vendor"
    missing = [
        library.folder
        for library in LIBRARIES
        if not list((folder / library.folder).glob("LICENSE*"))
    ]

    assert missing == []
    assert Path(folder / "lock.sha256").read_text() == lock_digest()
