"""Real host processes: every run is reported exactly once, whatever its handler does."""
