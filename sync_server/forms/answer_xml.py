"""An answer set -> the XML that OpenRosa tools read as a submission."""

import re
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from sync_server.forms.answers_store import KeptAnswers
from wire_contracts.forms.model import CONTAINERS, FormModel, FormNode, NodeKind

_ILLEGAL: Final = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
"""What XML 1.0 has no way to write (section 2.2)."""

_META: Final = "http://openrosa.org/xforms"


def answers_xml(model: FormModel, kept: KeptAnswers) -> str:
    """Return one submission: the form's own elements in its order, repeats as often as answered."""
    answers = kept.answers
    lines = [
        "<?xml version='1.0' encoding='UTF-8'?>",
        _root(model.form_id, answers.form.rpartition("@")[2]),
    ]
    for node in model.nodes:
        lines += _node(node, "", kept, "  ")
    lines += [
        "  <orx:meta>",
        f"    <orx:instanceID>uuid:{escape(kept.fact_id)}</orx:instanceID>",
        f"    <orx:timeEnd>{kept.happened_at_utc.isoformat()}</orx:timeEnd>",
        "  </orx:meta>",
        "</data>",
        "",
    ]
    return "\n".join(lines)


def _root(form_id: str, version: str) -> str:
    names = f"xmlns:orx={quoteattr(_META)} id={quoteattr(form_id)} version={quoteattr(version)}"
    return f"<data {names}>"


def _node(node: FormNode, before: str, kept: KeptAnswers, indent: str) -> list[str]:
    place = f"{before}/{node.name}" if before else node.name
    if node.kind is NodeKind.REPEAT:
        lines: list[str] = []
        number = 1
        while _is_answered(kept, f"{place}[{number}]/"):
            lines += _container(node, f"{place}[{number}]", kept, indent)
            number += 1
        return lines
    if node.kind in CONTAINERS:
        return _container(node, place, kept, indent)
    text = _ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", kept.answers.answers.get(place, ""))
    return [
        f"{indent}<{node.name}>{escape(text)}</{node.name}>" if text else f"{indent}<{node.name}/>"
    ]


def _container(node: FormNode, place: str, kept: KeptAnswers, indent: str) -> list[str]:
    inner = [line for child in node.children for line in _node(child, place, kept, indent + "  ")]
    return [f"{indent}<{node.name}>", *inner, f"{indent}</{node.name}>"]


def _is_answered(kept: KeptAnswers, beginning: str) -> bool:
    return any(place.startswith(beginning) for place in kept.answers.answers)
