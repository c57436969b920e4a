"""A result and its geometry drawn as RGBA. Pure."""
