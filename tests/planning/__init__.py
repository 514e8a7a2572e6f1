"""Decisions, tried one by one, together with a Google in memory, and against an oracle."""
