"""Who may see and do what on this tablet: log-in by PIN, personal data on lease, withdrawal.

log_in           who works now and under which log-in; locking
personal_data    who is to be met at an order: kept as ciphertext while the lease lasts
damage_reports   what the office hears of a damaged file
small_files_io   what is said of a full disk where a small file is written
withdrawal       what happens when the office withdraws the tablet: nothing unsent is lost
"""
