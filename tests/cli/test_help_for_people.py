"""What a new user types: symptoms, papers' names, bare groups, completion, several mistakes at once, 100 columns."""

import json
import os
import re
import subprocess
import sys

import click
import pytest

from ganbench.analysis.verdict_rules import FAILED, LOW_QUALITY, RULES, UNCLEAR
from ganbench.cli import failures
from ganbench.cli.main import cli, main
from ganbench.core.errors import SeveralErrors
from ganbench.core.registry import PACKAGES, components
from ganbench.suite.schema import read_suite


def printed(capsys, *arguments):
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


def test_every_verdict_can_be_explained(capsys):
    names = {rule.verdict for rule in RULES} | {LOW_QUALITY, UNCLEAR, FAILED}
    assert {verdict.name for verdict in failures.verdicts()} == names
    assert {name for meant in failures.SYMPTOMS.values() for name in meant} < names
    text = printed(capsys, "explain", "total collapse")
    assert "spread < 0.15, more_modes ≥ 0.5" in text and "what to try" in text


@pytest.mark.parametrize("symptom", ["mode collapse", "Mode-Collapse", "mode_collapse"])
def test_a_symptom_is_explained_by_the_verdicts_behind_it(symptom, capsys):
    text = printed(capsys, "explain", symptom)
    assert all(f"{name} (a verdict)" in text for name in ("total collapse", "partial collapse", "mode hopping"))


@pytest.mark.parametrize("words, verdict", [("NaN loss", "diverged"), ("D loss goes to zero", "discriminator wins")])
def test_a_symptom_may_have_more_words(words, verdict, capsys):
    assert f"{verdict} (a verdict)" in printed(capsys, "explain", words)


@pytest.mark.parametrize(
    "name, component",
    [
        ("wgan-gp", "gradient_penalty"),
        ("WGAN GP", "gradient_penalty"),
        ("SN-GAN", "spectral_norm"),
        ("spectral normalisation", "spectral_norm"),
        ("EBGAN", "ebgan"),
        ("FID", "fid"),
        ("Hinge loss", "hinge"),
        ("R1 regularization", "r1"),
        ("truncation trick", "truncation"),
    ],
)
def test_papers_names_are_known(name, component, capsys):
    assert printed(capsys, "explain", name).startswith(component)
    assert component in printed(capsys, "list", name)


@pytest.mark.parametrize("name", ["TTUR", "two time-scale update rule"])
def test_settings_are_known_by_their_papers_names(name, capsys):
    assert printed(capsys, "explain", name).startswith("ttur (a setting")
    assert "ttur" in printed(capsys, "list", name)


@pytest.mark.parametrize("name", ["BigGAN", "StyleGAN", "pixelnorm", "loss of faith"])
def test_nothing_is_proposed_that_only_sounds_alike(name, capsys):
    assert main(["explain", name]) == 2
    assert "did you mean" not in capsys.readouterr().err


def test_the_list_is_json_for_tools(capsys):
    data = json.loads(printed(capsys, "list", "--json"))
    assert sum(len(data[kind]) for kind in data if kind != "verdicts") == sum(len(components(k)) for k in PACKAGES)
    (r1,) = [entry for entry in data["tricks"] if entry["name"] == "r1"]
    assert r1["parameters"][0] == {"name": "gamma", "default": "10.0", "type": "float, ≥ 0"}
    assert [entry["name"] for entry in json.loads(printed(capsys, "list", "loss", "--json"))["losses"]][0] == "began"


@pytest.mark.parametrize("command", [["list"], ["list", "tricks"], ["list", "verdicts"], ["plan", "mode_collapse"]])
def test_hundred_columns_are_enough(command, capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    lines = [line for line in printed(capsys, *command).splitlines() if not line.startswith("skipped")]
    assert max(map(len, lines)) <= 100 or all(" " not in line.strip() for line in lines if len(line) > 100)


@pytest.mark.parametrize("group", ["baseline", "data"])
def test_a_bare_group_prints_its_help(group, capsys):
    text = printed(capsys, group)
    assert text.startswith(f"Usage: ganbench {group} ") and "Examples:" in text


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_asks_this_program(shell, capsys):
    assert f"_GANBENCH_COMPLETE={shell}_complete" in printed(capsys, "completion", shell)


@pytest.mark.parametrize(
    "words, completed",
    [
        ("ganbench ex", "explain"),
        ("ganbench run sm", "smoke"),
        ("ganbench explain wgan", "wgan_gp"),
        ("ganbench list met", "metrics"),
        ("ganbench data get mn", "mnist"),
        ("ganbench run smoke --exec", "--executor"),
    ],
)
def test_tab_completes(words, completed):
    count = len(words.split()) - 1
    environment = {**os.environ, "_GANBENCH_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(count)}
    command = [sys.executable, "-m", "ganbench"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert f"plain,{completed}" in done.stdout.splitlines(), done.stderr


@pytest.mark.parametrize(
    "given",
    [{}, {"COMP_WORDS": "ganbench ex"}, {"COMP_WORDS": "ganbench ex", "COMP_CWORD": "x"}],
    ids=["no words", "no place", "a place that is none"],
)
def test_a_completion_that_goes_wrong_leaves_the_prompt_alone(given, monkeypatch, capfd):
    for name, text in {"_GANBENCH_COMPLETE": "bash_complete", **given}.items():
        monkeypatch.setenv(name, text)
    assert main([]) == 5
    assert capfd.readouterr() == ("", "")


def test_all_mistakes_of_a_suite_are_said_at_once(tmp_path, capsys):
    path = tmp_path / "bad.yaml"
    path.write_text(
        "datasets: [ringg]\n"
        "losses: [hinge, wgann, hinge, other]\n"
        "stepz: 4\n"
        "seeds: -3\n"
        "evaluate: {samples: 1, metric: [modes]}\n"
        "include:\n"
        "  - {batch: many, tricks: [[r1, nothing]]}\n"
    )
    with pytest.raises(SeveralErrors) as caught:
        read_suite(path)
    places = [line.removeprefix(f"{path}:").split(": ")[0] for line in caught.value.lines]
    assert places == ["1:12", "2:17", "2:31", "3:1", "4:8", "5:21", "5:24", "7:13", "7:33"]
    assert main(["plan", str(path)]) == 2
    assert [line.startswith(f"ganbench: {path}:") for line in capsys.readouterr().err.splitlines()] == [True] * 9


def test_one_mistake_is_one_error(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("datasets: [ring]\nstepz: 4\n")
    with pytest.raises(Exception, match="unknown key 'stepz'") as caught:
        read_suite(path)
    assert not isinstance(caught.value, SeveralErrors)


def test_the_estimate_says_what_it_assumes(capsys):
    assert " idle core" in printed(capsys, "plan", "smoke")
    ended_early = printed(capsys, "plan", "smoke", "--set", "stop={collapsed: 0.33}")
    assert re.search("^at most about .* idle core", ended_early, re.M)


def every_command(command: click.Command | None = cli, words=()):
    yield words
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from every_command(command.get_command(context, name), (*words, name))


def test_every_help_fits_100_columns(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    names = list(every_command())
    assert ("data", "get") in names
    for words in names:
        lines = printed(capsys, *words, "--help").splitlines()
        assert max(map(len, lines)) <= 100, words
