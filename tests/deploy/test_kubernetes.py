"""The manifests: after Kubernetes's schemas, without a secret, and with what must be in them.

``kubectl`` builds the overlay where there is one; else the base's own files are read.
"""

import shutil
import subprocess
from collections.abc import Iterator
from typing import Any, Final

import kubernetes_validate
import pytest
import yaml

from tasks.queues import QUEUES, orders_of
from tests.deploy.conftest import ROOT
from worker.providers import REGISTRY
from worker.settings import Settings

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


def test_workers_have_more_time_than_they_take_and_are_asked_whether_they_move(
    manifests: list[Manifest],
) -> None:
    grace = Settings.model_fields["grace"].default.total_seconds()
    for name, pod in pods(manifests):
        [container] = pod["containers"]
        if name.startswith("worker-"):
            assert pod["terminationGracePeriodSeconds"] >= grace * 2
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                assert container[probe]["exec"]["command"][:3] == [
                    "orderline",
                    "health",
                    "--worker",
                ]
        elif name != "migrate":
            assert "livenessProbe" in container, name


def test_beat_is_one_and_the_others_outlast_a_node(manifests: list[Manifest]) -> None:
    beat = of_kind(manifests, "Deployment")["beat"]["spec"]
    assert (beat["replicas"], beat["strategy"]) == (1, {"type": "Recreate"})
    budgets = of_kind(manifests, "PodDisruptionBudget")
    for name, each in of_kind(manifests, "Deployment").items():
        if name.startswith("worker-") or name == "gateway":
            assert each["spec"]["replicas"] >= 2, name
            selector = budgets[name]["spec"]["selector"]
            assert selector == each["spec"]["selector"], name
