"""One attribute of all entities: newest values, and means by period."""
