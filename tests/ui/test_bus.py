"""The log of a session on Jupyter's event bus, as another extension in the page hears it."""

from __future__ import annotations

# The bus keeps nothing: what happens before the page listens is lost to it.
LISTENS = "window.jupyterapp?.serviceManager.events._socket?.readyState === WebSocket.OPEN"
BEGIN = """() => {
  window.heard = [];
  window.jupyterapp.serviceManager.events.stream.connect((_, event) => window.heard.push(event));
}"""


def test_another_extension_of_the_page_hears_of_each_event_on_jupyters_bus(panel, server):
    # API 5: the bus of JupyterLab, `app.serviceManager.events`
    session = server.session(server.notebook("bus.ipynb"))
    panel.open("bus.ipynb")
    panel.page.wait_for_function(LISTENS)
    panel.page.evaluate(BEGIN)
    records = [server.upload(session, f"{name}.csv", b"1,2\n") for name in ("a", "b", "c")]

    of_session = "window.heard.filter(event => event.session_id === session)"
    panel.page.wait_for_function(f"session => {of_session}.length >= 3", arg=session)
    heard = panel.page.evaluate(f"session => {of_session}", session)

    assert [event["artifact_id"] for event in heard] == [record["artifact_id"] for record in records]
    assert {event["schema_id"] for event in heard} == {"https://events.jupyter-workspace.dev/artifact/v1"}
    assert [(event["sequence"], event["change_type"], event["name"]) for event in heard] == [
        (1, "created", "a.csv"),
        (2, "created", "b.csv"),
        (3, "created", "c.csv"),
    ]
