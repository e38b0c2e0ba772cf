"""The versions of the schema, each a step from the one it names; a released one never changes."""
