"""The data source protein.sequences: layouts, roles, corpora, what is told."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness_protein.params import SequencesParams
from harness_protein.residues import ALPHABET, UNKNOWN
from harness_protein.source import load, read_new
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.data import Dataset, TaskType
from harness.errors import ConfigError, DataError
from harness.offers import DataRequest

TRAIN = "ID,Sequence,target\n007,ACDEF,10\n1e5,MKLV,2\nc,GHIK,10\nd,WYYW,2\n"
TEST = "ID,Sequence\nt1,ACDEF\nt2,\n"
DAMAGED = bytearray(gzip.compress(b"".join(b"%d,ACD,%d\n" % (row, row % 7) for row in range(5000))))
DAMAGED[200] ^= 255
SAMPLE = "ID,target_0,target_1\nt1,.5,.5\nt2,.5,.5\n"


def read(path: Path | None, corpora: tuple[Path, ...] = (), skip_bad: bool = False, **params: Any) -> Dataset:
    request = DataRequest(
        "proteins", TaskType.MULTICLASS, "path", path, Path(), Path(), skip_bad=skip_bad, unlabelled=corpora
    )
    return load(SequencesParams(**params), request)


def folder(place: Path, **files: str | bytes) -> Path:
    place.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = place / name.replace("__", ".")
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return place


def test_the_layout_of_zindi(tmp_path: Path) -> None:
    data = read(folder(tmp_path, Train__csv=TRAIN, Test__csv=TEST, SampleSubmission__csv=SAMPLE))
    assert data.train.ids.tolist() == ["007", "1e5", "c", "d"]
    assert data.train.inputs.tolist() == ["ACDEF", "MKLV", "GHIK", "WYYW"]
    assert data.info.classes == ("2", "10")
    assert data.train.targets is not None
    assert data.train.targets.tolist() == [1, 0, 1, 0]
    assert data.train.meta is not None
    assert data.train.meta["length"].tolist() == [5, 4, 4, 4]
    assert data.test is not None
    assert data.test.inputs.tolist() == ["ACDEF", "X"]
    assert data.test.targets is None
    assert data.sample_submission is not None
    assert data.info.extra == {"corpora": [], "test": True}


def test_the_other_layout_of_zindi(tmp_path: Path) -> None:
    text = "ID,sequence,organism,label\na,ACDEF,Homo sapiens,kinase\nb,MKLV,NA,lyase\n"
    data = read(folder(tmp_path, train__csv=text))
    assert data.info.classes == ("kinase", "lyase")
    assert data.train.meta is not None
    assert data.train.meta["organism"].tolist() == ["Homo sapiens", "NA"]
    assert data.test is None


def test_roles_may_be_named(tmp_path: Path) -> None:
    path = folder(tmp_path, train__tsv="who\tresidues\tkind\tclan\na\tACD\tx\t1\nb\tEFG\ty\t1\n")
    data = read(path, id="who", sequence="residues", target="kind", group="clan")
    assert data.train.ids.tolist() == ["a", "b"]
    assert data.info.roles == {"group": "group"}


def test_fasta(tmp_path: Path) -> None:
    fasta = gzip.compress(b">a|x\nACD\nEF\n>b|y\nGHI\n")
    data = read(folder(tmp_path, train__fasta__gz=fasta, test__fasta=">c\nKLM\n"))
    assert data.train.inputs.tolist() == ["ACDEF", "GHI"]
    assert data.info.classes == ("x", "y")
    assert data.test is not None
    assert data.test.ids.tolist() == ["c"]


def test_one_file_alone(tmp_path: Path) -> None:
    data = read(folder(tmp_path, anything__csv=TRAIN) / "anything.csv")
    assert len(data.train) == 4
    assert len(read(tmp_path).train) == 4


def test_the_seed_split_of_pfam(tmp_path: Path) -> None:
    header = "family_id,sequence_name,family_accession,aligned_sequence,sequence\n"
    rows = [
        f"{name},S{name}{at}/1-5,PF{name},A--CDE,ACDE{letter}\n" for name in "12" for at, letter in enumerate("KLM")
    ]
    rare = "3,S3/1-5,PF3,ACD,ACDWW\n"
    for part, content in (("train", rows), ("dev", rows[:2]), ("test", rows[3:])):
        shards = [header + "".join(content), header + rare] if part == "train" else [header + "".join(content)]
        for number, shard in enumerate(shards):
            folder(tmp_path / part, **{f"data-0000{number}-of-00080": shard})
    data = read(tmp_path, families=2)
    assert data.info.classes == ("PF1", "PF2")
    assert len(data.train) == 6
    assert data.valid is not None
    assert data.valid.targets is not None
    assert data.test is not None
    assert data.test.targets is None
    assert len(data.test) == 3
    assert "the 2 largest of 3 classes; rows of others are left out" in data.info.notes


def test_shards_of_other_columns_are_told(tmp_path: Path) -> None:
    folder(tmp_path / "train", a=TRAIN, b="ID,sequence,target\nx,ACD,2\n")
    with pytest.raises(DataError, match=r"b has other columns than a: Sequence, sequence"):
        read(tmp_path)


def test_files_may_be_named(tmp_path: Path) -> None:
    folder(tmp_path, known__csv=TRAIN, hidden__csv=TEST, train__csv="not this one\n1\n")
    data = read(tmp_path, train="known.csv", test="hidden.csv")
    assert (len(data.train), data.test is not None) == (4, True)
    with pytest.raises(DataError, match=r"no 'knwon.csv' for train; did you mean 'known.csv'\?"):
        read(tmp_path, train="knwon.csv")
    with pytest.raises(ConfigError, match="expected a name within the data's folder"):
        read(tmp_path, train="../known.csv")


def test_what_classes_stand_for_is_told(tmp_path: Path) -> None:
    names = 'target,class\n2,lyase\n10,"kinase, any"\n'
    data = read(folder(tmp_path, Train__csv=TRAIN, classes__csv=names))
    assert data.info.notes[0] == "classes: 2 lyase, 10 kinase, any"
    assert data.info.classes == ("2", "10")


def test_organisms_in_the_headers_of_uniprot(tmp_path: Path) -> None:
    text = ">sp|P1|A label=x OS=Homo sapiens OX=9606\nACD\n>sp|P2|B label=y OS=Mus musculus OX=10090\nEFG\n"
    data = read(folder(tmp_path, train__fasta=text))
    assert data.train.meta is not None
    assert data.train.meta["organism"].tolist() == ["Homo sapiens", "Mus musculus"]


def test_a_table_of_uniprot(tmp_path: Path) -> None:
    text = (
        "Entry\tSequence\tEC number\tProtein families\n"
        "P1\tACD\t2.7.11.1\tA\nP2\tEFG\t2.7.10.1; 2.7.10.2\tA\nP3\tHIK\t2.7.11.1; 2.7.10.2\tA\n"
        "P4\tLMN\t\tA\nP5\tPQR\t2.7.-.-\tA\nP6\tSTV\t3.1.1.1\tB\n"
    )
    path = folder(tmp_path, uniprotkb__tsv__gz=gzip.compress(text.encode())) / "uniprotkb.tsv.gz"
    assert read_new(SequencesParams(), path, read(path).info).ids.tolist() == ["P1", "P2", "P3", "P4", "P5", "P6"]
    data = read(path, ec_level=3)
    assert dict(zip(data.train.ids, np.array(data.info.classes)[data.train.targets], strict=True)) == {
        "P1": "2.7.11", "P2": "2.7.10", "P6": "3.1.1",
    }  # fmt: skip
    assert "uniprotkb.tsv.gz: 1 rows of several EC classes left out" in data.info.notes
    assert "uniprotkb.tsv.gz: 2 rows without an EC class left out" in data.info.notes


# -- corpora ----------------------------------------------------------------------------------------------------------


def test_a_corpus_is_every_sequence_of_a_folder_but_the_test_sets_own(tmp_path: Path) -> None:
    data = folder(tmp_path / "data", Train__csv=TRAIN, Test__csv=TEST)
    other = folder(
        tmp_path / "others",
        Train__csv="ID,Sequence,target\na,MMMM,0\nb,ACDEF,1\nc,MMMM,2\n",
        Test__csv="ID,Sequence\nd,PPP\n",
        SampleSubmission__csv=SAMPLE,
        classes__csv="target,class\n0,x\n",
    )
    found = read(data, (other,))
    assert sorted(found.unlabelled["others"].inputs) == ["MMMM", "PPP"]
    assert found.unlabelled["others"].targets is None
    assert "corpus others: 2 sequences; left out: 1 of the test set" in found.info.notes
    assert found.info.extra["corpora"] == ["others"]


def test_a_corpus_changes_the_digest_of_the_corpora_only(tmp_path: Path) -> None:
    data = folder(tmp_path / "data", Train__csv=TRAIN, Test__csv=TEST)
    one = folder(tmp_path, one__fasta=">a\nMMM\n") / "one.fasta"
    plain, with_one = read(data), read(data, (one,))
    one.write_text(">a\nMMMK\n")
    other = read(data, (one,))
    assert plain.digest == with_one.digest == other.digest
    assert len({plain.unlabelled_digest, with_one.unlabelled_digest, other.unlabelled_digest}) == 3


def test_a_corpus_lacks_what_is_predicted_out_of_fold(tmp_path: Path) -> None:
    data = folder(tmp_path / "data", Train__csv=TRAIN, Test__csv=TEST)
    found = read(data, (folder(tmp_path, c__fasta=">a\nmklv\n>b\nPPPB\n>b\nPPPB\n") / "c.fasta",))
    assert found.unlabelled["c"].inputs.tolist() == ["PPPX"]
    assert found.unlabelled["c"].ids.tolist() == ["c:0"]
    assert "corpus c: 2 sequences with residues other than the twenty" in found.info.notes
    assert "corpus c: 1 sequences; left out: 1 of the training set" in found.info.notes
    with pytest.raises(DataError, match="no sequence of the corpus 'd' is left; left out: 1 of the training set"):
        read(data, (folder(tmp_path, d__fasta=">a\nMKLV\n") / "d.fasta",))


def test_a_corpus_may_have_columns_of_its_own_and_needs_no_enzyme_class(tmp_path: Path) -> None:
    data = folder(tmp_path / "data", Train__csv="who,residues,target\na,ACD,0\nb,EFG,1\n")
    corpus = folder(tmp_path, c__tsv="Entry\tSequence\tEC number\nP1\tMMM\t\nP2\tKKK\t1.1.1.1; 2.1.1.1\n") / "c.tsv"
    found = read(data, (corpus,), id="who", sequence="residues")
    assert found.unlabelled["c"].inputs.tolist() == ["MMM", "KKK"]


def test_a_damaged_file_of_a_corpus_is_told(tmp_path: Path) -> None:
    data = folder(tmp_path / "data", Train__csv=TRAIN)
    content = gzip.compress(b">a\nMMM\n" * 99)[:-9]
    corpus = folder(tmp_path / "c", one__fasta=">a\nMMM\n", two__fasta__gz=content)
    with pytest.raises(DataError, match=r"two\.fasta\.gz is damaged or cut short"):
        read(data, (corpus,))
    with pytest.raises(DataError, match="no FASTA, and no table with a column of sequences"):
        read(data, (folder(tmp_path / "e", classes__csv="target,class\n0,x\n"),))


def test_two_corpora_of_one_name_are_refused(tmp_path: Path) -> None:
    data = folder(tmp_path / "data", Train__csv=TRAIN)
    corpora = tuple(folder(tmp_path / name, c__fasta=">a\nMMM\n") / "c.fasta" for name in "xy")
    with pytest.raises(DataError, match="two unlabelled corpora are named 'c'"):
        read(data, corpora)


# -- what is told -----------------------------------------------------------------------------------------------------


def test_doubles_and_contradictions_are_listed(tmp_path: Path) -> None:
    text = "ID,Sequence,target\na,ACD,0\nb,ACD,1\nc,EFG,0\nd,EFG,0\ne,HIK,1\n"
    data = read(folder(tmp_path, Train__csv=text, Test__csv="ID,Sequence\nt,HIK\n"))
    assert data.info.notes == (
        "4 training rows share 2 sequences",
        "1 sequences have several classes: a = b",
        "1 test sequences are training sequences too",
        "classes of fewer rows than 5 folds, which some folds lack: 0 (3), 1 (2)",
    )


@pytest.mark.fault("F-23", "F-30")
@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"Train__csv": "ID,Sequence,target\n"}, "has a header but no rows"),
        ({"Train__csv": ""}, "is empty"),
        ({"Train__csv": "ID,residues,target\na,ACD,0\n"}, "has no column of sequences"),
        ({"Train__csv": "ID,Sequence\na,ACD\n"}, "no column or header says the class"),
        ({"Train__csv": "ID,Sequence,target\na,ACD,\nb,ACD,1\n"}, "1 rows without a class: a"),
        ({"Train__csv": "ID,Sequence,target\na,ACD,0\na,ACE,1\n"}, "a"),
        ({"Train__csv": "ID,Sequence,target\na,,0\nb,ACE,1\n"}, r"without a sequence of residues: a \(empty\)"),
        ({"Train__csv": TRAIN, "train__tsv": TRAIN}, "2 files for train"),
        ({"one__csv": TRAIN, "two__csv": TRAIN}, r"no file named train.\* \(one.csv, two.csv\)"),
        ({}, r"no file named train.\* \(nothing\)"),
        ({"train__fasta": ">a\nACD\n"}, "no column or header says the class"),
        ({"Train__csv": TRAIN.encode("utf-16")}, "cannot be read"),
        ({"Train__csv": "ID,Sequence,target\na,ACD,0,x\nb,ACD,1,y\n"}, "more values than its header has names"),
        ({"Train__csv": "ID,Sequence,target\na,ACD,0\nb,ACD,1,y\n"}, "Expected 3 fields in line 3, saw 4"),
        ({"Train__csv": "ID,Sequence,target\na,ACD,0\nb,ACD\n"}, "1 rows without a class: b"),
        ({"Train__csv": 'ID,Sequence,target\na,ACD,0\nb,"ACD,1\n'}, "EOF inside string"),
        ({"Train__csv": "ID,Sequence,Sequence,target\na,ACD,K,0\n"}, "columns of the same name: Sequence"),
        ({"Train__csv__gz": DAMAGED}, "cannot be read"),
        ({"train__fasta": ">a|x\nACD\n>b|y\nEFG\n>a|x\nKKK\n"}, "train.fasta has 1 duplicate ids: a"),
        ({"Train__csv": 'ID,Sequence,target\n"a\nb",ACD,0\n"a\nb",ACD,1\n'}, r"duplicate ids: a\?b"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_line(files: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(folder(tmp_path, **files))
    assert "\n" not in str(caught.value)


def test_a_role_that_is_not_there_names_the_nearest_column(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no column 'sequense' for sequence; did you mean 'Sequence'"):
        read(folder(tmp_path, Train__csv=TRAIN), sequence="sequense")


def test_bad_rows_are_left_out_on_demand(tmp_path: Path) -> None:
    text = "ID,Sequence,target\na,,0\nb,ACE,1\nc,ACD,0\nd,KKK,\n"
    data = read(folder(tmp_path, Train__csv=text), skip_bad=True)
    assert data.train.ids.tolist() == ["b", "c"]
    assert data.info.notes[:2] == (
        "Train.csv: 1 rows without a class left out: d",
        "Train.csv: 1 row without a sequence of residues left out: a",
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    text=st.text(alphabet="abACDX*-1 ,;\"'\n\r\t\0>|=", max_size=80),
    header=st.sampled_from(["ID,Sequence,target\n", "sequence,label\n", "", ">a|x\nACD\n"]),
    name=st.sampled_from(["Train.csv", "train.fasta", "train.tsv"]),
    skip_bad=st.booleans(),
)
def test_any_file_is_clean_sequences_or_an_error_of_one_line(
    text: str, header: str, name: str, skip_bad: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("any")
    (place / name).write_bytes((header + text).encode())
    data, told = None, ""
    try:
        data = read(place, skip_bad=skip_bad)
    except DataError as error:
        told = str(error)
    assert len(told.splitlines()) == (data is None)
    if data is not None:
        assert all(sequence and set(sequence) <= set(ALPHABET + UNKNOWN) for sequence in data.train.inputs)
        assert data.train.targets is not None
        assert len(data.train.targets) == len(data.train) == len(set(data.train.ids))


def test_a_competition_without_data_asks_for_some() -> None:
    with pytest.raises(DataError, match="ships no data: give a folder, a table or FASTA with --data PATH"):
        read(None)


def test_several_labels_a_row_are_not_read(tmp_path: Path) -> None:
    request = DataRequest("p", TaskType.MULTILABEL, "path", tmp_path, Path(), Path())
    with pytest.raises(DataError, match="one class a row"):
        load(SequencesParams(), request)


def test_new_rows(tmp_path: Path) -> None:
    data = read(folder(tmp_path, Train__csv=TRAIN))
    new = read_new(SequencesParams(), folder(tmp_path, new__fasta=">n\nacd\n>m\n\n") / "new.fasta", data.info)
    assert new.ids.tolist() == ["n", "m"]
    assert new.inputs.tolist() == ["ACD", "X"]
    assert new.targets is None
    place = folder(tmp_path / "later", Train__csv=TRAIN, Test__csv=TEST)
    assert read_new(SequencesParams(), place, data.info).ids.tolist() == ["t1", "t2"]
    with pytest.raises(DataError, match=r"no file named test.\*; expected Test.csv"):
        read_new(SequencesParams(), tmp_path, data.info)


# -- samples ----------------------------------------------------------------------------------------------------------


def test_simulated_families_say_so_and_are_the_same_every_time() -> None:
    one, other = read(None, sample="families", rows=100), read(None, sample="families", rows=100)
    assert one.info.simulated
    assert one.train.inputs.tolist() == other.train.inputs.tolist()
    assert one.test is not None
    assert one.test.targets is None
    assert len(one.test) == 25
    assert len(one.info.classes) == 8
    assert one.train.targets is not None
    assert set(one.train.targets) == set(range(8))
    assert list(one.unlabelled) == ["families"]
    assert one.digest == other.digest
    third = read(None, sample="families", rows=100, sample_seed=1)
    assert third.train.inputs[0] != one.train.inputs[0]
    assert third.digest != one.digest
    assert third.unlabelled_digest != one.unlabelled_digest
    assert len(read(None, sample="families", rows=40, classes=26).train) == 40


def test_simulated_families_are_neither_trivial_nor_hopeless() -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.model_selection import cross_val_score
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline

    data = read(None, sample="families")
    nearest = KNeighborsClassifier(5, metric="cosine")
    words = TfidfVectorizer(analyzer="char", ngram_range=(3, 3), lowercase=False)
    scores = cross_val_score(make_pipeline(words, nearest), list(data.train.inputs), data.train.targets, cv=3)
    assert 0.7 < scores.mean() < 0.97


def test_phage_proteins_ask_for_their_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness_protein.samples.phage.find_spec", lambda _: None)
    with pytest.raises(DataError, match=r"pip install 'competition-harness-protein\[sample\]'"):
        read(None, sample="phage")


def test_phage_proteins_are_real_and_of_three_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With files of the package's form; the package itself is an extra."""
    place = tmp_path / "_data" / "benchmarks"
    rows = {
        "CAPSID": "C1\tACDEF\t1\nC2\tGHIK\t0\nC3\tMMMM\t0\nC4\tYYYY\t1\nC5\tACDEF\t1\n",
        "TAIL": "T1\tGHIK\t1\nT2\tMMMM\t0\nT3\tWWWW\t1\nT4\tYYYY\t1\n",
    }
    header = "entry\tsequence\tlabel\n"
    folder(place, **{f"SEQ_{name}__tsv": header + text for name, text in rows.items()})
    spec = type("Spec", (), {"submodule_search_locations": [str(tmp_path)]})
    monkeypatch.setattr("harness_protein.samples.phage.find_spec", lambda _: spec)
    data = read(None, sample="phage", rows=40)
    assert data.info.classes == ("capsid", "other", "tail")
    assert not data.info.simulated
    assert data.test is not None
    sequences = [*data.train.inputs, *data.test.inputs]
    assert sorted(sequences) == ["ACDEF", "GHIK", "MMMM", "WWWW"]
    assert "1 proteins of both capsid and tail left out" in data.info.notes


def test_real_layouts(real_data: Path) -> None:
    data = read(real_data / "protein" / "kinase_domain_ec8", (real_data / "protein" / "enzyme_ec7",))
    assert data.test is not None
    assert (len(data.train), len(data.test)) == (1270, 424)
    assert data.info.classes == tuple("01234567")
    assert data.sample_submission is not None
    assert len(data.unlabelled["enzyme_ec7"]) > 7000
