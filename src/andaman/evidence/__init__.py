"""See README.md in this room."""
