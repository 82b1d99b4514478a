# Installed as etc/ipython/startup/50-jupyter-workspace.py; IPython runs it in the user's namespace, so it
# leaves no name there. docs/notebooks.md says what it does, and how to be without it.
__import__("jupyter_workspace.client.startup", fromlist=["begin"]).begin()
