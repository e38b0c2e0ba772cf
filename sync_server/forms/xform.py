"""What an XForm says, taken out of its XML: texts, lists, binds, controls, first values."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import fromstring

_XF: Final = "{http://www.w3.org/2002/xforms}"
_H: Final = "{http://www.w3.org/1999/xhtml}"
_JR: Final = "{http://openrosa.org/javarosa}"
_CODE: Final = re.compile(r"\(([A-Za-z]{2,3})(?:[-_]\w+)?\)\s*$")
_ITEXT: Final = re.compile(r"jr:itext\('(.*)'\)", re.DOTALL)
_NAMES: Final = {
    "default": "",
    "english": "en",
    "chinese": "zh",
    "中文": "zh",
    "汉语": "zh",
    "zh": "zh",
    "en": "en",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text: words, or the rule whose value is put in."""

    words: str
    is_rule: bool


Pieces = tuple[Piece, ...]
Texts = Mapping[str, Pieces]
"""Language code -> the pieces in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """What the body says of a question or group."""

    tag: str
    ref: str
    label: Texts = field(default_factory=dict)
    hint: Texts = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    itemset: str = ""
    items: tuple[tuple[str, Texts], ...] = ()
    is_repeat: bool = False
    count: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRow:
    """One row of a choice list: its label and its columns, `name` among them."""

    label: Texts
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceNode:
    """A node of the primary instance with its first value."""

    path: str
    text: str
    children: tuple["InstanceNode", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class XForm:
    """An XForm without its XML.

    Attributes:
        nodes: The primary instance below its root, `meta` left out.
        binds: Path -> attributes, `jr:` before those of JavaRosa.
        controls: Path -> its control.
        first_values: Path -> the rule of its dynamic default.
        triggered: Paths whose value is set when another one changes.
        lists: Name -> the rows of a choice list.
        outside_lists: Names of lists that stand in another file.
    """

    form_id: str
    version: str
    title: str
    nodes: tuple[InstanceNode, ...]
    binds: Mapping[str, Mapping[str, str]]
    controls: Mapping[str, Control]
    first_values: Mapping[str, str]
    triggered: tuple[str, ...]
    lists: Mapping[str, tuple[ListRow, ...]]
    outside_lists: tuple[str, ...]
    texts: Mapping[str, Texts]

    def text(self, value: str) -> Texts:
        """Return what an attribute such as `jr:constraintMsg` says, itself or by reference."""
        found = _ITEXT.fullmatch(value.strip())
        if found is not None:
            return self.texts.get(found[1], {})
        return {"": (Piece(value, is_rule=False),)} if value else {}


def read_xform(text: str) -> XForm:
    """Return what the XForm of pyxform says."""
    root = fromstring(text)
    head = root.find(f"{_H}head")
    model = None if head is None else head.find(f"{_XF}model")
    body = root.find(f"{_H}body")
    if head is None or model is None or body is None:
        message = "the XForm has no head, model or body"
        raise ValueError(message)
    texts = _itext(model)
    primary = model.find(f"{_XF}instance")
    data = primary[0] if primary is not None and len(primary) else Element("data")
    found: dict[str, Control] = {}
    _controls(body, texts, found)
    return XForm(
        form_id=data.get("id", ""),
        version=data.get("version", ""),
        title=head.findtext(f"{_H}title", ""),
        nodes=_instance_nodes(data, "/data"),
        binds={each.get("nodeset", ""): _attributes(each) for each in model.iter(f"{_XF}bind")},
        controls=found,
        first_values=_first_values(root),
        triggered=tuple(_triggered(root)),
        lists={each.get("id", ""): _list(each, texts) for each in _secondary(model)},
        outside_lists=tuple(
            each.get("id", "") for each in _secondary(model) if each.get("src") is not None
        ),
        texts=texts,
    )


def _secondary(model: Element) -> Iterator[Element]:
    return (each for each in model.findall(f"{_XF}instance") if each.get("id"))


def _attributes(element: Element) -> dict[str, str]:
    return {name.replace(_JR, "jr:"): value for name, value in element.attrib.items()}


def language_code(name: str) -> str:
    """Return `en` for `English (en)`, `zh` for `中文 (zh)`; empty for the only language."""
    found = _CODE.search(name)
    if found is not None:
        return found[1].lower()
    return _NAMES.get(name.strip().lower(), name.strip().lower()[:20])


def _itext(model: Element) -> dict[str, Texts]:
    found: dict[str, dict[str, Pieces]] = {}
    for translation in model.iter(f"{_XF}translation"):
        code = language_code(translation.get("lang", ""))
        for text in translation.findall(f"{_XF}text"):
            for value in text.findall(f"{_XF}value"):
                if value.get("form") is None:
                    found.setdefault(text.get("id", ""), {})[code] = _pieces(value)
    return dict(found)


def _pieces(element: Element) -> Pieces:
    pieces = [Piece(element.text or "", is_rule=False)]
    for inner in element:
        pieces += [
            Piece(inner.get("value", "").strip(), is_rule=True),
            Piece(inner.tail or "", is_rule=False),
        ]
    if len(pieces) > 1:
        pieces[0] = Piece(pieces[0].words.lstrip(), is_rule=False)
        pieces[-1] = Piece(pieces[-1].words.rstrip(), is_rule=False)
    return tuple(piece for piece in pieces if piece.words)


def _instance_nodes(element: Element, path: str) -> tuple[InstanceNode, ...]:
    """Return the nodes below an element; of a repeat's template and first one, the template."""
    found: dict[str, InstanceNode] = {}
    for child in element:
        name = child.tag.rpartition("}")[2]
        here = f"{path}/{name}"
        if name != "meta" and name not in found:
            found[name] = InstanceNode(
                path=here,
                text=(child.text or "").strip() if not len(child) else "",
                children=_instance_nodes(child, here),
            )
    return tuple(found.values())


def _first_values(root: Element) -> dict[str, str]:
    return {
        each.get("ref", ""): each.get("value", "")
        for each in root.iter(f"{_XF}setvalue")
        if "first-load" in each.get("event", "") or "new-repeat" in each.get("event", "")
    }


def _triggered(root: Element) -> Iterator[str]:
    for each in root.iter(f"{_XF}setvalue"):
        if "value-changed" in each.get("event", ""):
            yield each.get("ref", "")


def _list(instance: Element, texts: Mapping[str, Texts]) -> tuple[ListRow, ...]:
    rows: list[ListRow] = []
    for item in instance.iter(f"{_XF}item"):
        cells = {cell.tag.rpartition("}")[2]: (cell.text or "").strip() for cell in item}
        plain = cells.pop("label", "")
        label = texts.get(cells.pop("itextId", ""), {"": (Piece(plain, is_rule=False),)})
        rows.append(ListRow(label=label, columns=cells))
    return tuple(rows)


def _controls(element: Element, texts: Mapping[str, Texts], found: dict[str, Control]) -> None:
    for child in element:
        tag = child.tag.rpartition("}")[2]
        if tag == "repeat":
            ref = child.get("nodeset", "")
            known = found.get(ref)
            found[ref] = Control(
                tag="repeat",
                ref=ref,
                label={} if known is None else known.label,
                attributes={} if known is None else known.attributes,
                is_repeat=True,
                count=child.get(f"{_JR}count", ""),
            )
        elif child.get("ref") is not None and tag not in {"label", "hint", "value", "setvalue"}:
            found[child.get("ref", "")] = _control(tag, child, texts)
        if tag in {"group", "repeat"}:
            _controls(child, texts, found)


def _control(tag: str, element: Element, texts: Mapping[str, Texts]) -> Control:
    itemset = element.find(f"{_XF}itemset")
    return Control(
        tag=tag,
        ref=element.get("ref", ""),
        label=_words(element.find(f"{_XF}label"), texts),
        hint=_words(element.find(f"{_XF}hint"), texts),
        attributes=_attributes(element),
        itemset="" if itemset is None else itemset.get("nodeset", ""),
        items=tuple(
            (
                item.findtext(f"{_XF}value", "").strip(),
                _words(item.find(f"{_XF}label"), texts),
            )
            for item in element.findall(f"{_XF}item")
        ),
    )


def _words(element: Element | None, texts: Mapping[str, Texts]) -> Texts:
    if element is None:
        return {}
    found = _ITEXT.fullmatch(element.get("ref", ""))
    if found is not None:
        return texts.get(found[1], {})
    pieces = _pieces(element)
    return {"": pieces} if pieces else {}
