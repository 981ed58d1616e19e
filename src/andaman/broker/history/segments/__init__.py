"""Rows in segments of one DuckDB file: loading, sorting, retention."""
