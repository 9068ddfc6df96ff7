"""Pages for people: one HTML file each, made from tables alone."""
