"""Planned interruptions: which valves, who is concerned, who was told.

The line through the modules:

    concerned             which sections lose the supply, and which homes hang there
    interruption          the values and the life cycle
    interruption_store    interruptions in the database, with their homes and messages
"""
