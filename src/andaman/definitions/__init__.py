"""What a city defines for itself: see README.md."""
