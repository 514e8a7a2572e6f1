"""The projector, notices and the operators' page."""
