"""What one release wrote, the next one reads; and two releases that work side by side."""
