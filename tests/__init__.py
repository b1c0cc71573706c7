"""One folder per kind of test."""
