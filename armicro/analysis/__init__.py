"""Nuclei, membrane and cells. Pure functions over arrays."""
