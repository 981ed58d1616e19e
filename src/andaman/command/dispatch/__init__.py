"""Units: who can be there first, and who was sent."""
