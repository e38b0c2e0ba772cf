"""Build the two text faces and the icon face that the tablet ships, from their open sources."""  # noqa: INP001 - a script beside the files it makes

import argparse
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fontTools import subset
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTCollection, TTFont, newTable
from fontTools.ttLib.tables.ttProgram import Program

HERE = Path(__file__).parent
UNITS_PER_EM = 1000
ASCENT, DESCENT = 1050, -260
"""Room for stacked Latin accents and for the tallest hanzi of Noto Sans CJK."""

FIXED_TIME = 3_800_000_000
"""Seconds since 1904 written into every face, so that a rebuild is byte-identical."""

PREP = bytes.fromhex("B801FF85B0048DB00021")
"""A `prep` of more than 7 bytes stops FreeType's auto-hinter: labels render 4x faster."""

_LATIN_RANGES = (
    (0x20, 0x7F),
    (0xA0, 0x180),
    (0x218, 0x21C),
    (0x370, 0x400),
    (0x400, 0x460),
    (0x2010, 0x2028),
    (0x2030, 0x203B),
    (0x2070, 0x208F),
)
_SIGNS = "ẞ€№™ΩÅ←↑→↓↖↗−≈≠≤≥✓✗●○℃■▲▼∆√∞"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One font that gives glyphs, and the code points it is asked for."""

    font: TTFont
    wanted: frozenset[int]
    is_cubic: bool


def _codec_set(codec: str, first: range, second: range) -> frozenset[int]:
    """Return the code points that two bytes out of the ranges decode to."""
    found = set()
    for high in first:
        for low in second:
            text = bytes([high, low]).decode(codec, errors="ignore")
            if len(text) == 1:
                found.add(ord(text))
    return frozenset(found)


def latin_set() -> frozenset[int]:
    """Return Latin, Greek, Cyrillic, punctuation and the signs of units and arrows."""
    ranges = {code for low, high in _LATIN_RANGES for code in range(low, high)}
    return frozenset(ranges | {ord(sign) for sign in _SIGNS})


def gb2312_set() -> frozenset[int]:
    """Return the 6,763 hanzi and the signs of GB 2312."""
    return _codec_set("gb2312", range(0xA1, 0xF8), range(0xA1, 0xFF))


def gbk_set() -> frozenset[int]:
    """Return the 21,003 hanzi and the signs of GBK: rare names of people and places."""
    return _codec_set("gbk", range(0x81, 0xFF), range(0x40, 0xFF))


class _Merger:
    """Collects outlines of several fonts under one character map."""

    def __init__(self) -> None:
        self.order = [".notdef"]
        self.outlines: dict[str, object] = {}
        self.advances: dict[str, int] = {}
        self.characters: dict[int, str] = {}

    def add(self, source: Source) -> None:
        """Take the glyphs that no earlier source gave."""
        glyphs = source.font.getGlyphSet()
        names: Mapping[int, str] = source.font.getBestCmap()
        widths = source.font["hmtx"]
        taken: dict[str, str] = {}
        for code in sorted(source.wanted - self.characters.keys()):
            if code not in names:
                continue
            origin = names[code]
            if origin not in taken:
                taken[origin] = f"g{len(self.order):05d}"
                self._draw(glyphs[origin], taken[origin], is_cubic=source.is_cubic)
                self.advances[taken[origin]] = widths[origin][0]
                self.order.append(taken[origin])
            self.characters[code] = taken[origin]

    def missing_mark(self, font: TTFont) -> None:
        """Take the box that stands for a character that no source has."""
        self._draw(font.getGlyphSet()[".notdef"], ".notdef", is_cubic=False)
        self.advances[".notdef"] = font["hmtx"][".notdef"][0]

    def _draw(self, glyph: "_Glyph", name: str, *, is_cubic: bool) -> None:
        pen = TTGlyphPen(None)
        if is_cubic:
            glyph.draw(Cu2QuPen(pen, max_err=1.2, reverse_direction=True))
        else:
            parts = DecomposingRecordingPen(glyph.glyphSet)
            glyph.draw(parts)
            parts.replay(pen)
        self.outlines[name] = pen.glyph()


type_of_draw = Callable[[object], None]


class _Glyph:
    """What the merger needs of a fontTools glyph."""

    glyphSet: Mapping[str, object]  # noqa: N815 - the name fontTools gives it
    draw: type_of_draw


def build_text_face(style: str, sources: Iterable[Source], target: Path) -> int:
    """Write the merged face to `target` and return its number of glyphs."""
    merger = _Merger()
    for source in sources:
        if ".notdef" not in merger.outlines:
            merger.missing_mark(source.font)
        merger.add(source)
    builder = FontBuilder(UNITS_PER_EM, isTTF=True)
    builder.setupGlyphOrder(merger.order)
    builder.setupCharacterMap(merger.characters)
    builder.setupGlyf(merger.outlines)
    builder.setupHorizontalMetrics(_metrics(merger, builder.font["glyf"]))
    builder.setupHorizontalHeader(ascent=ASCENT, descent=DESCENT)
    builder.setupNameTable(_names(style))
    builder.setupOS2(
        sTypoAscender=ASCENT,
        sTypoDescender=DESCENT,
        usWinAscent=ASCENT,
        usWinDescent=-DESCENT,
        usWeightClass=700 if style == "Bold" else 400,
    )
    builder.setupPost(keepGlyphNames=False)
    _finish(builder.font)
    builder.save(str(target))
    return len(merger.order)


def _metrics(merger: _Merger, outlines: TTFont) -> dict[str, tuple[int, int]]:
    return {
        name: (
            merger.advances[name],
            outlines[name].xMin if outlines[name].numberOfContours else 0,
        )
        for name in merger.order
    }


def _names(style: str) -> dict[str, str]:
    return {
        "familyName": "Lamplighter Sans",
        "styleName": style,
        "uniqueFontIdentifier": f"Lamplighter Sans {style} 2",
        "fullName": f"Lamplighter Sans {style}",
        "psName": f"LamplighterSans-{style}",
        "version": "Version 2.0",
        "copyright": "Noto Sans: Google; Noto Sans CJK: Adobe, Google",
        "licenseDescription": "SIL Open Font License 1.1",
        "licenseInfoURL": "https://openfontlicense.org",
    }


def _finish(font: TTFont) -> None:
    font["head"].created = font["head"].modified = FIXED_TIME
    font.recalcTimestamp = False
    prep = newTable("prep")
    prep.program = Program()
    prep.program.fromBytecode(PREP)
    font["prep"] = prep
    font["maxp"].maxStackElements = 16


def build_icon_face(source: Path, names: Iterable[str], target: Path) -> dict[str, str]:
    """Write the wanted Material Design Icons to `target`; return name -> hexadecimal code."""
    by_name = {name: code for code, name in TTFont(source).getBestCmap().items()}
    codes = {name: by_name[name] for name in sorted(set(names))}
    options = subset.Options()
    options.hinting = False
    options.layout_features = []
    options.glyph_names = False
    font = subset.load_font(str(source), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=list(codes.values()))
    subsetter.subset(font)
    font["head"].created = font["head"].modified = FIXED_TIME
    font.recalcTimestamp = False
    subset.save_font(font, str(target), options)
    return {name: f"{code:X}" for name, code in codes.items()}


def _text_faces(noto: Path, noto_cjk: Path) -> None:
    for style, hanzi in (("Regular", gbk_set()), ("Bold", gb2312_set())):
        collection = TTCollection(noto_cjk / f"NotoSansCJK-{style}.ttc", lazy=True)
        chinese = next(
            font
            for font in collection.fonts
            if font["name"].getDebugName(1).startswith("Noto Sans CJK SC")
        )
        latin = TTFont(noto / f"NotoSans-{style}.ttf")
        sources = (
            Source(font=latin, wanted=latin_set(), is_cubic=False),
            Source(font=chinese, wanted=hanzi | latin_set(), is_cubic=True),
        )
        build_text_face(style, sources, HERE / f"LamplighterSans-{style}.ttf")


def main() -> None:
    """Build what the arguments name; `icons.json` lists the icons and is written anew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--noto", type=Path, help="folder of fonts-noto-core")
    parser.add_argument("--noto-cjk", type=Path, help="folder of fonts-noto-cjk")
    parser.add_argument("--icons", type=Path, help="materialdesignicons-webfont.ttf of @mdi/font")
    arguments = parser.parse_args()
    if arguments.noto and arguments.noto_cjk:
        _text_faces(arguments.noto, arguments.noto_cjk)
    if arguments.icons:
        listed = HERE / "icons.json"
        names = json.loads(listed.read_text("utf-8"))
        codes = build_icon_face(arguments.icons, names, HERE / "LamplighterIcons.ttf")
        listed.write_text(json.dumps(codes, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
