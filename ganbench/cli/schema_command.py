"""`ganbench schema`: the JSON Schema of suite files."""

from __future__ import annotations

import json

import click

EPILOG = """\b
Example (completion and checks in editors with a YAML language server):
  ganbench schema > suites/schema.json
  # then begin a suite with:  # yaml-language-server: $schema=schema.json
"""


@click.command("schema", epilog=EPILOG)
def command() -> None:
    """Print the JSON Schema of suite files, with all components and parameters that are installed here."""
    from ganbench.suite.schema import Suite

    schema = Suite.model_json_schema()
    schema["required"] = [key for key in schema.get("required", []) if key != "name"]  # the file's stem is the default
    click.echo(json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2))
