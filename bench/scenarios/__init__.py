"""One file a scenario: from a `Stage` to `Figure`s. Each starts on topics, state and a database of its own."""
