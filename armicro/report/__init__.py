"""The case as JSON, CSV and HTML."""
