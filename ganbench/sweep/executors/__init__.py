"""Who trains the trials of a plan: this process, or Ray Tune."""
