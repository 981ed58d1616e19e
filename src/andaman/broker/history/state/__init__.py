"""The state as of an instant."""
