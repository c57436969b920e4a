"""Trained networks and the engines that run them, behind `HeatmapModel`."""
