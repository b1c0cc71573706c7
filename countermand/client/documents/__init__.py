"""What the API answers, as typed dictionaries."""
