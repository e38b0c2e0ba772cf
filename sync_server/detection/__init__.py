"""Detection: what was read becomes findings; pure and columnar, the same live and over history.

The line through the modules:

    columns           many meters as arrays: the only thing a detector sees
    verdicts          what a detector says of each meter
    flows             pure: hourly rows become hourly flows
    detectors         one module per rule
    feedback          pure: what crews found moves a meter's threshold, inside bounds
    explain           pure: a verdict becomes evidence in words and a chart
    sample_store      the database's rows as columns
    decide            pure: which alerts to raise, to hold and to return
    runner            one look at all meters: load, judge, decide, write
"""
