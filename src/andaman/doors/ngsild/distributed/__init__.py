"""One request, several brokers: forwarding to context sources and merging what they say (CIM 009 §4.3.6)."""
