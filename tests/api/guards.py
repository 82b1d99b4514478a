"""Who may ask and what they may, for servers of these tests: the request itself says it."""

from __future__ import annotations

from jupyter_server.auth import Authorizer, IdentityProvider, User


class ByHeader(IdentityProvider):
    """The header `X-Person` names the user; nobody without it."""

    auth_enabled = True

    def get_user(self, handler):
        name = handler.request.headers.get("X-Person")
        if name:
            handler._token_authenticated = True
            return User(username=name)
        return None

    def should_check_origin(self, handler):
        return False


class Refusing(Authorizer):
    """The header `X-Refuse` names what is refused, as `uploads:write`; `all` is everything of ours.

    What was asked goes back in `X-Asked`.
    """

    def is_authorized(self, handler, user, action, resource):
        refused = handler.request.headers.get("X-Refuse", "")
        handler.set_header("X-Asked", f"{resource}:{action}")
        if not resource.startswith("jupyter_workspace:"):
            return True
        return refused not in {"all", f"{resource.removeprefix('jupyter_workspace:')}:{action}"}
