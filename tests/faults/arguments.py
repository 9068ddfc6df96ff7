"""Wrong arguments of the command line: every command, every argument and option, with values that nobody meant."""

# ruff: noqa: E501 - values stand side by side

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click

from tests.faults.throws import LINES, NOTICED, OUTSIDE, SAME, Throw, command, refusal

KIND = "arguments"
EXPECTED = "exit 2 in one line and nothing is written; or the value is taken as it is"
SECONDS = 30
FEW = 5  # values of an option that another command was thrown at with all
LONGEST = 1500  # characters of a message: a value of 5,000 is not printed back
TRAIN = ("--executor", "local")
# A call of each command that is right; what is thrown replaces one of its arguments or is an option behind it.
CALLS: dict[str, tuple[str, ...]] = {
    "init": ("new.yaml",),
    "run": ("small.yaml", *TRAIN),
    "plan": ("small.yaml",),
    "list": ("losses",),
    "explain": ("hinge",),
    "new": ("trick", "my_trick"),
    "schema": (),
    "baseline list": (),
    "baseline promote": ("two", "--to", "three"),
    "baseline save": ("results/small", "--as", "third"),
    "check": ("results/small", "--baseline", "one"),
    "compare": ("results/small", "results/baselines/two"),
    "watch": ("results/small", "--once"),
    "export": ("results/small", "--figures", "none"),
    "report": ("results/small",),
    "data get": ("nosuch",),
    "data list": (),
    "completion": ("bash",),
}
TRAINS = {"demo": (), "cure": ("small.yaml", *TRAIN, "--seeds", "1"), "verify-verdicts": ("small.yaml", *TRAIN)}
RIGHT = {  # calls that come out of these rules and that nothing is wrong with: they train, as they should
    "demo", "cure --executor local --seeds 1 -- small.yaml", "cure small.yaml --executor local --seeds 1 --address=",
    "cure small.yaml --executor local --seeds 1 --weights=inception=file",
}  # fmt: skip
TEXTS = (
    "", " ", "\0", "a\0b", "\n", "\x1b[31m", "\udcff", "x" * 300, "x" * 5000, "-1", "nan", "inf", "-inf", "1e30", "0", "-0.0",
    "1_000", "0x10", "٣", "１", "hinge\u200b", "ｈｉｎｇｅ", "ｌoss=hinge", "None", "True", "[", "(", "*", "%s", "{}", "{0}", "=", "a=", "=b",
    "a=b=c", "fid=nan", "fid=-1", "fid=1e999", "fid=", "fid=1,2", "fid=٣", "*=1", "*=", "[=1", "loss=", "loss==", "=hinge", "loss=[", ",", ",,",
    "seed=0", "loss=hinge,loss=minimax", "~nosuchuser", "~nosuchuser/x.yaml", "$HOME", ":", "tensorboard:", ":x", "nosuch:x",
    "inception=", "inception=file", "inception=folder", "digits=file", "../../x", "..", "/", "--", "-h", "💥", "con",
)  # fmt: skip
PLACES = (
    "", ".", "..", "/", "/dev/null", "/dev/full", "/dev/zero", "/proc/self/mem", "/proc/self/nowhere/x", "file", "file/below", "folder",
    "fifo", "socket", "loop", "dangling", "to_folder", "nowhere/deep/x", "nowhere/x.yaml", "folder/x.yaml", "fifo.yaml", "folder.yaml",
    "binary.yaml", "empty.yaml", "fifo.py", "folder.py", "empty.py", "binary.py", "x" * 300, "x/" * 2500, "\0", "a\0.yaml", "\udcff",
    "\udcff.yaml", "\n", "~nosuchuser", "~nosuchuser/x", "readonly", "readonly/x", "results", "results/small/parts", "results/baselines",
    "small.yaml", "results/small/progress.json", "s3://bucket/x", "file:///tmp", "-", "@file", "suite.yaml:3",
)  # fmt: skip
SETS = (
    "", "=", "=1", "steps", "steps=", "steps=nan", "steps=1e30", "steps=-1", "steps=0", "steps=[", "steps={", "steps=!!python/name:os.system",
    "steps=&a", "steps=*a", "steps=1\nbatch: 2", "steps=\udcff", "steps=\0", ".=1", "..=1", "steps.=1", ".steps=1", "evaluate..every=1",
    "evaluate.every.x=1", "evaluate=1", "evaluate.nosuch=1", "steps.x=1", "losses.0=hinge", "losses[0]=hinge", "losses=hinge", "losses=",
    "losses=[]", "losses={}", "losses=null", "name=", "name=../x", "name=/tmp/x", "name=.", "name=baselines", "name=\udcff", f"name={'x' * 300}",
    "name=con", "name=a b", "name=null", "seeds=[]", "seeds=[0, 0]", "seeds=-1", "seeds=1e3", "seeds=99999999999999999999", "seeds=true", "٣=1",
    "ｓteps=1", "Steps=1", "steps =1", " steps=1", "steps=１", "steps=٣", "steps=1_0", "steps=0x10", "steps=1e1", "steps='5'", "__class__=1",
    "include=[{}]", "exclude=[{}]", "exclude=[{loss: hinge}, 3]", "search={}", "vary={}", "stop={}", "resources={}", "resources.cpus=0",
    "resources.cpus=1e9", "resources.device=tpu", "resources.timeout=-1s", "resources.timeout=nan", "a" * 5000 + "=1", "a." * 3000 + "b=1",
    "steps=" + "[" * 5000, "steps=" + "9" * 5000, "batch=1.5", "batch=.inf", "log_every=0", "diagnostics=[nosuch]", "evaluate.samples=1",
)  # fmt: skip
NUMBERS = (
    "nan",
    "inf",
    "-inf",
    "-1",
    "1e30",
    "1e999",
    "",
    " ",
    "x",
    "٣x",
    "0x10",
    "1,5",
    "1..2",
    "9" * 5000,
    "\0",
    "\udcff",
    "--",
    "None",
    "1e308",
    "-0.0",
    "1e-320",
    "9223372036854775808",
    "True",
    "1_000",
    "1+2j",
)
WRITTEN_TO = ("--junit-xml=", "--markdown=", "--json=")  # a file that is named so is written over
ANSWERS = (0, 1)  # exit codes of commands that did what was asked for; and 4 of a gate that says why on its output


def throws() -> Iterator[Throw]:
    """Return all throws of this kind."""
    from ganbench.cli.main import cli

    seen = set()
    for name, words in [*_replaced(cli), *_as_a_whole(cli)]:
        if words not in seen and " ".join(words) not in RIGHT:
            seen.add(words)
            told = " ".join(word if len(word) < 40 else f"{word[:8]}…{word[-4:]} {len(word)}" for word in words)
            yield Throw(KIND, f"{name}: {told!r}", EXPECTED, _thrown(words), SECONDS)


def _commands(cli: click.Group) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(cli)
    for name in {**CALLS, **TRAINS}:
        found: click.Command | None = cli
        for word in name.split():
            assert isinstance(found, click.Group)
            found = found.get_command(context, word)
        assert found is not None
        yield name, found


def _replaced(cli: click.Group) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield calls with one argument or option of a wrong value."""
    times: Counter[str] = Counter()  # that an option was thrown at: many commands share them
    for name, one in _commands(cli):
        call = {**CALLS, **TRAINS}[name]
        arguments = [p for p in one.params if isinstance(p, click.Argument)]
        for place, parameter in enumerate(arguments):
            for value in _values(parameter):
                given, options = [*call[: len(arguments)]], call[len(arguments) :]
                given[place:] = [value, *given[place + 1 :]]
                yield name, (*name.split(), *options, "--", *given)
        for parameter in one.params:
            if not isinstance(parameter, click.Option) or parameter.is_flag:
                continue
            times[parameter.opts[0]] += 1
            values = _values(parameter)
            if times[parameter.opts[0]] > 1 and len(values) > FEW:
                values = random.Random(f"{name} {parameter.opts[0]}").sample(values, FEW)
            for value in values:
                if name in TRAINS and not _refused(parameter, value):
                    continue  # it would train for minutes
                yield name, (*name.split(), *call, f"{parameter.opts[0]}={value}")


def _values(parameter: click.Parameter) -> Sequence[str]:
    if parameter.opts == ["--set"]:
        return SETS
    if isinstance(parameter.type, click.Path):
        return PLACES
    if isinstance(parameter.type, (click.Choice, click.types.FloatParamType, click.types.IntParamType)):
        return NUMBERS
    return TEXTS if parameter.opts != ["--address"] else ()  # a cluster that nobody answers at takes its time


def _refused(parameter: click.Parameter, value: str) -> bool:
    """Say whether a value is one that cannot be meant."""
    return not isinstance(parameter.type, click.Path) or value in (
        "file/below",
        "fifo",
        "file",
        "/dev/null",
        "loop",
        "\0",
    )


def _as_a_whole(cli: click.Group) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield calls with options of others, options twice, without a value, or with one too many."""
    every = {opt for _, one in _commands(cli) for p in one.params if isinstance(p, click.Option) for opt in p.opts}
    for name, one in _commands(cli):
        words, call = name.split(), {**CALLS, **TRAINS}[name]
        own = {opt: p for p in one.params if isinstance(p, click.Option) for opt in p.opts}
        for option in random.Random(name).sample(sorted(every - own.keys()), FEW):
            yield name, (*words, *call, option)
        for option, parameter in own.items():
            if parameter.is_flag:
                yield name, (*words, *call, f"{option}=1")
            else:
                yield name, (*words, *call, option)
                yield name, (*words, *call, f"{option}=")
        for more in (
            ("extra", "words", "here"),
            ("--nosuch",),
            ("-x",),
            ("--",),
            ("--help=1",),
            ("--deb",),
            ("\udcff",),
        ):
            if name in TRAINS and more == ("--",):
                continue  # the end of the options, and a right call
            yield name, (*words, *call, *more)
        yield name, tuple(words)
    for first in (
        "",
        " ",
        "\0",
        "\udcff",
        "x" * 5000,
        "RUN",
        "run\u200b",
        "ｒｕｎ",
        "--nosuch",
        "-x",
        "--version=1",
        "run run",
        "--",
        "-",
        "\x1b[31m",
    ):
        yield "ganbench", (first,)


def _thrown(words: tuple[str, ...]) -> Callable[[], str]:
    def run() -> str:
        make_places()
        before = looks()
        said = command(*words)
        if said.code not in ANSWERS and not (said.code == 4 and said.out and not said.err):
            found = refusal(said)
            if found != NOTICED:
                several = said.code == 2 and said.err and all(x.startswith("ganbench: ") for x in said.err.splitlines())
                return NOTICED if several and len(said.err.splitlines()) < 30 else found
            if len(said.err) > LONGEST:
                return f"{LINES}: a line of {len(said.err)} characters"
            after = looks()
            if said.code == 2 and after != before:
                changed = sorted(n for n in before.keys() | after.keys() if before.get(n) != after.get(n))
                return f"{OUTSIDE}: {changed[:5]}"
            return NOTICED
        if "Traceback" in said.err or "Warning" in said.err:
            return f"{LINES}: {said.err.strip()[-200:]}"
        after, named = looks(), {word.partition("=")[2] for word in words if word.startswith(WRITTEN_TO)}
        changed = {name for name in before if before[name] != after.get(name)} - named
        if any(n.startswith(("file", "folder", "outside", "readonly", "small.yaml", "other.yaml")) for n in changed):
            return f"{OUTSIDE}: {sorted(changed)[:5]}"
        return SAME

    return run


def make_places() -> None:
    """Make what paths lead to that are no suites, runs or folders to write to."""
    import socket

    for name in ("file", "empty.yaml", "empty.py"):
        Path(name).touch()
    for name in ("folder", "folder.yaml", "folder.py", "readonly"):
        Path(name).mkdir()
    Path("readonly").chmod(0o500)
    for name in ("fifo", "fifo.yaml", "fifo.py"):
        os.mkfifo(name)
    for name in ("binary.yaml", "binary.py"):
        Path(name).write_bytes(bytes(range(256)))
    socket.socket(socket.AF_UNIX).bind("socket")
    Path("loop").symlink_to("loop")
    Path("dangling").symlink_to("nowhere")
    Path("to_folder").symlink_to("folder")


def looks() -> dict[str, tuple[int, int]]:
    """Return what lies in the working folder, with lengths and times."""
    found = {}
    for root, folders, files in os.walk("."):
        for name in (*folders, *files):
            path = os.path.join(root, name)
            status = os.lstat(path)
            is_folder = os.path.isdir(path)
            found[os.path.relpath(path)] = (0, 0) if is_folder else (status.st_size, status.st_mtime_ns)
    return found
