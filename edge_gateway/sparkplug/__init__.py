"""A second, optional output: the same queue as Sparkplug B for a SCADA host.

payload                  the protocol buffer as bytes
node                     births, aliases, sequence numbers, deaths: what is said when
"""
