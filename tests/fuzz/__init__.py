"""Spoiled input, in bulk."""
