"""Incidents: their legal steps, and what follows from them."""
