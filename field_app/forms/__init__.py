"""What the crew is asked, and what is still missing.

numbers    a typed number, decimal comma accepted; what a gas detector shows
names      typed names that mean the same thing
finding    the finding form: result, cause, measured values, note
"""
