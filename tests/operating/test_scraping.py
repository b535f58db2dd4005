"""What Prometheus scrapes, here and in Kubernetes: under the names that the alerts ask for."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.operating.test_dashboards import scraping
from tests.operating.test_rules import RULES, run

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
HERE: Final = DEPLOY / "prometheus/prometheus.yml"
CLUSTER: Final = DEPLOY / "kubernetes/prometheus.yml"
BASE: Final = DEPLOY / "kubernetes/base"
WANTED: Final = set(re.findall(r'job="([^"]+)"', RULES))

Document = dict[str, Any]


def read(path: Path) -> Document:
    found: Document = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def jobs(path: Path) -> dict[str, Document]:
    return {each["job_name"]: each for each in read(path)["scrape_configs"]}


@pytest.mark.parametrize("path", [HERE, CLUSTER], ids=lambda path: path.parent.name)
def test_it_is_configured_as_it_may_be(promtool: Path, path: Path, tmp_path: Path) -> None:
    """Without the token, which is nobody's business here.

    Debian's promtool was built without Kubernetes: it is shown another kind of discovery in the
    place of that one, which the tests below look at.
    """
    found = read(path)
    for job in found["scrape_configs"]:
        if job.pop("kubernetes_sd_configs", None) is not None:
            job["static_configs"] = [{"targets": ["127.0.0.1:9090"]}]
    shown = tmp_path / path.name
    shown.write_text(yaml.safe_dump(found), encoding="utf-8")
    run(promtool, "check", "config", "--syntax-only", str(shown))


@pytest.mark.parametrize("path", [HERE, CLUSTER], ids=lambda path: path.parent.name)
def test_the_jobs_have_the_names_that_the_alerts_ask_for_and_show_the_token(path: Path) -> None:
    assert {"orderline-gateway", "orderline-worker"} == WANTED
    assert jobs(path).keys() >= WANTED
    assert read(path)["rule_files"] == ["rules.yml"]
    assert read(path)["global"] == read(HERE)["global"]
    for name in WANTED:
        token = jobs(path)[name]["authorization"]
        assert token == {"credentials_file": "/run/orderline/prometheus/token"}


def test_the_tests_of_the_alerts_look_as_often_as_prometheus_does() -> None:
    tests = read(DEPLOY / "prometheus/rules_test.yml")
    assert tests["evaluation_interval"] == read(HERE)["global"]["evaluation_interval"]


@pytest.mark.parametrize("name", sorted(WANTED))
def test_in_kubernetes_each_job_finds_its_pods_and_no_others(name: str) -> None:
    job = jobs(CLUSTER)[name]
    [source] = job["kubernetes_sd_configs"]
    namespace = read(BASE / "kustomization.yaml")["namespace"]
    assert source == {"role": "pod", "namespaces": {"names": [namespace]}}
    found = {pod: labels for pod, labels in ports() if is_kept(job["relabel_configs"], labels)}
    component = name.removeprefix("orderline-")
    served = {pod for pod, labels in ports() if labels[COMPONENT] == component}
    assert set(found) == served
    assert len(found) >= 1


def test_in_kubernetes_a_target_is_called_by_its_pod_and_what_ended_is_none() -> None:
    for name in WANTED:
        rules = jobs(CLUSTER)[name]["relabel_configs"]
        [(_, labels)] = [each for each in ports() if is_kept(rules, each[1])][:1]
        assert not is_kept(rules, {**labels, "__meta_kubernetes_pod_phase": "Succeeded"})
        named = {"source_labels": ["__meta_kubernetes_pod_name"], "target_label": "instance"}
        assert named in rules


COMPONENT: Final = "__meta_kubernetes_pod_label_app_kubernetes_io_component"


def ports() -> list[tuple[str, Mapping[str, str]]]:
    """Every port that a pod of the manifests declares, with what Prometheus would know of it."""
    named = read(BASE / "kustomization.yaml")["resources"]
    manifests = [each for name in named for each in yaml.safe_load_all((BASE / name).read_text())]
    return [
        (
            each["metadata"]["name"],
            {
                COMPONENT: template["metadata"]["labels"].get("app.kubernetes.io/component", ""),
                "__meta_kubernetes_pod_container_port_name": port["name"],
                "__meta_kubernetes_pod_phase": "Running",
            },
        )
        for each in manifests
        if each["kind"] == "Deployment"
        for template in [each["spec"]["template"]]
        for container in template["spec"]["containers"]
        for port in container.get("ports", ())
    ]


def is_kept(rules: list[Document], labels: Mapping[str, str]) -> bool:
    """Whether a target is left by rules that keep and drop."""
    for rule in rules:
        told = ";".join(labels.get(label, "") for label in rule["source_labels"])
        fits = re.fullmatch(rule.get("regex", "(.*)"), told) is not None
        if rule.get("action", "replace") in {"keep", "drop"} and fits != (rule["action"] == "keep"):
            return False
    return True


HERE_IT_SERVES: Final = "http://127.0.0.1:9090"


async def test_the_health_check_of_compose_tells_when_prometheus_is_ready(
    promtool: Path, prometheus: Path, tmp_path: Path
) -> None:
    service = read(DEPLOY.parent / "docker-compose.yml")["services"]["prometheus"]
    kind, program, *words = service["healthcheck"]["test"]
    assert (kind, program) == ("CMD", "promtool")
    assert HERE_IT_SERVES in words
    async with scraping(prometheus, tmp_path) as asked:
        there = [asked.url if word == HERE_IT_SERVES else word for word in words]
        run(promtool, *there)
    with pytest.raises(AssertionError):
        run(promtool, *there)
