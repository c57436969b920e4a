"""Optical density, stain separation, quality and tiling. Pure functions over arrays."""
