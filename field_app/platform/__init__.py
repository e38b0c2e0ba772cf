"""The ports to what only some tablets have: camera, tag reader, position, vault.

ports      what the app asks of them
desktop    a machine without any of them, which says so
"""
