"""The road network, and what the loss of one link costs."""
