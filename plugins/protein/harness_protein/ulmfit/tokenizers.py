"""Sequences as tokens: single residues, overlapping k-mers, SentencePiece subwords.

Every vocabulary begins with the same three tokens: `UNSEEN`, `PAD` and `BEGIN`.
"""

from __future__ import annotations

import io
import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from harness.errors import ConfigError, StoreError
from harness_protein.residues import ALPHABET, UNKNOWN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Tokens = NDArray[np.int32]

Kind = Literal["char", "kmer", "bpe", "unigram"]

UNSEEN, PAD, BEGIN = 0, 1, 2
SPECIAL = 3
"""Tokens that stand for no residues."""
RAREST_KMER = 2
"""A k-mer seen less often than this is no token."""
LONGEST_SENTENCE = 4096
"""Residues of one sentence that SentencePiece learns from; longer sequences are cut into such."""
LONGEST_PIECE = 8
"""Residues of a subword, at most."""
SEED_PIECES = 20
"""Unigram starts from so many candidates for each piece that it is to keep."""
FILE, MODEL = "tokenizer.json", "tokenizer.model"


class Tokenizer(ABC):
    """Turns sequences into token ids.

    Attributes
    ----------
    size : int
        Tokens of the vocabulary, the special ones included.
    """

    kind: ClassVar[Kind]
    size: int

    @abstractmethod
    def encode(self, sequence: str) -> Tokens:
        """Return the tokens of one cleaned sequence, (m,) int32, without `BEGIN`; never empty."""

    @abstractmethod
    def pieces(self, sequence: str) -> list[str]:
        """Return the residues of each token, for people."""

    def encode_all(self, sequences: Iterable[str]) -> list[Tokens]:
        """Return the tokens of each sequence."""
        return [self.encode(sequence) for sequence in sequences]

    def save(self, directory: Path) -> None:
        """Write what `load_tokenizer` reads."""
        (directory / FILE).write_text(json.dumps({"kind": self.kind, **self._facts()}), encoding="utf-8")

    @abstractmethod
    def _facts(self) -> dict[str, Any]: ...


class Residues(Tokenizer):
    """One token for each residue.

    Examples
    --------
    >>> Residues().encode("ACX").tolist()
    [3, 4, 23]
    """

    kind = "char"

    def __init__(self) -> None:
        self.size = SPECIAL + len(ALPHABET) + 1
        self._codes = _byte_codes(ALPHABET + UNKNOWN)

    def encode(self, sequence: str) -> Tokens:
        """Return one token for each residue."""
        return self._codes[np.frombuffer(sequence.encode("ascii"), np.uint8)] + np.int32(SPECIAL)

    def pieces(self, sequence: str) -> list[str]:
        """Return the residues."""
        return list(sequence)

    def _facts(self) -> dict[str, Any]:
        return {}


class Kmers(Tokenizer):
    """Overlapping k-mers, one token for each residue but the last k - 1.

    Parameters
    ----------
    known : sequence of str
        The vocabulary; any other k-mer is `UNSEEN`.

    Examples
    --------
    >>> Kmers(2, ["AC", "CD"]).encode("ACDA").tolist()
    [3, 4, 0]
    """

    kind = "kmer"

    def __init__(self, k: int, known: Sequence[str]) -> None:
        self.k, self.known, self.size = k, list(known), SPECIAL + len(known)
        letters = ALPHABET + UNKNOWN
        self._codes = _byte_codes(letters).astype(np.int64)
        self._powers = len(letters) ** np.arange(k, dtype=np.int64)
        self._table = np.full(len(letters) ** k, UNSEEN, np.int32)
        if known:
            self._table[[int(self._packed(kmer)[0]) for kmer in known]] = np.arange(SPECIAL, self.size, dtype=np.int32)

    @classmethod
    def learn(cls, sequences: Iterable[str], k: int, size: int) -> Kmers:
        """Keep the commonest k-mers, so many that the vocabulary has `size` tokens at most."""
        counts = Counter(sequence[at : at + k] for sequence in sequences for at in range(len(sequence) - k + 1))
        common = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[: max(0, size - SPECIAL)]
        return cls(k, [kmer for kmer, count in common if count >= RAREST_KMER])

    def encode(self, sequence: str) -> Tokens:
        """Return one token for each k-mer; a sequence shorter than k is one unseen token."""
        if len(sequence) < self.k:
            return np.array([UNSEEN], np.int32)
        return self._table[self._packed(sequence)]

    def pieces(self, sequence: str) -> list[str]:
        """Return the k-mers."""
        return [sequence[at : at + self.k] for at in range(max(1, len(sequence) - self.k + 1))]

    def _packed(self, sequence: str) -> NDArray[np.int64]:
        codes = self._codes[np.frombuffer(sequence.encode("ascii"), np.uint8)]
        return np.lib.stride_tricks.sliding_window_view(codes, self.k) @ self._powers

    def _facts(self) -> dict[str, Any]:
        return {"k": self.k, "known": self.known}


class Subwords(Tokenizer):
    """SentencePiece (Kudo & Richardson 2018): byte-pair encoding or a unigram language model over residues."""

    def __init__(self, kind: Literal["bpe", "unigram"], model: bytes) -> None:
        from sentencepiece import SentencePieceProcessor

        self.kind: Literal["bpe", "unigram"] = kind  # type: ignore[misc]
        self.model = model
        self._processor = SentencePieceProcessor(model_proto=model)
        self.size = int(self._processor.get_piece_size())

    @classmethod
    def learn(cls, kind: Literal["bpe", "unigram"], sequences: Iterable[str], size: int, threads: int = 1) -> Subwords:
        """Learn a vocabulary of `size` tokens; of fewer, where the sequences have no more to give.

        Raises
        ------
        ConfigError
            If `size` has no room for the single residues.
        """
        from sentencepiece import SentencePieceTrainer

        least = SPECIAL + len(ALPHABET) + 1
        if size < least:
            raise ConfigError(f"vocabulary = {size}: single residues alone are {least} tokens")
        sentences = [piece for sequence in sequences for piece in _cut(sequence)]
        # every residue belongs to the vocabulary, whatever these sequences hold
        sentences.append(ALPHABET + UNKNOWN)
        written = io.BytesIO()
        most = len({piece[at : at + n] for piece in sentences for n in (1, 2, 3) for at in range(len(piece) - n + 1)})
        SentencePieceTrainer.train(
            sentence_iterator=iter(sentences),
            model_writer=written,
            model_type=kind,
            vocab_size=min(size, most),
            hard_vocab_limit=False,
            normalization_rule_name="identity",
            add_dummy_prefix=False,
            remove_extra_whitespaces=False,
            split_by_unicode_script=False,
            split_by_number=False,
            split_by_whitespace=False,
            character_coverage=1.0,
            max_sentence_length=2 * LONGEST_SENTENCE,
            max_sentencepiece_length=LONGEST_PIECE,
            seed_sentencepiece_size=max(SEED_PIECES * size, 10_000),
            unk_id=UNSEEN,
            pad_id=PAD,
            bos_id=BEGIN,
            eos_id=-1,
            num_threads=threads,
            minloglevel=2,
        )
        return cls(kind, written.getvalue())

    def encode(self, sequence: str) -> Tokens:
        """Return the tokens of the likeliest cut into subwords."""
        return np.asarray(self._processor.encode(sequence, out_type=int), np.int32)

    def encode_all(self, sequences: Iterable[str]) -> list[Tokens]:
        """Return the tokens of each sequence."""
        return [np.asarray(tokens, np.int32) for tokens in self._processor.encode(list(sequences), out_type=int)]

    def pieces(self, sequence: str) -> list[str]:
        """Return the subwords."""
        found: list[str] = self._processor.encode(sequence, out_type=str)
        return found

    def save(self, directory: Path) -> None:
        """Write the SentencePiece model too."""
        super().save(directory)
        (directory / MODEL).write_bytes(self.model)

    def _facts(self) -> dict[str, Any]:
        return {}


def learn_tokenizer(kind: Kind, sequences: Sequence[str], size: int, k: int, threads: int) -> Tokenizer:
    """Learn a tokenizer from sequences.

    Parameters
    ----------
    size : int
        Tokens of the vocabulary, at most; residues have a fixed one.
    k : int
        Residues of a k-mer.
    """
    if kind == "char":
        return Residues()
    if kind == "kmer":
        return Kmers.learn(sequences, k, size)
    return Subwords.learn(kind, sequences, size, threads)


def load_tokenizer(directory: Path) -> Tokenizer:
    """Read what `Tokenizer.save` wrote.

    Raises
    ------
    StoreError
        If it is no tokenizer.
    """
    facts = json.loads((directory / FILE).read_text(encoding="utf-8"))
    match facts.get("kind"):
        case "char":
            return Residues()
        case "kmer":
            return Kmers(int(facts["k"]), [str(kmer) for kmer in facts["known"]])
        case "bpe" | "unigram" as kind:
            return Subwords(kind, (directory / MODEL).read_bytes())
    raise StoreError(f"{directory / FILE} is no tokenizer; train it again")


def _byte_codes(letters: str) -> NDArray[np.int32]:
    codes = np.full(256, len(letters) - 1, np.int32)
    codes[np.frombuffer(letters.encode("ascii"), np.uint8)] = np.arange(len(letters), dtype=np.int32)
    return codes


def _cut(sequence: str) -> list[str]:
    return [sequence[at : at + LONGEST_SENTENCE] for at in range(0, len(sequence), LONGEST_SENTENCE)]
