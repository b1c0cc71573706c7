"""The guardian and its keepers, on real process trees."""
