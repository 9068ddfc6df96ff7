"""Texts of suites: YAML of every odd kind, and values of wrong kinds at every key; read as written, or refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.faults.prepared import SUITE
from tests.faults.throws import INTERNAL, LINES, NOTICED, OTHER, SAME, TRACEBACK, Said, Throw, command

EXPECTED = "read as YAML means it, or refused in lines that name the place"
AS_WRITTEN = "the value that was written, the default where nothing was, or refused in a line"
FILE = "thrown.yaml"


def throws() -> Iterator[Throw]:
    """Return all throws of this kind."""
    for name, (text, meaning) in TEXTS.items():
        yield Throw("odd YAML", f"a suite with {name}", EXPECTED, _thrown(text, meaning))
    for key in KEYS:
        for name, value in VALUES.items():
            full = f"{name} for {'.'.join(key)}"
            yield Throw("values of wrong kinds at every key", full, AS_WRITTEN, _written(key, value))


def refusals(said: Said) -> str:
    """Return what a command that refused a suite is worth: a line for each mistake, and exit code 2."""
    if "Traceback" in said.err:
        return TRACEBACK
    if said.code == 5:
        return f"{INTERNAL}: {said.err.strip()[:200]}"
    lines = said.err.strip().split("\n")
    head = "ganbench: " if len(lines) == 1 else f"ganbench: {FILE}:"  # a mistake of one trial is named by that trial
    good = said.code == 2 and len(lines) <= 20 and all(one.startswith(head) for one in lines)
    return NOTICED if good and len(said.err) < 10_000 else f"{LINES} ({said.code}): {said.err.strip()[:200]}"


def _keys(path: str) -> list[str]:
    from ganbench.suite.plan import make_plan
    from ganbench.suite.schema import read_suite

    return [trial.key for trial in make_plan(read_suite(path)).trials]


def _thrown(text: str | bytes, meaning: str | None) -> Callable[[], str]:
    """Throw a text; None as its meaning expects that it is refused."""

    def run() -> str:
        Path(FILE).write_bytes(text if isinstance(text, bytes) else text.encode())
        said = command("plan", FILE)
        if said.code:
            return refusals(said)
        if meaning is None:
            return f"{OTHER}: accepted"
        Path("meant.yaml").write_text(meaning)
        return SAME if _keys(FILE) == _keys("meant.yaml") else OTHER

    return run


def _line(line: str, meaning: str | None = None) -> tuple[str, str | None]:
    """Return the small suite with one more line, or with one line in the place of that of its key."""
    key = line.split(":")[0]
    kept = "\n".join(one for one in SUITE.strip().split("\n") if not one.startswith(f"{key}:"))
    if meaning is None:
        return f"{kept}\n{line}\n", None
    return f"{kept}\n{line}\n", f"{kept}\n{meaning}\n"


ANCHORS = (
    "losses: &l [hinge]\ntricks: [none]\ndatasets: [ring]\nsteps: 20\ninclude: [{losses: *l, seeds: 3}]\nseeds: 2\n"
)
TEXTS: dict[str, tuple[str | bytes, str | None]] = {
    "anchors and aliases": (ANCHORS, ANCHORS.replace("&l ", "").replace("*l", "[hinge]")),
    "a merge key": ("base: &b {every: 10}\n" + SUITE.replace("{every: 10, samples", "{<<: *b, samples"), None),
    "an alias of itself": _line("losses: &a [*a]"),
    "an alias before its anchor": _line("losses: *later"),
    "an anchor twice": _line("seeds: [&a 1, &a 2, *a]"),
    "a duplicate key in flow style": _line("evaluate: {every: 10, every: 20}"),
    "a duplicate key that is quoted": _line('"steps": 30\n\'steps\': 40'),
    "a duplicate key deep inside": _line("optimizers: [{adam: {lr: 1e-4, lr: 1e-3}}]"),
    "a key that is a list": _line("? [a, b]\n: 3"),
    "a key that is null": _line("~: 3"),
    "a key that is an alias": _line("description: &d steps\n*d : 3"),
    "a key of 100,000 letters": _line("k" * 100_000 + ": 1"),
    "tabs as indentation": ("evaluate:\n\tevery: 10\n" + SUITE, None),
    "a tab behind a value": _line("steps: 20\t", "steps: 20"),
    "a tab before a comment": _line("steps: 20\t# twenty", "steps: 20"),
    "a BOM": (b"\xef\xbb\xbf" + SUITE.encode(), SUITE),
    "a BOM inside": (SUITE.replace("steps", "\ufeffsteps"), None),
    "two BOMs": (b"\xef\xbb\xbf" * 2 + SUITE.encode(), SUITE),
    "UTF-16 with BOM": (SUITE.encode("utf-16"), None),
    "UTF-16 without": (SUITE.encode("utf-16-le"), None),
    "UTF-32": (SUITE.encode("utf-32"), None),
    "Latin-1": (SUITE.encode() + "description: Größe\n".encode("latin-1"), None),
    "line ends of Windows": (SUITE.replace("\n", "\r\n"), SUITE),
    "line ends of old Macs": (SUITE.replace("\n", "\r"), SUITE),
    "next-line characters for line ends": (SUITE.strip().replace("\n", "\x85"), SUITE),
    "line separators": (SUITE.strip().replace("\n", "\u2028"), SUITE),
    "a scalar of 10 MB": _line("description: " + "x" * 10_000_000),
    "a scalar of 200 KB": _line("description: " + "x" * 200_000),
    "200,000 spaces": (SUITE + " " * 200_000, SUITE),
    "100,000 empty lines": (SUITE + "\n" * 100_000, SUITE),
    "a whole number of 5,000 digits": _line("steps: " + "9" * 5000),
    "a seed of 5,000 digits": _line("seeds: [" + "9" * 5000 + "]"),
    "a float of 5,000 digits": _line("optimizers: [{adam: {lr: 0." + "0" * 5000 + "1}}]"),
    "a float beyond the range": _line("optimizers: [{adam: {lr: 1e999}}]"),
    "a float below the range": _line("optimizers: [{adam: {lr: 1e-999}}]"),
    "infinity": _line("optimizers: [{adam: {lr: .inf}}]"),
    "infinity as others write it": _line("optimizers: [{adam: {lr: inf}}]"),
    "a NaN": _line("training: {ema: .nan}"),
    "a NaN as others write it": _line("training: {ema: nan}"),
    "a quoted number": _line("steps: '20'"),
    "a quoted rate": _line("optimizers: [{adam: {lr: '1e-4'}}]"),
    "underscores in a number": _line("steps: 1_000"),
    "commas in a number": _line("steps: 1,000"),
    "an octal number": _line("steps: 0o24"),
    "an old octal number": _line("steps: 024"),
    "a hexadecimal number": _line("steps: 0x14"),
    "a binary number": _line("steps: 0b10100"),
    "a base-60 number": _line("steps: 1:30"),
    "a float that is whole": _line("steps: 20.0"),
    "a rate that begins with a dot": _line("optimizers: [{adam: {lr: .001}}]", "optimizers: [{adam: {lr: 1e-3}}]"),
    "a rate with a plus": _line("optimizers: [{adam: {lr: +1e-3}}]", "optimizers: [{adam: {lr: 0.001}}]"),
    "Arabic digits": _line("steps: ٢٠"),
    "full-width digits": _line("steps: ２０"),
    "a minus of typographers": _line("optimizers: [{adam: {beta1: −0.5}}]"),
    "a date": _line("steps: 2026-11-28"),
    "a time": _line("steps: 2026-11-28T10:00:00Z"),
    "a date as its name": _line("name: 2026-11-28", "name: '2026-11-28'"),
    "a number as its name": _line("name: 12"),
    "a boolean as its name": _line("name: true"),
    "dots as its name": _line("name: .."),
    "a path as its name": _line("name: ../outside"),
    "a NUL in its name": _line('name: "a\\0b"'),
    "a name of a device": _line("name: 'CON '"),
    "a name of 65 letters": _line("name: " + "n" * 65),
    "a name of combining letters": _line("name: cafe\u0301"),
    "no": _line("tricks: [no]"),
    "off": _line("stop: {collapsed: off}"),
    "the tag !!int": _line("steps: !!int 20"),
    "the tag !!str": _line("name: !!str small"),
    "the tag !!binary": _line("description: !!binary aGVsbG8="),
    "the tag !!set": _line("losses: !!set {hinge}"),
    "the tag !!omap": _line("evaluate: !!omap [every: 10]"),
    "the tag !!python/tuple": _line("losses: !!python/tuple [hinge]"),
    "the tag !!python/name": _line("losses: [!!python/name:os.system ]"),
    "the tag !include": _line("include: !include /etc/passwd"),
    "a tag of its own": ("%TAG ! tag:example.com,2000:\n---\n" + SUITE + "x: !y 3\n", None),
    "a directive of another version": ("%YAML 1.2\n---\n" + SUITE, SUITE),
    "a directive of no version": ("%YAML 99.99\n---\n" + SUITE, None),
    "a document's end": (SUITE + "...\n", SUITE),
    "text behind a document's end": (SUITE + "...\nsteps: 30\n", None),
    "two documents": (SUITE + "---\n" + SUITE, None),
    "an empty document before it": ("---\n---\n" + SUITE, None),
    "JSON": ('{"name": "small", "datasets": ["ring"], "steps": 20}', "name: small\ndatasets: [ring]\nsteps: 20\n"),
    "JSON with a slash escaped": ('{"name": "sm\\u0061ll", "datasets": ["ring"]}', "name: small\ndatasets: [ring]\n"),
    "comments alone": ("# nothing\n# here\n", None),
    "a text": ("ring", None),
    "a number": ("3", None),
    "a list": ("[ring]", None),
    "spaces alone": ("   \n  ", None),
    "a NUL": (SUITE.encode() + b"\0", None),
    "an escape character": (SUITE.encode() + b"\x1b[31m", None),
    "a lone surrogate": _line('description: "\\ud800"'),
    "an emoji": _line("description: 🦆 GAN", "description: x"),
    "a right-to-left mark": _line('description: "\u202eGAN"', "description: x"),
    "broken UTF-8": (SUITE.encode() + b"description: \xff\xfe\n", None),
    "an overlong UTF-8 slash": (SUITE.encode() + b"description: \xc0\xaf\n", None),
    "a block scalar": _line("description: |\n  two\n  lines", "description: x"),
    "a folded name": _line("name: >\n  small"),
    "an open bracket": _line("losses: [hinge"),
    "an open quote": _line("description: 'x"),
    "bad indentation": (" name: small\ndatasets: [ring]\n", None),
    "a colon without a space": _line("steps:20"),
    "a percent sign": _line("description: %x"),
    "an at sign": _line("description: @x"),
    "a backtick": _line("description: `x`"),
    "1,000 seeds": _line("seeds: 1000", "seeds: 1000"),
    "1,025 seeds": _line("seeds: 1025"),
    "a seed twice": _line("seeds: [1, 2, 1]"),
    "a seed of 2^31": _line("seeds: [2147483648]"),
    "a loss twice": _line("losses: [hinge, hinge]", "losses: [hinge]"),
    "a trick twice in a cell": _line("tricks: [[r1, r1]]"),
    "none within a cell": _line("tricks: [[none, r1]]"),
    "a cell of nothing": _line("tricks: [[]]", "tricks: [none]"),
    "everything excluded": _line("exclude: [{loss: '*'}]"),
    "an exclusion of nothing": _line("exclude: [{}]"),
    "an exclusion that matches nothing": _line("exclude: [{loss: nope}]"),
    "30 levels": _line("include: " + "[" * 30 + "]" * 30),
    "100,000 brackets": ("[" * 100_000, None),
    "60,000 losses": _line("losses: [" + "hinge," * 40_000 + "]"),
    "a class path": _line("losses: [os.system]"),
    "a class path with colons": _line("losses: ['os:system']"),
    "a template": _line("losses: ['{{ 7 * 7 }}']"),
    "an environment variable": _line("name: $HOME"),
    "a trial that cannot fit": _line("networks: [{mlp: {width: 1000000000}}]"),
    "a kernel that cannot fit": _line("tricks: [{minibatch_discrimination: {kernels: 1000000000}}]"),
    "an unrolled step too many": _line("tricks: [{unrolled: {steps: 1000000000000}}]"),
    "a latent of nothing": _line("networks: [{mlp: {latent: 0}}]"),
    "more updates than steps": _line("log_every: 1000000000", "log_every: 1000000000"),
}  # fmt: skip

NESTED = {
    "evaluate": ("every", "samples", "metrics"),
    "training": ("n_critic", "n_generator", "update", "ema"),
    "stop": ("collapsed",),
    "resources": ("cpus", "timeout", "device", "gpus"),
    "search": ("trials", "sampler", "space", "metric", "seed"),
    "vary": ("settings", "sampler", "space", "seed", "confirm"),
}
PLAIN = ("datasets", "networks", "losses", "tricks", "optimizers", "seeds", "steps", "batch", "log_every", "evaluate",
         "diagnostics", "training", "stop", "vary", "name", "description", "include", "exclude", "search",
         "resources")  # fmt: skip
KEYS = [(key,) for key in PLAIN] + [(key, inner) for key, keys in NESTED.items() for inner in keys]
VALUES: dict[str, Any] = {
    "nothing": None, "true": True, "-1": -1, "zero": 0, "1e300": 1e300, "a half": 0.5, "a text": "x", "no text": "",
    "an empty list": [], "a list in a list": [[]], "an empty mapping": {}, "a strange mapping": {"x": 1},
    "a list of nothing": [None], "a mapping of nothing": {"": None}, "2^53 + 1": 9007199254740993,
    "a NumPy number": "np.int64(3)", "a tensor": "tensor(3)", "a list of numbers": [1, 2.5],
    "10 levels": [[[[[[[[[[]]]]]]]]]],
}  # fmt: skip


def _written(key: tuple[str, ...], value: object) -> Callable[[], str]:
    """Put a value at a key; where it is accepted, the suite has it there, or the default where nothing was said."""

    def run() -> str:
        from ganbench.suite.schema import read_suite

        data: dict[str, Any] = yaml.safe_load(SUITE)
        inner = data if len(key) == 1 else data.setdefault(key[0], {})
        inner[key[-1]] = value
        Path(FILE).write_text(yaml.safe_dump(data))
        said = command("plan", FILE)
        if said.code:
            return refusals(said)
        resolved: Any = read_suite(FILE).resolved()
        for name in key:
            resolved = resolved.get(name) if isinstance(resolved, dict) else None
        if resolved == value and isinstance(resolved, bool) == isinstance(value, bool):
            return SAME
        if value is None or value in ({}, [], "", [[]]):  # an empty cell of tricks is that of none
            del inner[key[-1]]
            Path("without.yaml").write_text(yaml.safe_dump(data | {"name": "small"}))
            return SAME if _keys(FILE) == _keys("without.yaml") else f"{OTHER}: {resolved!r}"
        return f"{OTHER}: {resolved!r}"

    return run
