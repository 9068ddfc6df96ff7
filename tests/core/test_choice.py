"""A choice builds its component once, and another process builds its own."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import ClassVar

import pytest

from ganbench.core import naming, registry
from ganbench.core.trial import Choice
from ganbench.losses import Loss
from ganbench.losses.hinge import Hinge
from ganbench.tricks import Trick
from tests.helpers.trials import choose, small_trial


def test_a_choice_builds_its_component_once():
    choice = choose("trick", "r1", gamma=0.5)
    assert choice.build() is choice.build()
    assert choice == choose("trick", "r1", gamma=0.5)


def test_a_pickle_holds_no_component():
    choice = choose("trick", "r1", gamma=0.5)
    choice.build()
    again = pickle.loads(pickle.dumps(choice))
    assert again == choice and "_built" not in vars(again)


def test_a_class_that_is_registered_again_is_built(monkeypatch):
    def defined(value: int) -> type[Trick]:
        @dataclass(frozen=True)
        class Again(Trick):
            name = "again"
            value: ClassVar[int]

            def before_step(self, context) -> None:
                """Do nothing."""

        Again.value = value
        return Again

    monkeypatch.setitem(registry._all_components()["trick"], "again", registry.register(defined(1)))
    choice = Choice.of(defined(1)())
    assert vars(type(choice.build()))["value"] == 1
    registry.register(defined(2))
    assert vars(type(choice.build()))["value"] == 2


@pytest.mark.parametrize("kind", ["loss", Loss])
def test_a_kind_is_named_or_given(kind):
    assert registry.find(kind, "hinge") is Hinge
    assert registry.components(kind)["hinge"] is Hinge
    assert registry.build(kind, "hinge") == Hinge()


def test_a_trial_is_named_by_its_key_and_labels():
    trial = small_trial(("r1", {}))
    assert trial.id == trial.key[:12] and naming.run_name(trial.id, 3) == f"{trial.key[:12]}-3"
    assert trial.name.startswith("ring · mlp") and "default" not in trial.name


def test_names_without_what_all_share():
    assert naming.without_common_parts(["ring · hinge", "ring · r1"]) == {"ring · hinge": "hinge", "ring · r1": "r1"}
    assert naming.without_common_parts(["ring · hinge"]) == {"ring · hinge": "ring · hinge"}
    assert naming.bare_names(["r1(gamma=2)", "r2", "r2(gamma=1)"]) == {
        "r1(gamma=2)": "r1",
        "r2": "r2",
        "r2(gamma=1)": "r2(gamma=1)",
    }


def test_short_names_leave_out_what_a_data_set_shares():
    labels = [small_trial().labels, small_trial(("r1", {})).labels]
    shared = {key: labels[0][key] for key in ("loss", "optimizer")}
    assert list(naming.short_names(dict(zip("ab", labels, strict=True))).values()) == [
        f"{shared['loss']} · {one['tricks']}" for one in labels
    ]


def test_components_of_one_name_say_only_what_tells_them_apart():
    optimizers = ["adam(lr=0.1, betas=(0.5, 0.9))", "adam(lr=0.2, betas=(0.5, 0.9))", "sgd(lr=0.1)"]
    assert list(naming.told_apart(optimizers).values()) == ["adam(lr=0.1)", "adam(lr=0.2)", "sgd(lr=0.1)"]
    tricks = ["r1(gamma=1.0, every=2)+packing(m=2)", "r1(gamma=2.0, every=2)", "none"]
    assert list(naming.told_apart(tricks).values()) == ["r1(gamma=1.0)+packing(m=2)", "r1(gamma=2.0)", "none"]
    assert naming.bare_names(optimizers)["sgd(lr=0.1)"] == "sgd"
    names = [f"ring · {optimizer} · default" for optimizer in optimizers]
    assert list(naming.without_common_parts(names).values()) == ["adam(lr=0.1)", "adam(lr=0.2)", "sgd(lr=0.1)"]
    labels = [{**small_trial().labels, "optimizer": text} for text in optimizers]
    short = naming.short_names(dict(zip("abc", labels, strict=True)))
    assert [name.rpartition(" · ")[2] for name in short.values()] == ["adam(lr=0.1)", "adam(lr=0.2)", "sgd(lr=0.1)"]


@pytest.mark.parametrize(
    "texts",
    [
        ["a(x=1, y=2)", "a(y=2, x=1)"],  # nothing would be left of either
        ["a(x=1", "a(x=1, y=2"],
        ["a(p=it's, q=1)", "a(p=it's, q=2)"],
        ["a(p=(, q=1)", "a(p=(, q=2)"],
    ],
)
def test_different_components_never_get_one_name(texts):
    assert len(set(naming.told_apart(texts).values())) == len(texts)
