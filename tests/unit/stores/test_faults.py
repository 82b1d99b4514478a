"""What the system says, in our words, and no word more."""

from __future__ import annotations

import errno
import os

import pytest

from jupyter_workspace import errors
from jupyter_workspace.stores.faults import translate, translated


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (errno.ENOENT, errors.FileNotFound),
        (errno.ENOTDIR, errors.NotADirectory),
        (errno.EEXIST, errors.NameTaken),
        (errno.ENAMETOOLONG, errors.NameInvalid),
        (errno.ENOSPC, errors.DiskFull),
        (errno.EACCES, errors.Forbidden),
        (errno.EMFILE, errors.Busy),
        (errno.ESTALE, errors.Busy),
        (errno.EIO, errors.Internal),
        (errno.ENOTRECOVERABLE, errors.Internal),
    ],
)
def test_each_fault_has_its_error_and_names_no_path_of_the_server(code, error):
    translation = translate(OSError(code, os.strerror(code), "/srv/secret/place"))

    assert type(translation) is error
    assert "/srv" not in str(translation)


def test_names_that_cannot_be_written_are_invalid():
    with pytest.raises(errors.NameInvalid), translated():
        "\ud800".encode()


def test_our_own_errors_pass_as_they_are():
    error = errors.NotADirectory("here")

    with pytest.raises(errors.NotADirectory) as caught, translated():
        raise error

    assert caught.value is error
    assert translate(error) is error


def test_other_faults_are_not_hidden():
    with pytest.raises(KeyError), translated():
        raise KeyError

    assert isinstance(translate(ValueError()), errors.Internal)
