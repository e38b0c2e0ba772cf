"""Trials: the real ingest and detection over files and history, without touching what is live.

The line through the modules:

    trial_errors      what is wrong with a file, and where
    reading_lines     pure: one line of readings becomes a frame's content
    csv_rows_io       rows, numbers and times of CSV files
    site_files_io     traits of meters and prices from CSV files
    meter_files_io    meters, stations and weather from CSV files
    reading_file_io   a file of readings, lot by lot, from any line on
    alert_lines       pure: an alert becomes a line of the scoring format
    replay_io         readings in arrival order through ingest, detection and alerts
    backtest          pure: found, lost and raised in vain, beside what was live
    backtest_io       the rules over stored readings
    cases_io          labelled alerts as benchmark cases
    commands_io       the commands
"""
