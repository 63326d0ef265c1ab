"""Columns of free text: TF-IDF as scikit-learn computes it, topics as its SVD, saved and read back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from harness_imbalance.features import TextParams
from harness_imbalance.table import TableParams, load, read_new
from harness_imbalance.text import TextTransformer
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from harness.data import TaskType
from harness.errors import DataError
from harness.offers import DataRequest

STORIES = ["red fox runs", "red fox sleeps", "a blue bird sings", "the blue bird runs", "", "red bird"]


def transformer(**params: Any) -> TextTransformer:
    return TextTransformer(TextParams(**params), TaskType.BINARY, seed=1)


def table(stories: list[str] = STORIES) -> pd.DataFrame:
    return pd.DataFrame({"story": pd.Series(stories, dtype=object), "x": np.arange(len(stories), dtype=float)})


def test_words_are_weighted_as_scikit_learn_does():
    out = transformer(ngrams=1).fit_transform(table(), None)
    peer = TfidfVectorizer(min_df=2, sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")
    expected = peer.fit_transform(STORIES).toarray()
    assert list(out.columns) == ["x", *(f"story: {word}" for word in peer.get_feature_names_out())]
    np.testing.assert_allclose(out.iloc[:, 1:], expected)
    x = np.arange(6.0)
    np.testing.assert_allclose(out["x"], (x - x.mean()) / x.std())


def test_the_commonest_words_are_kept():
    out = transformer(ngrams=1, words=2).fit_transform(table(), None)
    assert list(out.columns) == ["x", "story: bird", "story: red"]  # three rows each; blue, fox, runs two


def test_topics_are_those_of_an_svd_of_the_training_rows():
    made = transformer(ngrams=1, topics=2)
    out = made.fit_transform(table(), None)
    words = transformer(ngrams=1).fit_transform(table(), None).iloc[:, 1:]
    peer = TruncatedSVD(2, algorithm="arpack", random_state=0).fit_transform(words.to_numpy())
    np.testing.assert_allclose(np.abs(out.iloc[:, 1:]), np.abs(peer), atol=1e-8)


@pytest.mark.parametrize("topics", [0, 2])
def test_other_rows_are_transformed_alike_after_a_round_trip(tmp_path, topics):
    made, again = transformer(topics=topics), transformer(topics=topics)
    made.fit_transform(table(), None)
    new = table(["unknown words", "red fox red fox", ""])
    expected = made.transform(new)
    made.save(tmp_path)
    again.load(tmp_path)
    pd.testing.assert_frame_equal(again.transform(new), expected)
    assert (expected.iloc[[0, 2], 1:] == 0).all(axis=None)


def test_a_text_without_a_common_word_gives_no_column():
    made = transformer()
    assert list(made.fit_transform(table(["a", "b", "c"]), None).columns) == ["x"]
    assert list(made.transform(table(["a"])).columns) == ["x"]


def test_what_is_no_table_is_told():
    with pytest.raises(DataError, match="works on tables, found list"):
        transformer().fit_transform(["a"], None)


def test_the_source_keeps_texts_groups_and_times_as_declared(tmp_path):
    lines = [f"{n},word {n} NA,{n // 2},{2020 + n},{n % 2}\n" for n in range(6)]
    (tmp_path / "train.csv").write_text("id,story,who,when,y\n" + "".join(lines))
    params = TableParams("y", id="id", text=("story",), group="who", time="when")
    dataset = load(params, DataRequest("toy", TaskType.BINARY, "path", tmp_path, tmp_path, tmp_path))
    assert dataset.info.roles == {"group": "who", "time": "when"}
    assert [(column.name, column.kind) for column in dataset.info.columns] == [("story", "text")]
    assert dataset.train.inputs["story"].tolist()[0] == "word 0 NA"
    assert dataset.train.meta is not None
    assert dataset.train.meta["who"].tolist() == [0, 0, 1, 1, 2, 2]
    (tmp_path / "new.csv").write_text("id,story,who,when\na,,9,2030\n")
    assert read_new(params, tmp_path / "new.csv", dataset.info).inputs["story"].tolist() == [""]
    with pytest.raises(DataError, match=r"no column 'stori' \(text\); did you mean 'story'"):
        load(
            TableParams("y", text=("stori",)),
            DataRequest("toy", TaskType.BINARY, "path", tmp_path, tmp_path, tmp_path),
        )


def test_parameters_that_came_later_change_no_digest_of_older_competitions(tmp_path):
    (tmp_path / "train.csv").write_text("a,y\n1,0\n2,1\n")
    request = DataRequest("toy", TaskType.BINARY, "path", tmp_path, tmp_path, tmp_path)
    # computed before there were texts, groups and times
    expected = "67cb5078f7f2bb77a005e1161bc795206ac35ba52a1d6226d0248503e2a44b28"
    assert load(TableParams("y"), request).digest == expected
