"""Cell categories added up and judged by a guideline. Pure."""
