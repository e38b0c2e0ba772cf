"""A candidate in words, with its cost and its evidence; pure.

The line through the modules:

    wording           the words, in both languages
    effects           what it costs, by the price of a unit
    explain_candidate      a candidate becomes an alert's evidence
"""
