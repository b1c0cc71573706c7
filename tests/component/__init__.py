"""Races, forced by gates, on the embedded log."""
