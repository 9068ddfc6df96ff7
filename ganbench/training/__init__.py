"""Trains all seeds of a trial at once on a leading seed axis."""
