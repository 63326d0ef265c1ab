"""Sequences as tokens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from harness_protein.residues import ALPHABET, UNKNOWN
from harness_protein.ulmfit.tokenizers import (
    SPECIAL,
    UNSEEN,
    Kind,
    Kmers,
    Residues,
    Subwords,
    Tokenizer,
    learn_tokenizer,
    load_tokenizer,
)

from harness.errors import ConfigError, StoreError

KINDS: tuple[Kind, ...] = ("char", "kmer", "bpe", "unigram")


@pytest.fixture(scope="module")
def sequences() -> list[str]:
    rng = np.random.default_rng(0)
    motifs = ["".join(rng.choice(list(ALPHABET), 6)) for _ in range(20)]
    return ["".join(rng.choice(motifs, 12)) for _ in range(80)]


@pytest.fixture(params=KINDS)
def tokenizer(request: pytest.FixtureRequest, sequences: list[str]) -> Tokenizer:
    return learn_tokenizer(request.param, sequences, 120, 3, 1)


def test_tokens_are_of_the_vocabulary_and_spell_the_sequence(tokenizer: Tokenizer, sequences: list[str]) -> None:
    for sequence in sequences[:10]:
        tokens = tokenizer.encode(sequence)
        assert tokens.dtype == np.int32
        assert tokens.min() >= 0
        assert tokens.max() < tokenizer.size
        pieces = tokenizer.pieces(sequence)
        assert len(pieces) == len(tokens)
        if not isinstance(tokenizer, Kmers):
            assert "".join(pieces) == sequence


def test_all_at_once_are_the_same_as_one_by_one(tokenizer: Tokenizer, sequences: list[str]) -> None:
    for one, other in zip(tokenizer.encode_all(sequences), map(tokenizer.encode, sequences), strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_was_saved_encodes_the_same(tokenizer: Tokenizer, sequences: list[str], tmp_path: Path) -> None:
    tokenizer.save(tmp_path)
    loaded = load_tokenizer(tmp_path)
    assert loaded.size == tokenizer.size
    np.testing.assert_array_equal(loaded.encode(sequences[0]), tokenizer.encode(sequences[0]))


def test_learning_twice_gives_the_same_vocabulary(sequences: list[str], tokenizer: Tokenizer) -> None:
    again = learn_tokenizer(tokenizer.kind, sequences, 120, 3, 1)
    assert again.size == tokenizer.size
    assert [again.pieces(sequence) for sequence in sequences] == [tokenizer.pieces(s) for s in sequences]


@pytest.mark.parametrize("kind", ["char", "bpe", "unigram"])
def test_every_residue_is_a_token_even_if_never_seen(kind: Kind) -> None:
    few = learn_tokenizer(kind, ["ACDACDACD", "ACDAC"], 60, 3, 1)
    assert UNSEEN not in few.encode(ALPHABET + UNKNOWN)


@pytest.mark.parametrize("sequence", ["A", "X", "ACD" * 15_000])
def test_odd_lengths_have_tokens(tokenizer: Tokenizer, sequence: str) -> None:
    assert len(tokenizer.encode(sequence)) >= 1


def test_longer_than_a_sentence_is_learned_from(sequences: list[str]) -> None:
    assert Subwords.learn("bpe", ["".join(sequences) * 4], 100).size == 100


def test_subwords_are_longer_the_larger_the_vocabulary(sequences: list[str]) -> None:
    small, large = Subwords.learn("bpe", sequences, 40), Subwords.learn("bpe", sequences, 120)
    assert len(large.encode(sequences[0])) < len(small.encode(sequences[0])) < len(sequences[0])


def test_a_vocabulary_without_room_for_the_residues_is_refused(sequences: list[str]) -> None:
    with pytest.raises(ConfigError, match="vocabulary = 20: single residues alone are 24 tokens"):
        Subwords.learn("bpe", sequences, 20)


def test_fewer_sequences_than_the_vocabulary_wants_give_a_smaller_one() -> None:
    assert SPECIAL + 21 <= Subwords.learn("unigram", ["ACDEFGHIKL"] * 5, 5000).size < 5000


def test_kmers_of_one_occurrence_are_unseen() -> None:
    kmers = Kmers.learn(["AAAC", "AAAD"], 3, 100)
    assert kmers.known == ["AAA"]
    assert kmers.encode("AAAC").tolist() == [SPECIAL, UNSEEN]


def test_residues_are_told_apart() -> None:
    assert len(set(Residues().encode(ALPHABET + UNKNOWN).tolist())) == len(ALPHABET) + 1


def test_another_file_is_no_tokenizer(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text('{"kind": "words"}')
    with pytest.raises(StoreError, match="is no tokenizer"):
        load_tokenizer(tmp_path)
