"""A form as tablets are given it: questions, choices, texts and rules."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from wire_contracts.codes import Code
from wire_contracts.fields import FieldReader, JsonObject, JsonValue
from wire_contracts.forms.trees import Text, Tree, parse_tree, tree_json
from wire_contracts.payloads import dump_json

FORM_ENTITY: Final = "form"
"""The entity type of a form in sync messages; its id is `FORM@VERSION`."""

MAX_NODES: Final = 2000
"""Questions and groups of one form; the WHO's verbal autopsy, a worst case, has 585."""

MAX_CHOICES: Final = 5000
"""Choices of all lists of a form."""

MAX_DEPTH: Final = 12
"""Groups inside groups."""

MODEL_SCHEMA: Final = 1
"""Version of the shape below; a tablet leaves a form of a later one alone and says so."""

_LONGEST_TEXT: Final = 4000


class NodeKind(StrEnum):
    """What a person sees of a node."""

    GROUP = "group"
    REPEAT = "repeat"
    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    SELECT_ONE = "select_one"
    SELECT_MANY = "select_many"
    DATE = "date"
    TIME = "time"
    DATE_TIME = "date_time"
    POSITION = "position"
    BARCODE = "barcode"
    PHOTO = "photo"
    SIGNATURE = "signature"
    NOTE = "note"
    ACKNOWLEDGE = "acknowledge"
    CALCULATE = "calculate"


CONTAINERS: Final = frozenset({NodeKind.GROUP, NodeKind.REPEAT})
SELECTS: Final = frozenset({NodeKind.SELECT_ONE, NodeKind.SELECT_MANY})
NUMBERS: Final = frozenset({NodeKind.INTEGER, NodeKind.DECIMAL})
UNANSWERED: Final = CONTAINERS | {NodeKind.NOTE, NodeKind.CALCULATE}
"""Kinds that a person cannot answer."""


@dataclass(frozen=True, slots=True)
class FormText:
    """A text of a form in its languages, each a row of words and of values to be put in.

    `by_language` maps `en`, `zh` or any other code to its parts; a form without translations has
    one language, whose code is empty.
    """

    by_language: Mapping[str, tuple[Tree, ...]] = field(default_factory=dict)

    def parts(self, language: str) -> tuple[Tree, ...]:
        """Return the parts in a language, else in English, else in whatever there is."""
        wanted = "zh" if language.startswith("zh") else language.partition("_")[0]
        for code in (wanted, "en", ""):
            if code in self.by_language:
                return self.by_language[code]
        return next(iter(self.by_language.values()), ())

    def plain(self, language: str) -> str:
        """Return the words alone, for a text without values in it."""
        return "".join(each.value for each in self.parts(language) if isinstance(each, Text))


NO_TEXT: Final = FormText()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The expressions of a node; None: it has none.

    Attributes:
        relevant: Whether it is asked at all.
        required: Whether it must be answered.
        constraint: Whether its answer is allowed.
        calculate: What its value is.
        default: What it starts with.
        choice_filter: Which choices are offered; evaluated at each row of the list.
        count: How many times a repeat stands there; None: the person decides.
    """

    relevant: Tree | None = None
    required: Tree | None = None
    constraint: Tree | None = None
    calculate: Tree | None = None
    default: Tree | None = None
    choice_filter: Tree | None = None
    count: Tree | None = None


_RULES: Final = tuple(Rules.__dataclass_fields__)
NO_RULES: Final = Rules()


@dataclass(frozen=True, slots=True, kw_only=True)
class FormNode:
    """One question, group or repeat.

    Attributes:
        path: From the root, such as `/data/gas/smell`.
        kind: What a person sees.
        label, hint, constraint_text, required_text: Words for people.
        rules: Its expressions.
        appearance: Words of the sheet's column, such as `minimal`.
        choices: The list of a select, empty for others.
        low, high, step: What a number may be, shown before it is typed; None: not limited.
        unit: Stands behind a number.
        quantity: Wire name of what a number measures, such as `gas_lel_pct`; empty: none.
        is_read_only: It is shown, not asked.
        children: What a group or repeat holds.
    """

    path: str
    kind: NodeKind
    label: FormText = NO_TEXT
    hint: FormText = NO_TEXT
    constraint_text: FormText = NO_TEXT
    required_text: FormText = NO_TEXT
    rules: Rules = NO_RULES
    appearance: tuple[str, ...] = ()
    choices: str = ""
    low: float | None = None
    high: float | None = None
    step: float | None = None
    unit: str = ""
    quantity: str = ""
    is_read_only: bool = False
    children: tuple["FormNode", ...] = ()

    @property
    def name(self) -> str:
        """Return the last part of the path."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceRow:
    """One row of a choice list; `columns` are what filters and lookups may ask for."""

    name: str
    label: FormText
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormModel:
    """One version of a form.

    Attributes:
        form_id: Its name, such as `safety-check`.
        version: Its version as the office wrote it.
        title: Its title in its languages.
        about: What it is filled in for, such as `work_order` or `household`; empty: anything.
        purposes: For which of them, such as `leak_check` or `leak_check:gas`; empty: for all.
        is_required: Nothing it is meant for is finished without it.
        nodes: The questions in their order.
        lists: The choice lists by name.
    """

    form_id: str
    version: str
    title: FormText
    about: str = ""
    purposes: tuple[str, ...] = ()
    is_required: bool = False
    nodes: tuple[FormNode, ...] = ()
    lists: Mapping[str, tuple[ChoiceRow, ...]] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Return `FORM@VERSION`, which answers are pinned to."""
        return form_key(self.form_id, self.version)


def form_key(form_id: str, version: str) -> str:
    """Return how answers name a version of a form."""
    return f"{form_id}@{version}"


def walk(nodes: tuple[FormNode, ...]) -> Iterator[FormNode]:
    """Yield every node, groups before what they hold."""
    for node in nodes:
        yield node
        yield from walk(node.children)


def hash_model(model: FormModel) -> str:
    """Return the SHA-256 of a model's canonical JSON, which answer sets carry."""
    return hashlib.sha256(dump_json(model_json(model))).hexdigest()


def model_json(model: FormModel) -> JsonObject:
    """Return the form as JSON; what a form or a node does not have is left out."""
    body: dict[str, JsonValue] = {
        "schema": MODEL_SCHEMA,
        "form": model.form_id,
        "version": model.version,
        "title": _text_json(model.title),
        "about": model.about,
        "purposes": list(model.purposes),
        "nodes": [_node_json(node) for node in model.nodes],
        "lists": {name: [_choice_json(row) for row in rows] for name, rows in model.lists.items()},
    }
    if model.is_required:
        body["required"] = True
    return body


def _text_json(text: FormText) -> JsonObject:
    return {
        code: [part.value if isinstance(part, Text) else tree_json(part) for part in parts]
        for code, parts in text.by_language.items()
    }


def _choice_json(row: ChoiceRow) -> JsonObject:
    body: dict[str, JsonValue] = {"name": row.name, "label": _text_json(row.label)}
    if row.columns:
        body["columns"] = dict(row.columns)
    return body


_TEXTS: Final = ("label", "hint", "constraint_text", "required_text")
_LIMITS: Final = ("low", "high", "step")
_WORDS: Final = ("choices", "unit", "quantity")


def _node_json(node: FormNode) -> JsonObject:
    body: dict[str, JsonValue] = {"path": node.path, "kind": str(node.kind)}
    texts = {name: _text_json(getattr(node, name)) for name in _TEXTS}
    trees = {name: getattr(node.rules, name) for name in _RULES}
    body |= {name: text for name, text in texts.items() if text}
    body |= {name: tree_json(tree) for name, tree in trees.items() if tree is not None}
    body |= {name: getattr(node, name) for name in _LIMITS if getattr(node, name) is not None}
    body |= {name: getattr(node, name) for name in _WORDS if getattr(node, name)}
    if node.appearance:
        body["appearance"] = list(node.appearance)
    if node.is_read_only:
        body["read_only"] = True
    if node.children:
        body["children"] = [_node_json(child) for child in node.children]
    return body


def parse_model(reader: FieldReader) -> FormModel:
    """Return the form; raise ContractError when it cannot be read, or only by a later app."""
    reader.integer("schema", low=MODEL_SCHEMA, high=MODEL_SCHEMA)
    lists = _lists(reader.object_or_empty("lists"))
    known = _Known(lists=frozenset(lists))
    nodes = tuple(
        _node(each, known, MAX_DEPTH) for each in reader.objects("nodes", longest=MAX_NODES)
    )
    if sum(1 for _ in walk(nodes)) > MAX_NODES:
        problem = f"holds more than {MAX_NODES} questions"
        raise reader.refuse("nodes", problem, "split the form", Code.PAYLOAD_TOO_LARGE)
    return FormModel(
        form_id=reader.text("form", longest=64),
        version=reader.text("version", longest=40),
        title=parse_title(reader),
        about=_word(reader, "about"),
        purposes=tuple(str(each) for each in reader.array("purposes", longest=100)),
        is_required=reader.has("required") and reader.boolean("required"),
        nodes=nodes,
        lists=lists,
    )


def parse_title(reader: FieldReader) -> FormText:
    """Return a form's title; the rest of the form is not looked at."""
    return _text(reader, "title")


def _lists(reader: FieldReader) -> dict[str, tuple[ChoiceRow, ...]]:
    return {
        name: tuple(
            ChoiceRow(
                name=each.text("name"),
                label=_text(each, "label"),
                columns={
                    key: str(value) for key, value in each.object_or_empty("columns").values.items()
                },
            )
            for each in reader.objects(name, longest=MAX_CHOICES)
        )
        for name in reader.values
    }


@dataclass(slots=True)
class _Known:
    """What a node may name: the lists, and the paths that were not taken before it."""

    lists: frozenset[str]
    above: str = ""
    taken: set[str] = field(default_factory=set)

    def path(self, reader: FieldReader) -> str:
        """Return a node's path: one step below what holds it, and nobody else's."""
        path = reader.text("path", longest=1000)
        above, _, name = path.rpartition("/")
        is_inside = above == self.above if self.above else _ROOT.fullmatch(above) is not None
        if not is_inside or not _NAME.fullmatch(name) or path in self.taken:
            remedy = "compile the form again with this version of the server"
            raise reader.refuse("path", f"{path[:60]!r} is out of place", remedy, Code.FIELD_RANGE)
        self.taken.add(path)
        return path

    def choices(self, reader: FieldReader) -> str:
        """Return the name of a node's list."""
        name = _word(reader, "choices")
        if name and name not in self.lists:
            problem = f"{name[:60]!r} is no list of this form"
            raise reader.refuse("choices", problem, "correct the sheet", Code.FIELD_RANGE)
        return name


_NAME: Final = re.compile(r"[^\W\d][\w.\-]*")
_ROOT: Final = re.compile(r"/[^\W\d][\w.\-]*")


def _node(reader: FieldReader, known: _Known, depth: int) -> FormNode:
    if depth <= 0:
        problem = f"is nested deeper than {MAX_DEPTH} groups"
        raise reader.refuse("children", problem, "flatten the form", Code.FIELD_RANGE)
    children = reader.objects("children", longest=MAX_NODES) if reader.has("children") else []
    appearance = reader.array("appearance", longest=20) if reader.has("appearance") else ()
    path = known.path(reader)
    inside = _Known(lists=known.lists, above=path, taken=known.taken)
    return FormNode(
        path=path,
        kind=reader.choice("kind", NodeKind),
        label=_text(reader, "label"),
        hint=_text(reader, "hint"),
        constraint_text=_text(reader, "constraint_text"),
        required_text=_text(reader, "required_text"),
        rules=Rules(**{name: _tree(reader, name) for name in _RULES}),
        appearance=tuple(str(each) for each in appearance),
        choices=known.choices(reader),
        low=_limit(reader, "low"),
        high=_limit(reader, "high"),
        step=_limit(reader, "step"),
        unit=_word(reader, "unit"),
        quantity=_word(reader, "quantity"),
        is_read_only=reader.has("read_only"),
        children=tuple(_node(each, inside, depth - 1) for each in children),
    )


def _word(reader: FieldReader, key: str) -> str:
    return reader.text(key) if reader.values.get(key) else ""


def _limit(reader: FieldReader, key: str) -> float | None:
    return reader.number(key) if reader.has(key) else None


def _tree(reader: FieldReader, key: str) -> Tree | None:
    if not reader.has(key):
        return None
    return parse_tree(reader.values[key], place=reader.place, field=reader.name_of(key))


def _text(reader: FieldReader, key: str) -> FormText:
    languages = reader.object_or_empty(key)
    return FormText(
        {code: _parts(languages, code) for code in languages.values} if languages.values else {}
    )


def _parts(languages: FieldReader, code: str) -> tuple[Tree, ...]:
    field_name = languages.name_of(code or "(no language)")
    return tuple(
        Text(part[:_LONGEST_TEXT])
        if isinstance(part, str)
        else parse_tree(part, place=languages.place, field=field_name)
        for part in languages.array(code, longest=200)
    )
