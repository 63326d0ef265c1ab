"""A multinomial logistic model of facts about each class, most of whose weights all classes share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PARTS = ("mean", "scale", "shared", "bias", "own")
"""What is learned: scaling of the facts (f,) and (f,), weights (f,), biases (k,), and weights (k * f, k)."""
BIAS_PENALTY = 1e-4


def fit(
    facts: Floats, targets: NDArray[np.int64], weights: Floats, penalties: tuple[float, float], steps: int
) -> dict[str, Floats]:
    r"""Learn ``P(c) ~ exp(b_c + w . x_c + sum_d v_dc . x_d)``, where x_c are the standardised facts about class c.

    Minimises the mean log loss plus :math:`p_1 |w|^2 + p_2 |v|^2`, which is convex; with a large p_2 all classes are
    told from their facts in the same way, so that rare classes learn from frequent ones.

    Parameters
    ----------
    facts : (n, k, f) float64
    targets : (n,) int64
    weights : (n,) float64
    penalties : (p_1, p_2)
    steps : int
        Iterations of L-BFGS at most.

    Returns
    -------
    dict
        `PARTS`.
    """
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits

    n, k, f = facts.shape
    mean, scale = facts.mean(axis=(0, 1)), facts.std(axis=(0, 1))
    scale[scale < 1e-9] = 1
    x = (facts - mean) / scale
    flat = x.reshape(n, k * f)
    shares = weights / weights.sum()
    truth = np.eye(k)[targets]

    def loss(parameters: Floats) -> tuple[float, Floats]:
        shared, bias, own = _parts(parameters, k, f)
        chance = _softmax(x @ shared + bias + flat @ own)
        fine = penalties[0] * shared @ shared + BIAS_PENALTY * bias @ bias + penalties[1] * (own**2).sum()
        value = -shares @ np.log(np.maximum(chance[np.arange(n), targets], 1e-300)) + fine
        slope = (chance - truth) * shares[:, None]
        return float(value), np.concatenate(
            [
                np.einsum("nk,nkf->f", slope, x) + 2 * penalties[0] * shared,
                slope.sum(axis=0) + 2 * BIAS_PENALTY * bias,
                (flat.T @ slope + 2 * penalties[1] * own).ravel(),
            ]
        )

    # threads add up in the order in which they finish
    with threadpool_limits(limits=1):
        found = minimize(loss, np.zeros(f + k + k * f * k), jac=True, method="L-BFGS-B", options={"maxiter": steps})
    return dict(zip(PARTS, (mean, scale, *_parts(found.x, k, f)), strict=True))


def probabilities(facts: Floats, learned: Mapping[str, Floats]) -> Floats:
    """Return the probability of each class, as (n, k) float64; rows sum to 1."""
    x = (facts - learned["mean"]) / learned["scale"]
    return _softmax(x @ learned["shared"] + learned["bias"] + x.reshape(len(x), -1) @ learned["own"])


def _parts(parameters: Floats, k: int, f: int) -> tuple[Floats, Floats, Floats]:
    return parameters[:f], parameters[f : f + k], parameters[f + k :].reshape(k * f, k)


def _softmax(logits: Any) -> Floats:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    chances: Floats = raised / raised.sum(axis=1, keepdims=True)
    return chances
