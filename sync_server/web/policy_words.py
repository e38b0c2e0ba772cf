"""Which sources and approvers of policies the product brings itself, for both languages.

A policy that a utility changed keeps its own words, whatever language they are in.
"""

from collections.abc import Sequence

from sync_server.web.words import Words, mark

DEFAULT_APPROVER = mark("product default")
"""Who approved the rows that the migrations bring."""

SHIPPED_SOURCES: Sequence[str] = (
    mark("0 keeps them for ever; every reading as it came"),
    mark("0 keeps them for ever; the days of each meter"),
    mark("0 keeps them for ever; the hours of each meter"),
    mark("0 keeps them for ever; the numbers of frames that came"),
    mark("A-37: 0 nobody, 1 leader, 2 quality, 3 director"),
    mark("A-44; proposal, the sources print no figure"),
    mark("E-06 wants a target and prints none; proposal"),
    mark(
        "PostgreSQL: 1 is a partition a day, for millions of meters; else a calendar "
        "month (judgement)"
    ),
    mark("RULINGS R8; detection notes 3: EEMUA 191"),
    mark("detection notes 3: customers told of a leak within 3 days"),
    mark("domain model 2.3: same premises and class within 30 days"),
    mark("domain model 2.8: the third visit in vain leaves a letter"),
    mark("domain model 3: CL13 gas leak, CL15 heat leak: on site within 60 min"),
    mark("domain model 3: CL14 indoor gas fault: on site within 4 h"),
    mark("domain model 3: CL16 cold room: 2 h, 5 h as the season begins"),
    mark("domain model 3: CL21 suspicion: meter checked in 10 working days, counted as 14 days"),
    mark("domain model 3: a slip is accepted in 10 min"),
    mark("domain model 3: a slip of safety class A is accepted in 2 min"),
    mark("domain model 3: an unfinished matter is followed up weekly"),
    mark("domain model 3: callback in 3 working days"),
    mark("domain model 3: cold room: on site with a thermometer in 2 h"),
    mark("domain model 3: consultation with another department"),
    mark("domain model 3: customers hear of a planned interruption 48 h before"),
    mark("domain model 3: every call answered or called back in 24 h (K2)"),
    mark("domain model 3: gas leak: on site in 60 min"),
    mark("domain model 3: heat leak: on site in 1 h"),
    mark("domain model 3: hotline informed an hour after the reply's audit"),
    mark("domain model 3: indoor gas fault: on site in 4 h"),
    mark("domain model 3: major complaint: leader informed"),
    mark("domain model 3: missed by day: called back in 2 h (K2)"),
    mark("domain model 3: progress, result or solution in 30 min"),
    mark("domain model 3: repeat complaint: supervisor takes over"),
    mark("domain model 3: reply 30 min after the work is finished"),
    mark("domain model 3: three rings of 5 s (K1)"),
    mark("domain model 3: written reply in media cases in 24 h"),
    mark("domain model 4"),
    mark("domain model 4: connection: 7 to 15 working days, counted as 10 and 21 days"),
    mark("domain model 4: meter dispute: 5 working days, counted as 7 days; CL21: 10, as 14 days"),
    mark("domain model 4: meter dispute: on site within 5 working days, counted as 7 days"),
    mark("domain model 4: no supply: on site 4 h, done 24 h"),
    mark(
        "domain model 5, privacy rule 5: bulk export needs director approval; "
        "judgement: a day to take the file"
    ),
    mark(
        "domain model 5, privacy rule 5: bulk export needs director approval; "
        "judgement: a month of requests of one desk goes at once"
    ),
    mark("domain model 5, privacy rule 6"),
    mark("domain model 5: agents hear their own, 7 days"),
    mark(
        "judgement: a crew's refused work is looked at within the shift, a danger within the hour"
    ),
    mark("judgement: a danger is looked at within a minute, and the next one is called after two"),
    mark("judgement: a person in danger is answered at once, a half-done order within the hour"),
    mark("judgement: like a suspicion, CL21: 10 working days"),
    mark("judgement: three calls of one kind from one place within the hour are one matter"),
    mark("judgement: visits that one crew makes in two hours"),
    mark(
        "judgement: what came from a revoked tablet within the shift, a broken sum within the hour"
    ),
    mark("policy K4: all repairs and complaints, a sample of the rest"),
    mark("policy K7, judgement: a week to appeal against a verdict"),
    mark("policy K7: three failed attempts, never two on one day"),
    mark("policy K8: a proposal that a person approves; rule C-38: 100 yuan a slip, growing"),
    mark(
        "policy K8: a proposal that a person approves; rule C-38: 100 yuan, growing; "
        "twice on a repeat (C-39)"
    ),
    mark("policy K8: a proposal that a person approves; rule C-49: the first missed call"),
    mark("policy K8: a proposal that a person approves; rule C-49: the second missed call"),
    mark("policy K8: a proposal that a person approves; rule C-49: the third and every later one"),
    mark("proposal: a message may name people"),
)
"""The sources of the rows that the migrations bring; a test holds them against a new database."""

_SHIPPED = frozenset({DEFAULT_APPROVER, *SHIPPED_SOURCES})


def shipped_words(text: str, words: Words) -> str:
    """Return a shipped text in the reader's language; any other as it was written."""
    return words.gettext(text) if text in _SHIPPED else text
