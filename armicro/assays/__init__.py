"""Recipes that join imaging, analysis and scoring into one assay. Pure."""
