"""The tablet's one SQLite file: what the server said, what the crew said, and nothing lost."""
