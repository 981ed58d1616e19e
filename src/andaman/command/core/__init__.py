"""The base of every part of the command center: records, the numbered timeline, and the reading of bodies."""
