"""A hub for two, on loopback: what the tests of this folder run against."""

import os
from pathlib import Path

c = get_config()  # noqa: F821  (the hub's own)

here = Path(os.environ["HUB_TEST_FOLDER"])
port = int(os.environ["HUB_TEST_PORT"])
c.JupyterHub.bind_url = f"http://127.0.0.1:{port}/"
c.JupyterHub.hub_ip = "127.0.0.1"
c.JupyterHub.hub_port = port + 1
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{port + 2}"
c.ConfigurableHTTPProxy.command = [os.environ["HUB_TEST_PROXY"]]
c.ConfigurableHTTPProxy.pid_file = str(here / "proxy.pid")
c.JupyterHub.db_url = "sqlite://"
c.JupyterHub.cookie_secret_file = str(here / "cookie_secret")
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = "for-tests-only"
c.Authenticator.allowed_users = {"ada", "bob"}
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = str(here / "home-{username}")
c.Spawner.args = ["--allow-root", "--ServerApp.jpserver_extensions={'jupyter_workspace': True}"]
c.Spawner.default_url = "/lab"
c.Spawner.environment = {"JUPYTER_PREFER_ENV_PATH": "1"}
c.JupyterHub.load_roles = [{"name": "user", "scopes": ["self", "tokens!user"]}]
