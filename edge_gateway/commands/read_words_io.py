"""Reads words as they are from one Modbus unit, for whoever writes its profile."""

import argparse
import json
import sys

from edge_gateway.commands.ask_identity_io import why_nobody
from edge_gateway.commands.calls import DONE, REFUSED, CallError
from edge_gateway.commands.dial_in_io import wait_for_call
from edge_gateway.commands.raw_words import parse_words, words_text
from edge_gateway.links.answers import Answer, Fault
from edge_gateway.links.link_url import Cjt188Url, LinkUrlError, MbusUrl, parse_url
from edge_gateway.links.modbus_links_io import open_link
from firmware_profiles.words import Span

WAIT_S = 1.0
"""Wall seconds for an answer of a meter that nobody knows yet (judgement)."""

_HIGHEST_UNIT = 255


def read_words(options: argparse.Namespace) -> int:
    """Print the words that were asked for, one line for each `--words`; return the exit status.

    Raises:
        CallError: URL, unit or words cannot be.
    """
    try:
        url = parse_url(options.url, place="read")
    except LinkUrlError as error:
        raise CallError(str(error)) from error
    if isinstance(url, MbusUrl | Cjt188Url):
        message = "read: words: only Modbus has registers; leave --words out"
        raise CallError(message)
    if not options.unit.isdecimal() or int(options.unit) > _HIGHEST_UNIT:
        message = f"read: unit: {options.unit!r} is no Modbus unit; give a number in 0..255"
        raise CallError(message)
    spans = [parse_words(text) for text in options.words]
    link = open_link(url, timeout_s=options.timeout or WAIT_S)
    wait_for_call(options.url, link.open)
    answers = [(span, link.transact(int(options.unit), span)) for span in spans]
    link.close()
    if options.json:
        body = {
            "url": options.url,
            "unit": options.unit,
            "raw": _raw(answers),
            "faults": _faults(answers),
        }
        print(json.dumps(body))
    for span, answer in answers:
        _show(span, answer, is_json=options.json)
    is_whole = not any(isinstance(answer, Fault) for _, answer in answers)
    return DONE if is_whole else REFUSED


def _show(span: Span, answer: Answer, *, is_json: bool) -> None:
    if isinstance(answer, Fault):
        print(f"read: words: {_place(span)}: {why_nobody(answer)}", file=sys.stderr)
    elif not is_json:
        print(words_text(span, answer))


def _place(span: Span) -> str:
    return f"{span.function_code}:{span.address}+{span.word_count}"


def _faults(answers: list[tuple[Span, Answer]]) -> list[str]:
    return [
        f"{_place(span)}: {answer.quality}: {answer.detail or answer.kind}"
        for span, answer in answers
        if isinstance(answer, Fault)
    ]


def _raw(answers: list[tuple[Span, Answer]]) -> dict[str, str]:
    return {
        f"{function}/{address}": words_text(span, [word])
        for span, answer in answers
        if not isinstance(answer, Fault)
        for (function, address), word in zip(span.addresses(), answer, strict=True)
    }
