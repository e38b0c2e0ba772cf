"""What a person types: one module per command, its options, and what comes back.

calls                    the words and exit statuses that commands share
dial_in_io               waits for a DTU where a line is dialled in to
progress_io              how far long work has come, on standard error
run_io, check_io         the gateway itself; whether its settings are right
meter_call               settings for one meter that stands in no file
scan_plan, scan_io       who answers on a line
identify_view, ask_identity_io, identify_io      what a meter says it is
read_view, read_io       one meter read once
raw_words, read_words_io      words as they are
bus_figures, metric_samples, bus_live_io, bus_measure_io, bus_report_io      how full each line is
queue_io                 what waits in the queue
"""
