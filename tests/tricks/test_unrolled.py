"""Unrolling against finite differences of the very thing it differentiates, one seed in float64."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch.func import functional_call

from tests.engine import PackedNoise, PackedStep, TrialSetup, gan_step
from tests.helpers.oracles import TrickOracle
from tests.helpers.present import present
from tests.helpers.trials import small_trial

SEED, DONE = 3, 4  # some steps beforehand, so that Adam has moments


def at_work(optimizer, steps, loss="non_saturating", done=DONE):
    axes = {"optimizer": optimizer, "network": ("mlp", {"width": 8, "latent": 3}), "loss": (loss, {})}
    trial = small_trial(("unrolled", {"steps": steps}), **axes)
    setup, noise = TrialSetup(trial, torch.device("cpu")), PackedNoise((SEED,), torch.device("cpu"))
    d, g = setup.players((SEED,))
    for step in range(1, done + 1):
        gan_step(setup, d, g, noise, step)
    return setup, d, g, noise


def net(player, slope):
    """Return an ordinary float64 network with the weights of the only seed."""
    layers, tensors = [], [p.detach()[0].double() for p in player.params.values()]
    for weight, bias in zip(tensors[::2], tensors[1::2], strict=True):
        linear = torch.nn.Linear(*weight.shape, dtype=torch.float64)
        linear.weight.data, linear.bias.data = weight.T.contiguous(), bias.flatten().clone()
        layers += [linear, torch.nn.LeakyReLU(slope)]
    return torch.nn.Sequential(*layers[:-1])


def optimiser(player, network, name):
    """Return torch's own optimiser with the engine's moments."""
    params = list(network.parameters())
    options = player.optimizer.param_groups[0]
    if name == "sgd":
        ours = torch.optim.SGD(params, options["lr"], options["momentum"])
    else:
        ours = torch.optim.Adam(params, options["lr"], options["betas"], options["eps"])
    for moment in ("exp_avg", "exp_avg_sq", "momentum_buffer"):
        kept = player.optimizer.state[player.flat].get(moment)
        for param, view in zip(params, player.views(kept).values() if kept is not None else (), strict=False):
            as_stored = view[0].double().T.contiguous() if param.dim() == 2 else view[0].double().flatten()
            ours.state[param][moment] = as_stored
            ours.state[param]["step"] = torch.tensor(float(DONE))
    return ours


# The games as papers write them, of D's answers to real samples and to fakes: what D minimises, and what G minimises at
# D_K. Metz et al. 2016, eq. 7 and 10: both players have the one f, its real term included; D ascends it, G descends it.
# Goodfellow et al. 2014, eq. 1; Arjovsky et al. 2017, eq. 2; the last has no value function that both share.
def value(r, f):
    return F.logsigmoid(r).mean() + F.logsigmoid(-f).mean()


GAMES = {
    "minimax": (lambda r, f: -value(r, f), value),
    "wasserstein": (lambda r, f: f.mean() - r.mean(), lambda r, f: r.mean() - f.mean()),
    "non_saturating": (lambda r, f: -value(r, f), lambda r, f: -F.logsigmoid(f).mean()),
}


@pytest.mark.parametrize("game", GAMES)
@pytest.mark.parametrize("name", ["adam", "sgd"])
@pytest.mark.parametrize("steps", [1, 3])
def test_the_gradient_is_that_of_the_game_after_the_updates(name, steps, game):
    """Central differences through torch's own optimiser, which makes the K updates one after the other in float64."""
    momentum = {"momentum": 0.5} if name == "sgd" else {}
    setup, d, g, noise = at_work((name, {"lr": 0.02} | momentum), steps, game)
    saved = noise.state_dict()
    batch = PackedStep(setup, d, g, noise, 0.0, False).minibatch()
    noise.load_state_dict(saved)
    z, real = batch.z[0].double(), present(batch.real)[0].double()
    generator = net(g, 0.0)
    on_d, on_g = GAMES[game]

    def loss(params):
        fake = functional_call(generator, params, (z,)).detach()
        view = net(d, 0.2)
        inner = optimiser(d, view, name)
        for _ in range(steps):
            inner.zero_grad()
            on_d(view(real), view(fake)).backward()
            inner.step()
        return on_g(view(real), view(fake)).item()

    start = {n: p.detach().clone() for n, p in generator.named_parameters()}
    torch.manual_seed(0)
    direction = {n: torch.randn_like(p) for n, p in start.items()}
    h = 1e-6
    ahead, behind = (loss({n: p + s * h * direction[n] for n, p in start.items()}) for s in (1, -1))
    step = gan_step(setup, d, g, noise, DONE + 1)
    found = step.g.views(step.g.gradient)
    ours = sum(
        (direction[n].T if direction[n].dim() == 2 else direction[n]).flatten() @ v[0].double().flatten()
        for n, v in zip(start, found.values(), strict=True)
    )
    assert float(ours) == pytest.approx((ahead - behind) / (2 * h), rel=2e-3, abs=1e-6)


def as_written(player, network, moment):
    """Return a moment of the engine's optimiser by the names of torch's network; zero before the first step."""
    kept = player.optimizer.state.get(player.flat, {}).get(moment)
    shapes = dict(network.named_parameters())
    if kept is None:
        return {name: torch.zeros_like(p) for name, p in shapes.items()}
    views = (view[0].double() for view in player.views(kept).values())
    return {n: v.T if shapes[n].dim() == 2 else v.flatten() for n, v in zip(shapes, views, strict=True)}


def unrolled_by_hand(d, g, batch, steps, game, done):
    """Return the generator's gradient of Metz et al. 2016, eq. 7 and 9, in float64: by autograd through K updates."""
    z, real = batch.z[0].double(), present(batch.real)[0].double()
    generator, critic, options = net(g, 0.0), net(d, 0.2), d.optimizer.param_groups[0]
    on_d, on_g = GAMES[game]
    of_g: dict[str, torch.Tensor] = dict(generator.named_parameters())
    of_d: dict[str, torch.Tensor] = dict(critic.named_parameters())
    first, second = as_written(d, critic, "exp_avg"), as_written(d, critic, "exp_avg_sq")
    speed = as_written(d, critic, "momentum_buffer")
    fake = functional_call(generator, of_g, (z,))

    def answers():
        return (functional_call(critic, of_d, (x,)) for x in (real, fake))

    for t in range(done + 1, done + steps + 1):
        slopes = torch.autograd.grad(on_d(*answers()), list(of_d.values()), create_graph=True)
        for (name, weights), slope in zip(list(of_d.items()), slopes, strict=True):
            if "betas" in options:  # Kingma & Ba 2015, algorithm 1
                b1, b2 = options["betas"]
                first[name] = b1 * first[name] + (1 - b1) * slope
                second[name] = b2 * second[name] + (1 - b2) * slope**2
                root = (second[name] / (1 - b2**t) + 1e-40).sqrt()  # at 0 the root has no slope
                speed[name] = first[name] / (1 - b1**t) / (root + options["eps"])
            else:
                speed[name] = options["momentum"] * speed[name] + slope
            of_d[name] = weights - options["lr"] * speed[name]
    slopes = torch.autograd.grad(on_g(*answers()), list(of_g.values()))
    return torch.cat([(slope.T if slope.dim() == 2 else slope).flatten() for slope in slopes])


@pytest.mark.parametrize("game", ["minimax", "non_saturating"])
@pytest.mark.parametrize("optimizer", [("adam", {"lr": 0.02}), ("sgd", {"lr": 0.02, "momentum": 0.5})])
@pytest.mark.parametrize("steps", [1, 5])
@pytest.mark.parametrize("done", [0, DONE])
def test_the_whole_gradient_is_that_of_the_paper_from_the_first_step_on(game, optimizer, steps, done):
    """Relative to its norm; one direction, as above, would hide what is orthogonal to it."""
    setup, d, g, noise = at_work(optimizer, steps, game, done)
    look = PackedNoise((SEED,), torch.device("cpu"))  # a stream that no step has opened yet is in no saved state
    look.load_state_dict(noise.state_dict())
    batch = PackedStep(setup, d, g, look, 0.0, False).minibatch()
    paper = unrolled_by_hand(d, g, batch, steps, game, done)
    step = gan_step(setup, d, g, noise, done + 1)
    ours = torch.cat([v[0].double().flatten() for v in step.g.views(step.g.gradient).values()])
    assert float((ours - paper).norm() / paper.norm()) < 1e-5


def test_the_foreseen_updates_have_the_rate_of_their_step():
    """With a falling rate the first foreseen update is the one that the discriminator then makes."""
    trial = small_trial(("unrolled", {"steps": 1}), optimizer=("sgd", {"lr": 0.1, "lr_final": 0.01}), seeds=(SEED,))
    setup, noise = TrialSetup(trial, torch.device("cpu")), PackedNoise((SEED,), torch.device("cpu"))
    d, g = setup.players((SEED,))
    seen, loss = [], PackedStep.generator_loss

    def watched(self, params, *args, **options):
        seen.append(params)
        return loss(self, params, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PackedStep, "generator_loss", watched)
        for step in (1, trial.steps):
            gan_step(setup, d, g, noise, step)
            for name, there in seen[-1].items():
                torch.testing.assert_close(d.params[name], there, rtol=1e-5, atol=1e-6)


def test_the_discriminator_makes_the_first_of_the_updates():
    """At one unrolled step D moves to exactly where the generator was told that it would."""
    setup, d, g, noise = at_work(("adam", {}), 1)
    plain, saved = PackedStep(setup, d, g, noise, 0.0, False), noise.state_dict()
    losses = plain.discriminator_loss(d.params, g.params, plain.minibatch())
    gradient = plain.make_update(d, losses, torch.autograd.grad(losses.loss.sum(), list(d.params.values()))).gradient
    noise.load_state_dict(saved)
    done = gan_step(setup, d, g, noise, DONE + 1)
    torch.testing.assert_close(done.d.gradient, gradient, rtol=1e-5, atol=1e-8)
    assert math.isfinite(float(done.g.loss))


def foreseen(v, t, player, plain):
    """D's own loss; G's loss at the weights where torch's Adam takes D in the next updates on this minibatch."""
    if player == "D":
        return plain(v.moved(player="D"))
    d = v.d.detach().clone().requires_grad_()
    inner = torch.optim.Adam([d], lr=1e-3, betas=(0.5, 0.999))
    inner.state[d] = {name: (m if name == "step" else m[v.seed]).clone() for name, m in v.moments.items()}
    for _ in range(t.steps):
        d.grad = torch.autograd.grad(plain(v.moved(player="D", d=d)), d)[0]
        inner.step()
    return plain(v.moved(player="G", d=d.detach()))


ORACLES = (
    TrickOracle(
        "unrolled",
        parameters={"steps": 3},
        alone=foreseen,
        # poolio/unrolled_gan
        defaults={"steps": 5},
    ),
)
