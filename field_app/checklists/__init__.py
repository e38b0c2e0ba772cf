"""The office's forms on this tablet: which there are, what was answered, and the sealed answers.

form_shelf      the published forms as pulled, each compiled once
form_gas        which questions ask for gas
form_dangers    which answers of a form that was not finished say a danger
told_dangers    which hazards of a home were told before they were answered otherwise
form_surroundings_io      the clock, chance and ids that rules may ask for
form_sheet      what a form is filled in for, its answers, what the draft must still take
answers_store   what was sealed for a subject, what anybody has begun
gas_in_forms    how much gas the forms of a subject tell of
earlier_visits  what was begun on a visit that is over is put by, but for dangers
form_desk       opens a form for a record, keeps every answer, seals the answer set

A form is filled in for a subject: an order, a household, a checkpoint. Whoever has one asks

    desk = tablet.forms
    desk.offers("household")                        the forms that are meant for households
    sheet = desk.open(subject, "safety-check")      the draft of the person at work, or a fresh one
    sheet.session.answer("meter", "pass")           computes what depends on it, in memory
    desk.save(sheet)                                keeps it, committed when this returns
    desk.finish(sheet)                              -> the answer set, sealed as one operation

`finish` takes further operations that belong to the same user action, made from the answer set.
The version that was begun with stays with the draft, whatever the office publishes meanwhile.
On a screen `presenters.form.FormPresenter` does all this.
"""
