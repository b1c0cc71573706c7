"""Each backend runs all of it."""
