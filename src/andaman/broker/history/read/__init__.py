"""Rows of entities read back: series, their ends, texts, corrections."""
