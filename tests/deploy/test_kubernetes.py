"""The manifests: after Kubernetes's schemas, without a secret, and with what must be in them.

``kubectl`` builds the overlay where there is one; else the base's own files are read.
"""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any, Final

import kubernetes_validate
import pytest
import yaml

from tasks.queues import QUEUES, orders_of
from tests.deploy.conftest import ROOT
from worker.providers import REGISTRY
from worker.settings import PREFIX, Settings
from worker.streams.roles import ROLES

BASE: Final = ROOT / "deploy/kubernetes/base"
EXAMPLE: Final = ROOT / "deploy/kubernetes/overlays/example"
VERSIONS: Final = ("1.30", "1.37")

Manifest = dict[str, Any]


@pytest.fixture(scope="module")
def manifests() -> list[Manifest]:
    named = yaml.safe_load((BASE / "kustomization.yaml").read_text())["resources"]
    return [each for name in named for each in yaml.safe_load_all((BASE / name).read_text())]


def of_kind(manifests: list[Manifest], kind: str) -> dict[str, Manifest]:
    return {each["metadata"]["name"]: each for each in manifests if each["kind"] == kind}


def pods(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    for kind in ("Deployment", "Job"):
        for name, each in of_kind(manifests, kind).items():
            yield name, each["spec"]["template"]["spec"]


@pytest.mark.parametrize("version", VERSIONS)
def test_each_is_after_its_schema(manifests: list[Manifest], version: str) -> None:
    for each in manifests:
        kubernetes_validate.validate(each, version, strict=True)


def test_the_overlay_can_be_built_and_is_after_the_schemas() -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("there is no kubectl on PATH")
    ran = subprocess.run(  # noqa: S603 -- what is on PATH
        [kubectl, "kustomize", str(EXAMPLE)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    built = list(yaml.safe_load_all(ran.stdout))
    for each in built:
        kubernetes_validate.validate(each, VERSIONS[-1], strict=True)
    assert "image: registry.example/orderline:0.1.0" in ran.stdout
    assert "worker-threekit" not in of_kind(built, "HorizontalPodAutoscaler")


def test_what_the_overlay_names_is_in_the_base(manifests: list[Manifest]) -> None:
    """What kustomize would refuse or pass over in silence, seen without it."""
    overlay = yaml.safe_load((EXAMPLE / "kustomization.yaml").read_text())
    base = yaml.safe_load((BASE / "kustomization.yaml").read_text())
    assert [(EXAMPLE / each).resolve() for each in overlay["resources"]] == [BASE]
    assert overlay["namespace"] == base["namespace"]
    images = {pod["containers"][0]["image"] for _, pod in pods(manifests)}
    assert {each["name"] for each in overlay["images"]} == images
    made = {each["name"] for each in base["configMapGenerator"]}
    for each in overlay["configMapGenerator"]:
        assert (each["behavior"], each["name"] in made) == ("merge", True), each["name"]
    deployments = of_kind(manifests, "Deployment")
    for each in overlay["replicas"]:
        assert each["name"] in deployments, each["name"]
    for patch in overlay["patches"]:
        kind, name = patch["target"]["kind"], patch["target"]["name"]
        assert can_be_patched(of_kind(manifests, kind)[name], yaml.safe_load(patch["patch"])), name


def can_be_patched(manifest: Manifest, patch: Manifest | list[Manifest]) -> bool:
    """Whether what a patch replaces is there; one that deletes must name what it deletes."""
    if isinstance(patch, dict):
        named = ("apiVersion", "kind")
        same = [patch[each] for each in named] == [manifest[each] for each in named]
        return same and patch["metadata"]["name"] == manifest["metadata"]["name"]
    return all(each["op"] == "replace" and stands_in(manifest, each["path"]) for each in patch)


def stands_in(manifest: Any, path: str) -> bool:
    """Whether there is something at a JSON pointer."""
    for part in path.split("/")[1:]:
        if not isinstance(manifest, dict) or part not in manifest:
            return False
        manifest = manifest[part]
    return True


def test_the_settings_that_are_named_exist() -> None:
    for folder in (BASE, EXAMPLE):
        found = yaml.safe_load((folder / "kustomization.yaml").read_text())
        for each in found["configMapGenerator"]:
            for literal in each["literals"]:
                name = literal.partition("=")[0].removeprefix(PREFIX).lower()
                assert name in Settings.model_fields, literal


def test_every_file_is_in_the_kustomization() -> None:
    named = yaml.safe_load((BASE / "kustomization.yaml").read_text())["resources"]
    assert sorted([*named, "kustomization.yaml"]) == sorted(each.name for each in BASE.iterdir())


def test_every_queue_has_its_workers(manifests: list[Manifest]) -> None:
    served: list[str] = []
    for name, pod in pods(manifests):
        if name.startswith("worker-"):
            *_, queues = pod["containers"][0]["args"]
            served += queues.split(",")
    assert sorted(served) == sorted(queue.name for queue in QUEUES)
    deployments = of_kind(manifests, "Deployment")
    for provider in REGISTRY:
        name = f"worker-{provider.replace('_', '-')}"
        args = deployments[name]["spec"]["template"]["spec"]["containers"][0]["args"]
        assert args[-1] == orders_of(provider)
        scaled = of_kind(manifests, "HorizontalPodAutoscaler")[name]
        [metric] = scaled["spec"]["metrics"]
        assert metric["external"]["metric"]["name"] == "orderline_orders_due"
        selected = metric["external"]["metric"]["selector"]["matchLabels"]
        assert selected == {"provider": provider}


def test_no_secret_is_written_down_and_each_is_named(manifests: list[Manifest]) -> None:
    assert not of_kind(manifests, "Secret")
    named = set()
    for _, pod in pods(manifests):
        for container in pod["containers"]:
            assert "env" not in container
            for source in container["envFrom"]:
                named.add(source.get("secretRef", {"name": ""})["name"])
    told = (ROOT / "deploy/kubernetes/README.md").read_text()
    for name in named - {""}:
        if not name.startswith("orderline-account-"):
            assert f"`{name}`" in told
    accounts = {f"orderline-account-{name.replace('_', '-')}" for name in REGISTRY}
    assert {name for name in named if name.startswith("orderline-account-")} == accounts


def test_nobody_may_more_than_it_must(manifests: list[Manifest]) -> None:
    for name, pod in pods(manifests):
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name
            assert "memory" in container["resources"]["limits"], name
    policies = of_kind(manifests, "NetworkPolicy")
    assert policies["nobody"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_workers_have_more_time_than_they_take(manifests: list[Manifest]) -> None:
    grace = Settings.model_fields["grace"].default.total_seconds()
    for name, pod in pods(manifests):
        if name.startswith("worker-"):
            assert pod["terminationGracePeriodSeconds"] >= grace * 2


def test_no_outage_of_a_server_restarts_a_worker(manifests: list[Manifest]) -> None:
    for name, pod in pods(manifests):
        [container] = pod["containers"]
        if name.startswith("worker-"):
            for probe in ("startupProbe", "livenessProbe"):
                assert asked_by(container[probe]) == ["health", "--loop", "--quiet"]
            assert asked_by(container["readinessProbe"]) == ["health", "--worker", "--quiet"]
            started = [
                container[each]["periodSeconds"] for each in ("livenessProbe", "readinessProbe")
            ]
            assert sum(60 / each for each in started) <= 3, "a Python that starts takes a second"
        elif name not in {"migrate", "operator"}:
            assert "livenessProbe" in container, name


def asked_by(probe: Manifest) -> list[str]:
    """What a probe asks the command."""
    command, *words = probe["exec"]["command"]
    assert command == "orderline"
    return [str(word) for word in words]


def test_beat_is_restarted_too_seldom_to_be_kept_waiting(manifests: list[Manifest]) -> None:
    """It asks the rows, so an outage restarts it: after ten minutes without a back-off."""
    [beat] = of_kind(manifests, "Deployment")["beat"]["spec"]["template"]["spec"]["containers"]
    probe = beat["livenessProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] > 600


def test_whoever_tells_of_accounts_or_decides_about_them_has_them_all(
    manifests: list[Manifest],
) -> None:
    accounts = {f"orderline-account-{name.replace('_', '-')}" for name in REGISTRY}
    mounted = {name: secrets_of(pod) for name, pod in pods(manifests)}
    for name in ("gateway", "operator", "worker-common"):
        assert accounts <= mounted[name], name
    for name in ("beat", "migrate", "flower"):
        assert not accounts & mounted[name], name
    assert "orderline-operator" in mounted["operator"]


def secrets_of(pod: Manifest) -> set[str]:
    """The secrets that a pod cannot start without."""
    sources = [each["secretRef"] for each in pod["containers"][0]["envFrom"] if "secretRef" in each]
    return {each["name"] for each in sources if not each.get("optional")}


def test_whoever_has_accounts_reaches_their_providers_and_nobody_else_does(
    manifests: list[Manifest],
) -> None:
    policies = of_kind(manifests, "NetworkPolicy").values()
    for kind in ("Deployment", "Job"):
        for name, each in of_kind(manifests, kind).items():
            template = each["spec"]["template"]
            has = any("-account-" in secret for secret in secrets_of(template["spec"]))
            labels = template["metadata"]["labels"]
            ports = {
                port["port"]
                for policy in policies
                if selects(policy["spec"]["podSelector"], labels)
                for rule in policy["spec"].get("egress", ())
                for port in rule["ports"]
            }
            assert (443 in ports) == has, name
            assert {53, 6379} <= ports, name
            assert (5432 in ports) == (name != "flower"), name


def selects(selector: Manifest, labels: Mapping[str, str]) -> bool:
    """Whether a selector means a pod with these labels."""
    wanted = selector.get("matchLabels", {}).items()
    return wanted <= labels.items() and all(
        (labels.get(each["key"]) in each["values"]) == (each["operator"] == "In")
        for each in selector.get("matchExpressions", ())
    )


def test_no_pod_takes_kubernetess_variables_for_settings(manifests: list[Manifest]) -> None:
    for name, pod in pods(manifests):
        assert pod["enableServiceLinks"] is False, name


def test_the_operator_is_there_only_when_somebody_wants_it(manifests: list[Manifest]) -> None:
    operator = of_kind(manifests, "Deployment")["operator"]["spec"]
    assert operator["replicas"] == 0
    assert "operator" in ROLES


def test_beat_is_one_and_the_others_outlast_a_node(manifests: list[Manifest]) -> None:
    beat = of_kind(manifests, "Deployment")["beat"]["spec"]
    assert (beat["replicas"], beat["strategy"]) == (1, {"type": "Recreate"})
    budgets = of_kind(manifests, "PodDisruptionBudget")
    for name, each in of_kind(manifests, "Deployment").items():
        if name.startswith("worker-") or name == "gateway":
            assert least(manifests, name) >= 2, name
            selector = budgets[name]["spec"]["selector"]
            assert selector == each["spec"]["selector"], name


def least(manifests: list[Manifest], name: str) -> int:
    """How many pods a Deployment keeps; one that is scaled says no number to be put back."""
    spec = of_kind(manifests, "Deployment")[name]["spec"]
    scaled = of_kind(manifests, "HorizontalPodAutoscaler").get(name)
    assert ("replicas" in spec) == (scaled is None), name
    return int(spec["replicas"] if scaled is None else scaled["spec"]["minReplicas"])
