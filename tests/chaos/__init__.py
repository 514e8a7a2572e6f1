"""Seeded histories on a real Kafka, with everything going wrong that can: what stands in the end is never wrong."""
