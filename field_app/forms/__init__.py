"""What the crew is asked, and what is still missing.

numbers    a typed number, decimal comma accepted; what a gas detector shows
finding    the finding form: result, cause, measured values, note
"""
