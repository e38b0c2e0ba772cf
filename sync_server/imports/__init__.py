"""Imports: a file is looked at, row by row, before any of it is taken.

The line through the modules:

    preview           what a file would change, and what is wrong with which row
    take_store        looks at a file and takes it, in one transaction
    draft_store       files that were looked at and wait for a yes
"""
