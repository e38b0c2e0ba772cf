"""Rules of forms give what libxml2 gives, whatever the form and the answers."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sync_server.forms.random_forms import RandomForm, random_form, random_text
from tests.sync_server.forms.reference_xpath import (
    as_xml,
    evaluate,
    number_of,
    text_of,
    truth_of,
)
from wire_contracts.forms.elements import Element
from wire_contracts.forms.functions import Surroundings
from wire_contracts.forms.model import NodeKind
from wire_contracts.forms.session import CompiledForm, FormSession
from wire_contracts.forms.values import as_truth

AROUND = Surroundings(
    now=lambda: datetime(2026, 11, 22, 9, tzinfo=UTC), random=lambda: 0.5, uuid=lambda: "u"
)


def is_same_text(ours: str, theirs: str) -> bool:
    """Return whether two texts are equal, or numbers that differ in how they are written."""
    if ours == theirs:
        return True
    left, right = number_of(ours), number_of(theirs)
    return math.isclose(left, right, rel_tol=1e-9) if left == left else False  # noqa: PLR0124


def places(session: FormSession, form: RandomForm) -> list[str]:
    """Return every place that can be answered now, repeats with their numbers."""
    wanted = {f"/data/{each}" for each in form.questions}
    return [
        session.place_of(element)
        for element in session.root.walk()
        if element.node is not None and element.node.path in wanted
    ]


def disagreements(session: FormSession, form: RandomForm) -> Iterator[str]:
    for element in session.root.walk():
        node = element.node
        if node is None or element.parent is None or not element.parent.is_relevant:
            continue
        for name in ("relevant", "constraint", "required", "calculate"):
            text = form.rules.get((node.path, name))
            if text is not None and (name == "relevant" or element.is_relevant):
                yield from disagreement(session, element, name, text)


def disagreement(session: FormSession, element: Element, name: str, rule: str) -> Iterator[str]:
    theirs = evaluate(rule, as_xml(session, element))
    if name == "calculate":
        if not is_same_text(element.text, text_of(theirs)):
            yield f"{rule}: ours {element.text!r}, libxml2 {text_of(theirs)!r}"
        return
    ours = element.is_relevant
    if name != "relevant":
        assert element.node is not None
        compiled = getattr(session.form.rules[element.node.path], name)
        ours = as_truth(compiled(session.context(element)))
    if ours is not truth_of(theirs):
        yield f"{rule}: ours {ours}, libxml2 {truth_of(theirs)}"


def repeats(form: RandomForm) -> list[str]:
    return [
        node.path.removeprefix("/data/")
        for node in form.model.nodes
        if node.kind is NodeKind.REPEAT
    ]


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_every_rule_gives_what_libxml2_gives(chance: Random) -> None:
    form = random_form(chance)
    session = FormSession(CompiledForm(form.model), AROUND)
    for place in repeats(form):
        for _ in range(chance.randint(0, 2)):
            session.add_repeat(place)

    for _ in range(8):
        answered = places(session, form)
        if answered:
            session.answer(chance.choice(answered), random_text(chance))

    assert list(disagreements(session, form)) == []


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_computing_only_what_depends_gives_what_computing_everything_gives(chance: Random) -> None:
    form = random_form(chance)
    compiled = CompiledForm(form.model)
    session = FormSession(compiled, AROUND)
    for place in repeats(form):
        session.add_repeat(place)
    for _ in range(10):
        answered = places(session, form)
        if answered:
            session.answer(chance.choice(answered), random_text(chance))
    for place in repeats(form):
        session.remove_repeat(f"{place}[1]")

    anew = FormSession(compiled, AROUND, session.drafted())

    assert anew.final_answers() == session.final_answers()
    assert anew.drafted() == session.drafted()
