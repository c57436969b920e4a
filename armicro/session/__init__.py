"""The live and the commit lane, and the sessions that drive them. No Qt."""
