"""Claims tasks, has them run, stops them, and says on the log how it knows that they stopped."""
