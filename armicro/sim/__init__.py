"""Tissue with known truth, and recordings of it. Shipped, and labelled as simulated."""
