"""Drives a server with the Python SDK of the reference; see TestPythonSDK."""

import contextlib
import importlib
import io
import pathlib
import sys
import types


def load_watch():
    """The SDK's watch needs Python 3.12 for one f-string. On older ones it is loaded with that written differently."""
    try:
        return importlib.import_module("maestro.client.watch")
    except SyntaxError:
        path = next(pathlib.Path(p) / "maestro/client/watch.py" for p in sys.path if (pathlib.Path(p) / "maestro/client/watch.py").exists())
        module = types.ModuleType("maestro.client.watch")
        module.__package__ = "maestro.client"
        exec(compile(path.read_text().replace('strftime("%H:%M:%S")', "strftime('%H:%M:%S')"), str(path), "exec"), module.__dict__)
        return module


# The package's __init__ may import what this Python cannot read, so modules are loaded one by one if it does.
try:
    from maestro import Job, MaestroClient, Workflow
except SyntaxError:
    sys.modules.pop("maestro", None)
    root = next(p for p in sys.path if (pathlib.Path(p) / "maestro/client/client.py").exists())
    for name in ("maestro", "maestro.client", "maestro.dsl"):
        package = types.ModuleType(name)
        package.__path__ = [str(pathlib.Path(root) / name.replace(".", "/"))]
        sys.modules[name] = package
    from maestro.client.client import MaestroClient
    from maestro.dsl.jobs import Job
    from maestro.dsl.workflow import Workflow

    sys.modules["maestro.client"].MaestroClient = MaestroClient
watch = load_watch()


def check(what, got, want):
    if got != want:
        sys.exit(f"{what}: got {got!r}, want {want!r}")


client = MaestroClient(base_url=sys.argv[1], user="tester")

flow = Workflow(id="sdk-wf")
flow.owner("tester").tags("test")
flow.job(Job(id="job1", type="NoOp"))
text = flow.to_yaml()
check("validate", "status" in client.validate_yaml(text), False)
pushed = client.push_yaml(text)
check("push", pushed["workflow_definition"]["workflow"]["id"], "sdk-wf")

slow = client.push_yaml("""
workflow:
  id: sdk-slow
  owner: tester
  run_strategy: parallel
  workflow_concurrency: 10
  jobs:
    - job: {id: wait, type: Sleep, sleep_seconds: 600}
""")
check("push slow", slow["workflow_definition"]["workflow"]["id"], "sdk-slow")

started = client.start("sdk-wf", run_params={"foo": {"value": "bar", "type": "STRING"}})
check("start", (started["workflow_id"], started["workflow_instance_id"], started["status"]), ("sdk-wf", 1, "CREATED"))


def watched(workflow, instance):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        watch.watch_workflow(client, workflow, instance, poll_interval=1)
    return out.getvalue()


out = watched("sdk-wf", 1)
check("watch says the step", "job1 -> SUCCEEDED" in out, True)
check("watch says the end", "is completed with status [SUCCEEDED]" in out, True)
check("watch of nothing", "not found" in watched("sdk-wf", 99), True)

run = client.get_instance("sdk-wf", 1)
check("params", run["params"]["foo"]["evaluated_result"], "bar")
check("aggregated", run["aggregated_info"]["workflow_instance_status"], "SUCCEEDED")
check("run", client.get_instance("sdk-wf", 1, run_id=1)["workflow_run_id"], 1)
check("step", client.get_instance("sdk-wf", 1, step_id="job1")["runtime_state"]["status"], "SUCCEEDED")
check("attempt", client.get_instance("sdk-wf", 1, 1, "job1", 1)["step_attempt_id"], 1)
for enriched in (False, True):
    for version in ("default", "latest", "active", "1"):
        check("get", client.get_workflow("sdk-wf", version, enriched)["metadata"]["workflow_version_id"], 1)
check("get nothing", client.get_workflow("nope")["status"], "NOT_FOUND")

for instance in (1, 2, 3):
    check("start slow", client.start("sdk-slow")["workflow_instance_id"], instance)
check("stop a run", "status_code" in client.stop("sdk-slow", 1), False)
check("stop a step", "status_code" in client.stop("sdk-slow", 2, "wait"), False)
check("stop all", "status_code" in client.stop("sdk-slow"), False)
for instance in (1, 2, 3):
    check("watch stopped", "completed with status [STOPPED]" in watched("sdk-slow", instance), True)

bad = client.push_yaml("workflow:\n  id: bad\n  owner: tester\n  jobs:\n    - job: {id: a, type: Nope}\n")
check("bad type", (bad["status"], "Nope" in bad["message"]), ("BAD_REQUEST", True))
print("all is well")
