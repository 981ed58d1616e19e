"""What a row of history is: one change of one instance, in columns."""
