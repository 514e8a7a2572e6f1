"""The product as its users drive it: Kafka, the command, HTTP. Nothing of its code is imported here."""
