"""The portal in a real browser: Debian's Chromium, Google's stand-in with its consent page, real Kafka, real processes."""
