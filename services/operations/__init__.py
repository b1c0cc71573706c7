"""The few operations that every way in is made of: the native API, the dialects, whatever comes.

Functions of a `Scope`. They append, read verdicts and read models, and answer with values; they
know nothing of HTTP.
"""
