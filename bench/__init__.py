"""Figures beside their peers and limits."""
