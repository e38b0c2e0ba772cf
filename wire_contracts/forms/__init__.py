"""Forms that the office writes: what travels to the tablet, and what an expression in it means.

Both sides read forms with this room: the server to check and to preview them, the tablet to fill
them in. The line through the modules:

    trees           the expression tree and its JSON
    model           a form: questions, choices, texts, rules, and its JSON
    publication     a form as tablets hold it, and which version is begun anew
    answer_sets     a filled-in form as the content of a `form_answerset` fact
    values          numbers, texts, truth and dates as XPath 1.0 and ODK see them
    elements        the answers as a tree that paths lead through
    date_functions, functions      what an expression may call
    evaluation      an expression tree -> a function of the answers
    references      which questions an expression looks at, and in which order to compute
    session         one form being filled in: after an answer only what depends on it is computed
    items           what a person is shown of a form being filled in
"""
