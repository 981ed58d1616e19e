"""Temporal queries over entities (CIM 009 §5.7.3, §5.7.4)."""
