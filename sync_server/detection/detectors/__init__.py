"""The detectors, each a pure function of columns; none knows another.

The line through the modules:

    pulses            advances that are all round: a wrong pulse value
    signature         use that the weather does not explain: valve, leak, bypass
    steps             use that fell from one day to the next to a share of what it was
    rises             use that rose from one day to the next and stayed: leak, open valve
    balance           power, flow and temperatures that contradict each other: drift, scale, valve
    cooling           return or supply temperature that load and weather do not explain
    floor             flow that never stops, at hours when it always did
    burst             flow far beyond everything before
    standstill        a register that stands for longer than it ever did
    draws             single draws of a home that all became smaller: past the meter
    district          an inflow, or a station less its children, that rose and stays
"""
