"""Figures for papers and notebooks, drawn from a run's tables by matplotlib, which the extra `bench` brings."""
