"""Data files and weights that several kinds of components share: where they lie and how they are read."""
