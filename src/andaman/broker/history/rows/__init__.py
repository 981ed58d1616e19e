"""The form of a row of history: one change of one instance, in columns."""
