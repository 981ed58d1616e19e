"""Approval by a second person: see README.md."""
