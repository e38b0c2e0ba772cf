"""The first rules: they look at the stored hours of all meters every quarter of an hour.

None of the three rules knows another. The line through the modules:

    verdicts          what a rule says of each meter
    flows             pure: hourly rows become hourly flows
    night_flow        more flow at the quietest hours than this meter ever needs: leak or burst
    continuous_flow   not one hour of rest in a day or three: a small leak
    silent_meter      no value for too long
    explain           pure: a verdict becomes evidence in words and a chart
    sample_store      the database's rows as columns
    decide            pure: which alerts to raise, to hold and to return
    runner            one look at all meters: load, judge, decide, write
"""
