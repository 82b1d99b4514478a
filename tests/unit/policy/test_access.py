import pytest

from jupyter_workspace.policy import access


@pytest.mark.parametrize("method", ["GET", "head", "OPTIONS"])
def test_reading_methods_read(method):
    assert access.action_of(method) == "read"


@pytest.mark.parametrize("method", ["PUT", "POST", "PATCH", "DELETE", "BREW"])
def test_every_other_method_writes(method):
    assert access.action_of(method) == "write"


def test_a_kernels_token_opens_everything_but_admin():
    opened = [resource for resource in access.RESOURCES if access.kernel_may(resource)]

    assert opened == ["sessions", "files", "uploads", "downloads", "events", "links", "runs"]


def test_the_authorizer_sees_the_resource_under_the_products_name():
    assert access.resource_name("files") == "jupyter_workspace:files"


def test_only_the_owner_sees_what_is_owned():
    assert access.is_owner(None, None)
    assert access.is_owner("ann", "ann")
    assert not access.is_owner("ann", "bob")
    assert not access.is_owner(None, "bob")
