"""Which other context sources there are, and what each of them may be asked (CIM 009 §5.2.9, §5.9, §5.10, §5.12)."""
