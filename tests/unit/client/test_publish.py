import base64
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from jupyter_workspace.client.publish import write_object

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def figure():
    made = Figure()
    made.subplots().plot([1, 2])
    return made


def written(value, tmp_path, name):
    path = tmp_path / name
    write_object(value, path)
    return path


@pytest.mark.parametrize("value", [b"\x00\xff", bytearray(b"\x00\xff"), memoryview(b"\x00\xff")])
def test_bytes_are_written_as_they_are_under_any_name(tmp_path, value):
    assert written(value, tmp_path, "a.bin").read_bytes() == b"\x00\xff"


def test_text_keeps_its_line_ends(tmp_path):
    assert written("é\r\n\n", tmp_path, "a").read_bytes() == "é\r\n\n".encode()


@pytest.mark.parametrize("value", [{"a": [1]}, [1, 2], 3, 0.5, None, True])
def test_plain_values_become_json(tmp_path, value):
    assert json.loads(written(value, tmp_path, "a.json").read_text()) == value


def test_json_may_hold_arrays_and_numbers_of_numpy(tmp_path):
    path = written({"w": np.array([1.5]), "n": np.int64(3)}, tmp_path, "a.json")

    assert json.loads(path.read_text()) == {"w": [1.5], "n": 3}


def test_what_json_cannot_hold_leaves_no_file(tmp_path):
    with pytest.raises(TypeError, match="no form in JSON"):
        written({"a": object()}, tmp_path, "a.json")

    assert list(tmp_path.iterdir()) == []


def test_a_dict_under_another_ending_is_told_the_right_one(tmp_path):
    with pytest.raises(TypeError, match=r"ending that works is \.json"):
        written({}, tmp_path, "a.csv")


def test_a_path_is_told_to_be_registered(tmp_path):
    with pytest.raises(TypeError, match=r"register\(path\)"):
        written(Path("a.png"), tmp_path, "b.png")


@pytest.mark.parametrize(
    ("name", "start"), [("a.png", PNG), ("a.svg", b"<?xml"), ("a.pdf", b"%PDF"), ("A.PNG", PNG)]
)
def test_a_figure_is_saved_in_the_form_of_its_ending(tmp_path, figure, name, start):
    assert written(figure, tmp_path, name).read_bytes().startswith(start)


def test_axes_are_saved_with_their_figure(tmp_path, figure):
    assert written(figure.axes[0], tmp_path, "a.png").read_bytes().startswith(PNG)


def test_an_ending_that_the_library_does_not_know_says_which_it_does(tmp_path, figure):
    with pytest.raises(TypeError, match=r"cannot be written as '\.xyz'.*png"):
        written(figure, tmp_path, "a.xyz")


def test_a_figure_without_an_ending_is_refused(tmp_path, figure):
    with pytest.raises(TypeError, match="without an ending"):
        written(figure, tmp_path, "a")


def test_a_frame_is_written_without_a_counted_index(tmp_path):
    assert written(pd.DataFrame({"a": [1, 2]}), tmp_path, "a.csv").read_text() == "a\n1\n2\n"


def test_a_frame_keeps_an_index_that_says_something(tmp_path):
    frame = pd.DataFrame({"a": [1]}, index=pd.Index(["x"], name="k"))

    assert written(frame, tmp_path, "a.tsv").read_text() == "k\ta\nx\t1\n"


def test_a_frame_becomes_records_in_json_and_a_table_in_html(tmp_path):
    frame = pd.DataFrame({"a": [1]})

    assert json.loads(written(frame, tmp_path, "a.json").read_text()) == [{"a": 1}]
    assert "<table" in written(frame, tmp_path, "a.html").read_text()


def test_a_series_is_a_frame_of_one_column(tmp_path):
    assert written(pd.Series([1], name="a"), tmp_path, "a.csv").read_text() == "a\n1\n"


def test_a_missing_engine_is_named(tmp_path, monkeypatch):
    def refuse(self, path, **options):
        raise ImportError("pyarrow is missing")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", refuse)

    with pytest.raises(ImportError, match=r"\.parquet needs a library that this kernel lacks: pyarrow"):
        written(pd.DataFrame({"a": [1]}), tmp_path, "a.parquet")


def test_a_frame_under_another_ending_is_told_what_works(tmp_path):
    with pytest.raises(TypeError, match=r"\.csv, \.tsv, \.json, \.parquet"):
        written(pd.DataFrame(), tmp_path, "a.npz")


def test_a_polars_frame_is_recognised_by_its_class(tmp_path):
    class DataFrame:
        __module__ = "polars.dataframe.frame"

        def write_csv(self, path, separator=","):
            path.write_text(separator)

    assert written(DataFrame(), tmp_path, "a.tsv").read_text() == "\t"
    with pytest.raises(TypeError, match=r"\.ndjson"):
        written(DataFrame(), tmp_path, "a.html")


def test_arrays_are_written_by_numpy(tmp_path):
    array = np.arange(6).reshape(2, 3)

    assert np.array_equal(np.load(written(array, tmp_path, "a.npy")), array)
    assert np.array_equal(np.load(written(array, tmp_path, "a.npz"))["arr_0"], array)
    assert np.array_equal(np.loadtxt(written(array, tmp_path, "a.csv"), delimiter=","), array)
    assert np.array_equal(np.loadtxt(written(array, tmp_path, "a.txt")), array)


def test_an_array_is_not_pickled(tmp_path):
    with pytest.raises(TypeError, match="cannot be written"):
        written(np.array([object()]), tmp_path, "a.npy")


def test_an_array_under_another_ending_is_told_what_works(tmp_path):
    with pytest.raises(TypeError, match=r"\.npy, \.npz"):
        written(np.zeros(1), tmp_path, "a.png")


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.bmp"])
def test_an_image_is_saved_in_the_form_of_its_ending(tmp_path, name):
    path = written(Image.new("RGB", (2, 2)), tmp_path, name)

    assert Image.open(io.BytesIO(path.read_bytes())).size == (2, 2)


def test_an_image_under_an_unknown_ending_is_refused(tmp_path):
    with pytest.raises(TypeError, match="cannot be written"):
        written(Image.new("RGB", (2, 2)), tmp_path, "a.nothing")


class Shown:
    def _repr_svg_(self):
        return "<svg/>"

    def _repr_png_(self):
        return PNG, {"width": 1}

    def _repr_json_(self):
        return {"a": 1}

    def _repr_html_(self):
        return "<b>é</b>"


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.svg", b"<svg/>"), ("a.png", PNG), ("a.json", b'{\n  "a": 1\n}'), ("a.html", "<b>é</b>".encode())],
)
def test_what_displays_itself_is_written_as_it_shows(tmp_path, name, content):
    assert written(Shown(), tmp_path, name).read_bytes() == content


class Bundled:
    def _repr_mimebundle_(self):
        return {"image/jpeg": base64.b64encode(b"jpeg").decode(), "text/markdown": "# é"}, {}


def test_a_bundle_is_searched_for_the_form_of_the_ending(tmp_path):
    assert written(Bundled(), tmp_path, "a.jpg").read_bytes() == b"jpeg"
    assert written(Bundled(), tmp_path, "a.md").read_text(encoding="utf-8") == "# é"


def test_a_bundle_without_that_form_is_refused(tmp_path):
    with pytest.raises(TypeError, match="displays or saves itself"):
        written(Bundled(), tmp_path, "a.png")


class Chart:
    def write_html(self, path):
        Path(path).write_text("chart")


def test_what_saves_itself_is_asked_to(tmp_path):
    class Model:
        def save(self, path):
            Path(path).write_text("model")

    assert written(Model(), tmp_path, "a.keras").read_text() == "model"
    assert written(Chart(), tmp_path, "a.html").read_text() == "chart"


def test_a_method_for_one_ending_is_not_used_for_another(tmp_path):
    with pytest.raises(TypeError):
        written(Chart(), tmp_path, "a.png")


@pytest.mark.parametrize("value", [object(), Shown, Chart])
def test_what_cannot_be_written_is_refused_with_what_works(tmp_path, value):
    with pytest.raises(TypeError, match="cannot be written"):
        written(value, tmp_path, "a.png")
