"""For the site: links to files of the repository that are no pages become their paths, as the site has no such files."""

import re

OUTSIDE = re.compile(r"\[([^\]]+)\]\((\.\./[^)]+)\)")


def on_page_markdown(markdown: str, **_: object) -> str:
    """Return the page's text with `[README](../README.md)` as `README`."""
    return OUTSIDE.sub(lambda match: match.group(1), markdown)
