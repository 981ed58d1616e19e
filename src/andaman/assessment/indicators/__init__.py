"""Indicators as data: formula, inputs, target and peers become a value or the reason why there is none."""
