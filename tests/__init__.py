"""Tests, one directory per room; `kafka.py` gives them a broker."""
