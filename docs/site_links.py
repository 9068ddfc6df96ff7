"""For the site, which has its pages alone: links to other files of the repository become plain text."""

import re

OUTSIDE = re.compile(r"\[([^\]]+)\]\((\.\./[^)]+)\)")


def on_page_markdown(markdown: str, **_: object) -> str:
    """Return the page's text with `[README](../README.md)` as `README`."""
    return OUTSIDE.sub(lambda match: match.group(1), markdown)
