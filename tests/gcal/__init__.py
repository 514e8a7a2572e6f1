"""Google Calendar and OAuth: the twin and the client under one contract, and the client on Google's bad days."""
