"""The commands of firmware-profiles; each module holds one or a few that belong together.

command, inputs            what a command is, and how it takes profiles and words
listing, difference        list, show, diff
checking, decoding         check, test, decode
redecoding                 redecode
simulating_io              simulate
writing                    new, schema
"""
