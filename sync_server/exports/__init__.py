"""What leaves the house as a file: bulk with approval, and everything held on one person.

The line through the modules:

    export_request        what is asked for, and the states it goes through
    export_store          held back, asked with a reason, approved for a day
    person_sections       which columns of which tables are about a person
    person_copy_store     everything that is held on one customer or colleague
    commands_io           `sync-server export-person`
"""
