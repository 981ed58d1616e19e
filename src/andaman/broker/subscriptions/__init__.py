"""Subscriptions and their notifications: see README.md."""
