"""The portal over HTTP."""
