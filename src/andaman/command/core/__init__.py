"""What every part of the command center stands on: records, the numbered timeline, and the reading of bodies."""
