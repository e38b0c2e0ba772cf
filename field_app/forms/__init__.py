"""What the crew is asked, and what is still missing.

numbers    a typed number, decimal comma accepted
finding    the finding form: result, cause, measured values, note
"""
