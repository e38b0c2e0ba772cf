"""An XLSForm -> the model that tablets are given, or all that is wrong with it."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from sync_server.forms.expression_text import ExpressionError, parse_expression
from sync_server.forms.form_problems import FormProblem, FormRefusedError
from sync_server.forms.sheets_io import Sheets
from sync_server.forms.survey_rows import SurveyRows
from sync_server.forms.xform import Control, InstanceNode, ListRow, Texts, XForm, language_code
from wire_contracts.forms.model import (
    MAX_CHOICES,
    MAX_NODES,
    NUMBERS,
    SELECTS,
    UNANSWERED,
    ChoiceRow,
    FormModel,
    FormNode,
    FormText,
    NodeKind,
    Rules,
    model_json,
    walk,
)
from wire_contracts.forms.references import (
    CircleError,
    children_by_path,
    computing_trees,
    find_dependence,
    needed_by,
    seen_by,
    showing_trees,
)
from wire_contracts.forms.session import MAX_REPEATS
from wire_contracts.forms.trees import (
    Binary,
    Call,
    Negation,
    Number,
    Path,
    Step,
    Text,
    Tree,
    inner_trees,
)
from wire_contracts.forms.values import as_number
from wire_contracts.payloads import dump_json
from wire_contracts.quantities import Quantity

OWN_SETTINGS: Final = frozenset({"about", "purposes", "required"})
"""Columns of the settings sheet that are ours: what the form is filled in for, and whether that
may be finished without it."""

_YES_OR_NO: Final = {"": False, "no": False, "yes": True}

LONGEST_KEY: Final = 64
"""Characters of `FORM@VERSION`, the id of the form in the sync."""

MOST_MODEL_BYTES: Final = 512 * 1024
"""Of the model's JSON: one row of a sync page of 1 MiB (RULINGS R12)."""

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_BY_BIND: Final = {
    "int": NodeKind.INTEGER,
    "decimal": NodeKind.DECIMAL,
    "date": NodeKind.DATE,
    "time": NodeKind.TIME,
    "dateTime": NodeKind.DATE_TIME,
    "geopoint": NodeKind.POSITION,
    "barcode": NodeKind.BARCODE,
    "string": NodeKind.TEXT,
}
_BY_CONTROL: Final = {
    "select1": NodeKind.SELECT_ONE,
    "select": NodeKind.SELECT_MANY,
    "trigger": NodeKind.ACKNOWLEDGE,
}
_RULE_OF: Final = {
    "relevant": "relevant",
    "required": "required",
    "constraint": "constraint",
    "calculate": "calculation",
}
"""Attribute of a bind -> column of the sheet."""

_PRELOADS: Final = {
    ("timestamp", "start"): "once(now())",
    ("date", "today"): "once(today())",
}
"""What a form asks the device for at its start; the rest (who, which device) every answer carries
anyway."""


def compile_form(xform: XForm, sheets: Sheets) -> FormModel:
    """Return the model; raise FormRefusedError with everything that is wrong, sheet and row."""
    return _Compiler(xform, sheets).compile()


class _Compiler:
    """Collects problems while it goes through the form."""

    def __init__(self, xform: XForm, sheets: Sheets) -> None:
        self._xform = xform
        self._sheets = sheets
        self._rows = SurveyRows(sheets)
        self._problems: list[FormProblem] = []
        self._own_lists: dict[str, tuple[ChoiceRow, ...]] = {}

    def compile(self) -> FormModel:
        self._check_settings()
        nodes = tuple(node for each in self._xform.nodes if (node := self._node(each)) is not None)
        lists = {name: self._list(name, rows) for name, rows in self._xform.lists.items()}
        model = FormModel(
            form_id=self._xform.form_id,
            version=self._xform.version,
            title=self._title(),
            about=self._sheets.setting("about"),
            purposes=tuple(self._sheets.setting("purposes").split()),
            is_required=_YES_OR_NO.get(self._sheets.setting("required"), False),
            nodes=nodes,
            lists={**lists, **self._own_lists},
        )
        self._check_size(model)
        self._check_references(model)
        if not self._problems:
            self._check_has_question(model)
        if self._problems:
            raise FormRefusedError(sorted(self._problems, key=lambda each: (each.sheet, each.row)))
        return model

    # --- settings

    def _check_settings(self) -> None:
        form_id, version = self._xform.form_id, self._xform.version
        if not _ID.fullmatch(form_id):
            self._setting("form_id", f"is {form_id!r}", "use letters, digits, '_', '.' and '-'")
        if not _ID.fullmatch(version):
            self._setting(
                "version", f"is {version!r}", "give every change a new version, such as 2"
            )
        if len(form_id) + 1 + len(version) > LONGEST_KEY:
            self._setting("form_id", "is too long together with the version", "shorten it")
        if (required := self._sheets.setting("required")) not in _YES_OR_NO:
            self._setting("required", f"is {required!r}", "write yes or no")
        for name in self._xform.outside_lists:
            self._setting("", f"takes choices from another file: {name}", "put them on choices")

    def _setting(self, column: str, problem: str, remedy: str) -> None:
        self._problems.append(
            FormProblem(sheet="settings", row=2, column=column, problem=problem, remedy=remedy)
        )

    def _title(self) -> FormText:
        """Return the title in its languages: columns such as `form_title::English (en)`."""
        rows = self._sheets.rows.get("settings", ())
        cells = rows[0] if rows else {}
        by_language = {
            code: (Text(text),)
            for heading, text in cells.items()
            if (code := _title_language(heading)) is not None
        }
        return FormText(by_language or {"": (Text(self._xform.title),)})

    # --- nodes

    def _node(self, instance: InstanceNode) -> FormNode | None:
        path = instance.path
        bind = self._xform.binds.get(path, {})
        control = self._xform.controls.get(path)
        kind = self._kind(path, bind, control, has_children=bool(instance.children))
        rules = self._rules(path, bind, control, instance)
        low, high = _limits(rules.constraint, kind) if kind in NUMBERS else (None, None)
        attributes = {} if control is None else control.attributes
        node = FormNode(
            path=path,
            kind=kind,
            label=self._text(path, "label", {} if control is None else control.label),
            hint=self._text(path, "hint", {} if control is None else control.hint),
            constraint_text=self._message(path, bind, "constraint"),
            required_text=self._message(path, bind, "required"),
            rules=rules,
            appearance=tuple(attributes.get("appearance", "").split()),
            low=_number(attributes.get("start")) if low is None else low,
            high=_number(attributes.get("end")) if high is None else high,
            step=_number(attributes.get("step")),
            unit=bind.get("unit", ""),
            quantity=self._quantity(path, bind),
            is_read_only=_is_read_only(kind, bind),
            children=tuple(
                node for each in instance.children if (node := self._node(each)) is not None
            ),
        )
        self._check_answerable(node)
        return self._with_choices(node, control) if kind in SELECTS else node

    def _check_answerable(self, node: FormNode) -> None:
        """Refuse what is demanded and never asked, since no form with it could be finished."""
        has_value = node.rules.calculate is not None or node.rules.default is not None
        if node.is_read_only and node.rules.required is not None and not has_value:
            self._wrong(
                node.path,
                "required",
                "is required, but only shown: nobody can answer it",
                "give it a calculation or a default, or do not require it",
            )

    def _kind(
        self, path: str, bind: Mapping[str, str], control: Control | None, *, has_children: bool
    ) -> NodeKind:
        if path in self._xform.triggered:
            self._wrong(path, "trigger", "sets a value when another changes", "use calculation")
        if control is not None and control.is_repeat:
            return NodeKind.REPEAT
        if has_children or (control is not None and control.tag == "group"):
            return NodeKind.GROUP
        if control is None:
            return NodeKind.CALCULATE
        kind = _BY_CONTROL.get(control.tag) or self._input_kind(path, bind, control)
        if kind is None:
            self._wrong(
                path,
                "type",
                f"is of a type that tablets do not ask: {control.tag}",
                "use another type",
            )
            return NodeKind.NOTE
        return kind

    def _input_kind(self, path: str, bind: Mapping[str, str], control: Control) -> NodeKind | None:
        if control.tag == "upload":
            if not control.attributes.get("mediatype", "").startswith("image/"):
                return None
            is_signed = "signature" in control.attributes.get("appearance", "")
            return NodeKind.SIGNATURE if is_signed else NodeKind.PHOTO
        if control.tag not in {"input", "range"}:
            return None
        row = self._rows.find(path)
        if row is not None and row.kind == "note":
            return NodeKind.NOTE
        return _BY_BIND.get(bind.get("type", "string"))

    def _rules(
        self,
        path: str,
        bind: Mapping[str, str],
        control: Control | None,
        instance: InstanceNode,
    ) -> Rules:
        trees = {
            name: self._rule(path, column, bind.get(name, "")) for name, column in _RULE_OF.items()
        }
        preload = _PRELOADS.get((bind.get("jr:preload", ""), bind.get("jr:preloadParams", "")))
        if preload is not None:
            trees["calculate"] = parse_expression(preload)
        default: Tree | None = Text(instance.text) if instance.text else None
        if path in self._xform.first_values:
            default = self._rule(path, "default", self._xform.first_values[path])
        count = "" if control is None else control.count
        return Rules(
            relevant=trees["relevant"],
            required=_unless_false(trees["required"]),
            constraint=trees["constraint"],
            calculate=trees["calculate"],
            default=default,
            count=self._count(path, count),
        )

    def _count(self, path: str, text: str) -> Tree | None:
        """Return how often a repeat stands there; more than tablets hold is refused.

        The XForm keeps a count that is written out in a question of its own.
        """
        tree = self._rule(path, "repeat_count", text)
        written = self._xform.binds.get(text.strip(), {}).get("calculate", "")
        wanted = as_number(written.strip().strip("'\""))
        if wanted > MAX_REPEATS:
            problem = f"asks for {wanted:g} of a list, tablets hold {MAX_REPEATS}"
            self._wrong(path, "repeat_count", problem, "make it several lists, or several forms")
        return tree

    def _rule(self, path: str, column: str, text: str) -> Tree | None:
        if not text.strip():
            return None
        try:
            return parse_expression(text)
        except ExpressionError as error:
            self._wrong(path, column, error.problem, error.remedy)
            return None

    def _wrong(self, path: str, column: str, problem: str, remedy: str) -> None:
        self._problems.append(self._rows.problem(path, column, problem, remedy))

    def _quantity(self, path: str, bind: Mapping[str, str]) -> str:
        name = bind.get("quantity", "")
        if name and name not in set(Quantity):
            remedy = "use a name of docs/wire.md, section Quantities"
            self._wrong(
                path, "bind::quantity", f"measures {name!r}, which nothing else does", remedy
            )
        return name

    # --- texts

    def _text(self, path: str, column: str, texts: Texts) -> FormText:
        by_language: dict[str, tuple[Tree, ...]] = {}
        for code, pieces in texts.items():
            parts = [
                self._rule(path, column, piece.words) if piece.is_rule else Text(piece.words)
                for piece in pieces
            ]
            kept = tuple(part for part in parts if part is not None)
            if kept:
                by_language[code] = kept
        return FormText(by_language)

    def _message(self, path: str, bind: Mapping[str, str], rule: str) -> FormText:
        texts = self._xform.text(bind.get(f"jr:{rule}Msg", ""))
        return self._text(path, f"{rule}_message", texts)

    # --- choices

    def _with_choices(self, node: FormNode, control: Control | None) -> FormNode:
        if control is None or not control.itemset:
            return self._with_own_items(node, control)
        tree = self._rule(node.path, "choice_filter", control.itemset)
        if tree is None:
            return node
        found = _list_of(tree)
        if found is None:
            problem = "takes its choices from answers or in random order"
            self._wrong(node.path, "type", problem, "name a list of the sheet choices")
            return node
        name, choice_filter = found
        if name not in self._xform.lists:
            self._wrong(
                node.path, "type", f"takes choices from {name!r}", "add the list to choices"
            )
        return replace(node, choices=name, rules=replace(node.rules, choice_filter=choice_filter))

    def _with_own_items(self, node: FormNode, control: Control | None) -> FormNode:
        items = () if control is None else control.items
        if not items:
            self._wrong(node.path, "type", "has no choices", "name a list of the sheet choices")
            return node
        name = node.path.strip("/").replace("/", ".")
        self._own_lists[name] = tuple(
            ChoiceRow(name=value, label=self._text(node.path, "label", label))
            for value, label in items
        )
        return replace(node, choices=name)

    def _list(self, name: str, rows: Sequence[ListRow]) -> tuple[ChoiceRow, ...]:
        return tuple(
            ChoiceRow(
                name=row.columns.get("name", ""),
                label=self._text(f"/data/{name}", "label", row.label),
                columns={key: text for key, text in row.columns.items() if key != "name"},
            )
            for row in rows
        )

    # --- the form as a whole

    def _check_has_question(self, model: FormModel) -> None:
        """Refuse a form in which nothing can be answered: it would be done before it is begun."""
        if all(node.kind in UNANSWERED for node in walk(model.nodes)):
            self._problems.append(
                FormProblem(
                    sheet="survey",
                    row=2,
                    column="type",
                    problem="has no question that can be answered",
                    remedy="write at least one, such as type integer with a name and a label",
                )
            )

    def _check_size(self, model: FormModel) -> None:
        nodes = sum(1 for _ in walk(model.nodes))
        choices = sum(len(rows) for rows in model.lists.values())
        size = len(dump_json(model_json(model)))
        for count, most, what, sheet in (
            (nodes, MAX_NODES, "questions", "survey"),
            (choices, MAX_CHOICES, "choices", "choices"),
            (size, MOST_MODEL_BYTES, "bytes when compiled", ""),
        ):
            if count > most:
                problem = f"has {count} {what}, at most {most} are taken"
                self._problems.append(
                    FormProblem(
                        sheet=sheet, row=0, column="", problem=problem, remedy="split the form"
                    )
                )

    def _check_references(self, model: FormModel) -> None:
        children = children_by_path(model)
        selects = {node.path for node in walk(model.nodes) if node.kind in SELECTS}
        for node in walk(model.nodes):
            asked = needed_by(node, children) | seen_by(node, children)
            for path in sorted(asked - children.keys() - {""}):
                problem = f"asks for {path}, which is not there"
                self._wrong(node.path, "", problem, "correct the name")
            trees = [*computing_trees(node), *showing_trees(node)]
            for path in sorted({path for tree in trees for path in _named_choices(tree)} - selects):
                self._wrong(node.path, "", f"asks jr:choice-name() of {path}", "name a select")
            for name in sorted(
                {name for tree in trees for name in _named_lists(tree)} - model.lists.keys()
            ):
                problem = f"asks instance({name!r})"
                self._wrong(node.path, "", problem, "add the list to the sheet choices")
        try:
            find_dependence(model)
        except CircleError as error:
            for path in error.paths[:10]:
                self._wrong(path, "", "depends on itself over other questions", "break the circle")


def _title_language(heading: str) -> str | None:
    """Return the language code of a heading such as `form_title::中文 (zh)`, None of another."""
    name, found, language = heading.partition("::")
    return language_code(language) if found and name.strip() in {"form_title", "title"} else None


def _is_read_only(kind: NodeKind, bind: Mapping[str, str]) -> bool:
    return kind is not NodeKind.CALCULATE and (
        bind.get("readonly", "").strip() == "true()" or "calculate" in bind
    )


def _unless_false(tree: Tree | None) -> Tree | None:
    return None if tree == Call("false", ()) else tree


def _number(text: str | None) -> float | None:
    return None if text is None or not text.strip() else float(text)


def _limits(constraint: Tree | None, kind: NodeKind) -> tuple[float | None, float | None]:
    """Return the range that a constraint such as `. >= 0 and . <= 100` allows, ends included.

    A limit that is itself refused, `. > 1`, is 2 for whole numbers and no end of a range for
    others: a range is shown to people, and what it shows must be taken.
    """
    step = 1.0 if kind is NodeKind.INTEGER else None
    low: float | None = None
    high: float | None = None
    for term in _terms(constraint):
        value = _literal(term.right)
        if term.left != _HERE or value is None:
            continue
        if term.operator == ">=":
            low = value
        elif term.operator == "<=":
            high = value
        elif term.operator == ">":
            low = None if step is None else math.floor(value) + step
        elif term.operator == "<":
            high = None if step is None else math.ceil(value) - step
    return low, high


_HERE: Final = Path(is_absolute=False, steps=(Step("."),))


def _terms(tree: Tree | None) -> list[Binary]:
    if not isinstance(tree, Binary):
        return []
    return [*_terms(tree.left), *_terms(tree.right)] if tree.operator == "and" else [tree]


def _literal(tree: Tree) -> float | None:
    if isinstance(tree, Number):
        return tree.value
    if isinstance(tree, Negation) and isinstance(tree.operand, Number):
        return -tree.operand.value
    return None


def _list_of(itemset: Tree) -> tuple[str, Tree | None] | None:
    """Return the list whose items an itemset offers, and its filter; None for another itemset."""
    if not isinstance(itemset, Path) or itemset.origin is None or len(itemset.steps) != 2:  # noqa: PLR2004  # root/item
        return None
    arguments = itemset.origin.arguments
    if itemset.origin.name != "instance" or not isinstance(arguments[0], Text):
        return None
    predicates = itemset.steps[1].predicates
    if len(predicates) > 1:
        return None
    return arguments[0].value, predicates[0] if predicates else None


def _named_choices(tree: Tree) -> set[str]:
    found = {path for inner in inner_trees(tree) for path in _named_choices(inner)}
    if isinstance(tree, Call) and tree.name == "jr:choice-name":
        last = tree.arguments[1]
        found.add(last.value.strip() if isinstance(last, Text) else "a computed name")
    return found


def _named_lists(tree: Tree) -> set[str]:
    found = {name for inner in inner_trees(tree) for name in _named_lists(inner)}
    if isinstance(tree, Call) and tree.name == "instance" and isinstance(tree.arguments[0], Text):
        found.add(tree.arguments[0].value)
    return found
