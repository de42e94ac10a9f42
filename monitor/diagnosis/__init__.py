"""`mailuptime doctor`: a live installation looked at from its configuration to its notifications."""
