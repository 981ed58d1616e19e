"""Rules turn events into alerts."""
