"""fastai's AWD-LSTM as a language model, and its encoder under a classifier's head."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from harness.neural import learner  # imports fastai without its warnings
from harness_protein.ulmfit.params import UlmfitParams
from harness_protein.ulmfit.tokenizers import PAD

assert learner.Learner is not None

from fastai.text.models.awdlstm import (  # noqa: E402
    AWD_LSTM,
    awd_lstm_clas_config,
    awd_lstm_lm_config,
)
from fastai.text.models.core import PoolingLinearClassifier, get_language_model  # noqa: E402

HEAD = 50
"""Units of the classifier's hidden layer."""
HEAD_DROPOUT = 0.1


def language_model(vocabulary: int, params: UlmfitParams) -> nn.Module:
    """Return an AWD-LSTM with a decoder that shares its embedding: tokens (b, t) -> scores (b, t, vocabulary)."""
    model: nn.Module = get_language_model(AWD_LSTM, vocabulary, _config(awd_lstm_lm_config, params), params.lm_dropout)
    return model


def encoder_state(model: nn.Module) -> dict[str, Tensor]:
    """Return the weights of a language model's encoder."""
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in model[0].state_dict().items()}  # type: ignore[index]


class Classifier(nn.Module):
    """Tokens (b, t), padded at the end, to logits (b, k): encoder, concat pooling (last, max, mean), two layers."""

    def __init__(self, vocabulary: int, classes: int, params: UlmfitParams) -> None:
        super().__init__()
        config = _config(awd_lstm_clas_config, params)
        head_dropout = config.pop("output_p") * params.dropout
        for key in config:
            if key.endswith("_p"):
                config[key] *= params.dropout
        self.encoder = AWD_LSTM(vocabulary, **config)
        sizes = [3 * params.embedding, HEAD, classes]
        # the pooling's own window spans any batch
        self.head = PoolingLinearClassifier(sizes, [head_dropout, HEAD_DROPOUT], bptt=1 << 30)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits and, for fastai's regularization of recurrent networks, the encoder's output twice."""
        self.encoder.reset()
        answer: tuple[Tensor, Tensor, Tensor] = self.head((self.encoder(tokens), tokens == PAD))
        return answer

    def reset(self) -> None:
        """Forget the text before."""
        self.encoder.reset()

    def groups(self) -> list[list[nn.Parameter]]:
        """Return the parameters of the embedding, of each LSTM layer and of the head: what is unfrozen in turn."""
        parts = [self.encoder.encoder, *self.encoder.rnns, self.head]
        return [list(part.parameters()) for part in parts]


def _config(base: Mapping[str, Any], params: UlmfitParams) -> dict[str, Any]:
    dropped = {"tie_weights", "out_bias"} if "tie_weights" not in base else set()
    sizes = {"emb_sz": params.embedding, "n_hid": params.hidden, "n_layers": params.layers, "pad_token": PAD}
    return {key: value for key, value in {**base, **sizes}.items() if key not in dropped}
