"""Files are scanned once: what is wrong with them is told, what is unusual is counted, and samples are kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from harness_birdclef.sound.decoded import Decoded
from harness_birdclef.sound.scan import UndecodableError, decode, notes_on, scan

RATE = 32000


def tone(seconds: float, rate: int = RATE, hz: float = 1000.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


@pytest.fixture
def store(tmp_path: Path) -> Decoded:
    return Decoded(tmp_path / "decoded", RATE, 1e9)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "audio"
    root.mkdir()
    soundfile.write(root / "plain.wav", tone(1.0), RATE)
    soundfile.write(root / "stereo.flac", np.stack([tone(1.0), 0 * tone(1.0)], axis=1), RATE)
    soundfile.write(root / "slow.ogg", tone(1.0, 8000, 500), 8000)
    soundfile.write(root / "fast.wav", tone(1.0, 48000), 48000)
    soundfile.write(root / "blink.wav", tone(0.1), RATE)
    (root / "empty.ogg").write_bytes(b"")
    (root / "text.ogg").write_text("this is no sound")
    cut = (root / "plain.wav").read_bytes()[:30]
    (root / "cut.wav").write_bytes(cut)
    soundfile.write(root / "nothing.wav", np.zeros(0, dtype=np.float32), RATE)
    return root


@pytest.mark.fault("F-18")
def test_every_bad_file_is_found_and_every_odd_one_is_read(folder, store):
    names = sorted(path.name for path in folder.iterdir())
    found = scan(folder, [*names, "absent.ogg"], store)
    problems = {name: file.problem for name, file in found.items() if file.problem}
    assert set(problems) == {"absent.ogg", "cut.wav", "empty.ogg", "nothing.wav", "text.ogg"}
    assert problems["empty.ogg"] == "is empty"
    assert problems["nothing.wav"] == "holds no sound"
    assert problems["absent.ogg"].startswith("cannot be read")
    assert problems["text.ogg"].startswith("cannot be decoded")
    lengths = {name: round(file.seconds, 2) for name, file in found.items() if not file.problem}
    assert lengths == {"blink.wav": 0.1, "fast.wav": 1.0, "plain.wav": 1.0, "slow.ogg": 1.0, "stereo.flac": 1.0}
    assert notes_on(found.values(), RATE) == (
        "2 recordings resampled to 32000 Hz, from 8000, 48000 Hz",
        "1 recordings of several channels mixed to one",
        "1 recordings shorter than 0.25 s",
    )


@pytest.mark.fault("F-18")
def test_several_channels_are_averaged(folder):
    samples, rate, channels = decode(folder / "stereo.flac", RATE)
    assert (rate, channels) == (RATE, 2)
    np.testing.assert_allclose(samples, tone(1.0) / 2, atol=1e-4)


@pytest.mark.fault("F-18")
def test_another_rate_keeps_pitch_and_length(folder):
    for name, hz in (("slow.ogg", 500), ("fast.wav", 1000)):
        samples, _, _ = decode(folder / name, RATE)
        assert len(samples) == RATE
        assert np.argmax(np.abs(np.fft.rfft(samples))) == pytest.approx(hz, abs=1)


def test_what_cannot_be_decoded_is_an_error_of_its_own(folder):
    with pytest.raises(UndecodableError, match="cannot be decoded"):
        decode(folder / "text.ogg", RATE)


def test_a_second_scan_reads_no_file_and_a_changed_file_is_read_again(folder, store, monkeypatch):
    first = scan(folder, ["plain.wav", "blink.wav"], store)
    monkeypatch.setattr("harness_birdclef.sound.scan.scan_file", lambda *_: pytest.fail("read again"))
    assert scan(folder, ["plain.wav", "blink.wav"], store) == first
    monkeypatch.undo()
    soundfile.write(folder / "blink.wav", tone(0.4), RATE)
    again = scan(folder, ["plain.wav", "blink.wav"], store)
    assert again["plain.wav"] == first["plain.wav"]
    assert again["blink.wav"].seconds == pytest.approx(0.4)
    assert again["blink.wav"].digest != first["blink.wav"].digest


def test_a_damaged_index_costs_a_scan_only(folder, store):
    first = scan(folder, ["plain.wav"], store)
    (store.folder / "scan.json").write_text("{not json")
    assert scan(folder, ["plain.wav"], store) == first


def test_kept_samples_are_those_of_the_file(folder, store):
    facts = scan(folder, ["plain.wav"], store)["plain.wav"].facts
    (folder / "plain.wav").unlink()
    np.testing.assert_allclose(store.read(facts, folder / "plain.wav", 100, 500), tone(1.0)[100:600], atol=4e-5)


def test_reading_beyond_either_end_gives_zeros(folder, store):
    facts = scan(folder, ["plain.wav"], store)["plain.wav"].facts
    found = store.read(facts, folder / "plain.wav", -50, RATE + 100)
    assert len(found) == RATE + 100
    assert not found[:50].any()
    assert not found[-50:].any()
    assert found[50:-50].any()
    assert not store.read(facts, folder / "plain.wav", 5 * RATE, 10).any()


def test_a_quiet_recording_keeps_its_resolution(tmp_path, store):
    quiet = tone(0.5) * np.float32(1e-4)
    soundfile.write(tmp_path / "quiet.wav", quiet, RATE, subtype="FLOAT")
    facts = scan(tmp_path, ["quiet.wav"], store)["quiet.wav"].facts
    np.testing.assert_allclose(store.read(facts, tmp_path / "quiet.wav", 0, len(quiet)), quiet, atol=1e-8)


def test_what_does_not_fit_the_limit_is_decoded_again(folder, tmp_path):
    small = Decoded(tmp_path / "small", RATE, 2 * RATE * 1.05)  # one second of 16 bits
    found = scan(folder, ["plain.wav", "fast.wav"], small)
    kept = [small.path(file.digest).exists() for file in found.values()]
    assert sorted(kept) == [False, True]
    for name, file in found.items():
        part = small.read(file.facts, folder / name, 1000, 4000)
        expected, _, _ = decode(folder / name, RATE)
        np.testing.assert_allclose(part[200:-200], expected[1200:4800], atol=2e-3)


def test_a_recording_that_is_not_finite_reads_as_zero_there(tmp_path, store):
    bad = tone(0.5)
    bad[10] = np.nan
    soundfile.write(tmp_path / "nan.wav", bad, RATE, subtype="FLOAT")
    facts = scan(tmp_path, ["nan.wav"], store)["nan.wav"].facts
    found = store.read(facts, tmp_path / "nan.wav", 0, 100)
    assert np.isfinite(found).all()
    assert found[10] == 0
