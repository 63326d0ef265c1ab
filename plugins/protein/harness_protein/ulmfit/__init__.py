"""ULMFiT (Howard & Ruder 2018) on residues: tokenizers, an AWD-LSTM language model, a classifier on its encoder."""
