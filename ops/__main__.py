"""`python -m ops`, for a checkout where the command is not installed."""

from ops.main import main

main()
