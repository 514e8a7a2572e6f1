"""The portal, on the real parts."""
