"""Modules as task authors write them, imported by hosts in tests."""
