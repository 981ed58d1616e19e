"""See the README of the broker room."""
