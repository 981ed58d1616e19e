"""Who lives where, and how long they drive to a hospital or a fire station."""
