"""What a feature of a run means, in the words of a verdict's evidence."""

from __future__ import annotations

# `{value}` is the feature's; lengths are in units of the data's own spread.
WORDS = {
    "diverged": "losses or samples are not finite",
    "grad_g": "the generator's gradient norm is {value}",
    "grad_d": "the discriminator's gradient norm is {value}",
    "grad_g_growth": "the generator's gradient norm is {value} times the first",
    "grad_d_growth": "the discriminator's gradient norm is {value} times the first",
    "loss_slope": "the generator's loss passes on {value} of the slope of the logits",
    "critic_slope": "the discriminator's slope at generated samples is {value}",
    "overfit_ratio": "logits place held-out samples {value} of the way from trained-on to generated ones",
    "auc_gap": "the discriminator ranks trained-on samples better than held-out ones by {value}",
    "good": "modes (or recall) and quality are kept",
    "quality": "the share of good samples is {value}",
    "more_modes": "the data has several modes",
    "modes_lost": "{value} modes are missing",
    "recall_share": "recall is {value} of that of real samples",
    "advantage": "the discriminator's loss is {value} from that of a blind guess",
    "displacement": "the generator has moved by {value}",
    "move": "samples jump by {value} from one evaluation to the next",
    "net": "samples have travelled {value}",
    "net_path": "samples go straight ahead: net way over path is {value}",
    "spread": "the samples' spread is {value} of the data's",
    "oscillation": "the samples' mean swings by {value}",
}


def sentence(statistic: str, value: float, column: str, limit: float, flag: bool, since: int | None) -> str:
    """Return what was read, from which column, against which limit, since when; a flag needs no limit.

    Example: "the samples' mean swings by 0.745 (position_2, limit 0.12), since step 2050".
    """
    words = WORDS.get(statistic, f"{statistic} is {{value}}").format(value=f"{value:.3g}")
    against = "" if flag else f", limit {limit:g}"
    return f"{words} ({column}{against})" + ("" if since is None else f", since step {since:,}")
