"""The Compose files fit the specification, the code and each other; none of this needs an engine."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ops.main import status
from sandbox.google.__main__ import _options
from streams.settings import PREFIX, SECRETS_DIR, Settings
from tests import kafka_docker, postgres_docker
from tests.deploy.compose_files import FILES, ROOT, SHARED, Service, document, environment, services

MAIN, HOST = FILES
EVERY = [(file, name) for file in FILES for name in services(file)]
ONCE = {"setup", "topics", "demo"}
FROM_OUTSIDE = {f"{PREFIX}GOOGLE_CLIENT_ID", f"{PREFIX}GOOGLE_CLIENT_SECRET", f"{PREFIX}LOG_LEVEL"}
DOCKERFILE = (ROOT / "Dockerfile").read_text()
every_file = pytest.mark.parametrize("file", FILES)
every_service = pytest.mark.parametrize(("file", "name"), EVERY)


def filled(text: str) -> str:
    """A value as it is where nobody set anything."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def is_ours(service: Service) -> bool:
    return bool(service["image"] == "shiftcal:local")


def mounts(service: Service) -> dict[str, str]:
    """What is mounted where, with `:ro` where it is."""
    found = [volume.split(":", 2) for volume in service.get("volumes", ())]
    return {place[0]: source + "".join(f":{mode}" for mode in place[1:]) for source, *place in found}


@pytest.mark.parametrize("file", [*FILES, SHARED])
def test_the_specification(file: str) -> None:
    """Every file is valid by the specification's own schema."""
    schema = json.loads((Path(__file__).parent / "compose-spec" / "compose-spec.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(document(file))


@pytest.mark.parametrize("compose", [["docker-compose"], ["docker", "compose"]], ids=["1", "2"])
@every_file
def test_compose_itself(compose: list[str], file: str) -> None:
    """Either generation of Compose reads the file."""
    if (
        shutil.which(compose[0]) is None
        or subprocess.run([*compose, "version"], capture_output=True, check=False).returncode
    ):
        pytest.skip(f"{' '.join(compose)} is not here")
    done = subprocess.run(
        [*compose, "--file", file, "config", "--quiet"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@every_service
def test_settings(file: str, name: str) -> None:
    """Each variable of ours is a setting, and its value is taken."""
    given = {key: filled(value) for key, value in environment(services(file)[name]).items()}
    ours = {key: value for key, value in given.items() if key.startswith(PREFIX) and key != SECRETS_DIR}
    assert set(ours) <= {f"{PREFIX}{field.upper()}" for field in Settings.model_fields}
    values: dict[str, Any] = {key.removeprefix(PREFIX).lower(): value for key, value in ours.items() if value}
    taken = Settings(_env_file=None, **values)
    assert {field for field in values if field in taken.model_fields_set} == set(values)


@every_file
def test_variables_from_outside(file: str) -> None:
    """Nothing has to be set, and what may be set is known."""
    text = (ROOT / file).read_text() + (ROOT / SHARED).read_text()
    found = re.findall(r"(?<!\$)\$\{(\w+)(.*?)\}", text)
    assert {name for name, _ in found} <= FROM_OUTSIDE
    assert all(default.startswith(":-") for _, default in found)


@every_service
def test_images(file: str, name: str) -> None:
    """Somebody else's are pinned; Kafka and PostgreSQL are those that the tests use."""
    service = services(file)[name]
    if is_ours(service):
        assert (ROOT / "deploy" / "compose" / service["build"]["context"]).resolve() == ROOT
    else:
        assert re.fullmatch(r"[\w./-]+:v?\d[\w.-]*", service["image"])
    known = {"kafka": kafka_docker.IMAGE, "postgres": postgres_docker.IMAGE}
    assert service["image"] == known.get(name, service["image"])


@every_service
def test_bounds(file: str, name: str) -> None:
    """No privilege, no capability, and a root that nobody writes to; Kafka's image has to write to its own."""
    service = services(file)[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "pid", "devices", "userns_mode"} & set(service)
    assert service.get("read_only", False) is (name != "kafka")
    assert service["restart"] == ("no" if name in ONCE else "unless-stopped")


@every_service
def test_health(file: str, name: str) -> None:
    """Whatever stays up says how it is: workers by the image's own check."""
    service = services(file)[name]
    check = service.get("healthcheck", {})
    assert check.get("disable", False) is (name in ONCE)
    assert ("test" in check) is (name not in ONCE and not name.startswith("worker-"))
    if not service["image"].startswith(("prom/", "grafana/")) and name not in ONCE:
        assert service.get("stop_grace_period", "10s") in ({"10s"} if name == "standin" else {"30s"})


@every_service
def test_commands(file: str, name: str) -> None:
    """Each is one that there is, as a list: no shell keeps a signal to itself."""
    service = services(file)[name]
    command = service.get("command", [])
    assert isinstance(command, list)
    if name == "standin":
        assert service["entrypoint"] == ["python3", "-m", "sandbox.google"]
        assert _options(command).port == int(environment(service)["STANDIN_PORT"])
    elif is_ours(service):
        assert "entrypoint" not in service
        assert status([*command, "--help"]) == 0


@every_file
def test_who_waits_for_whom(file: str) -> None:
    """For the end of what ends, and for the health of what stays."""
    parts = services(file)
    for service in parts.values():
        for other, how in service.get("depends_on", {}).items():
            assert how == {
                "condition": "service_completed_successfully" if other in ONCE else "service_healthy"
            }
            assert other in parts
    assert set(parts["worker-1"]["depends_on"]) == {"setup", "topics", "postgres", "standin"}
    assert set(parts["topics"]["depends_on"]) == {"setup", "kafka"}


@every_file
def test_secrets(file: str) -> None:
    """Written by one service, read by ours alone; PostgreSQL sees its own password and nothing else."""
    parts = services(file)
    place = environment(parts["worker-1"])[SECRETS_DIR]
    assert f" {place}" in DOCKERFILE
    command = parts["setup"]["command"]
    assert command[:3] == ["secrets", "create", place]
    for name, service in parts.items():
        expected = {"setup": "secrets", "standin": None} if is_ours(service) else {name: None}
        assert mounts(service).get(place) == expected.get(name, "secrets:ro"), name
    password = Path(environment(parts["postgres"])["POSTGRES_PASSWORD_FILE"])
    assert f"--password-file={password}" in command
    assert f" {password.parent}" in DOCKERFILE
    readers = {
        name: mounts(one)[str(password.parent)]
        for name, one in parts.items()
        if str(password.parent) in mounts(one)
    }
    assert readers == {"setup": "postgres-secret", "postgres": "postgres-secret:ro"}


@every_file
def test_volumes(file: str) -> None:
    """Each worker has its own state; every volume is declared, every file is there."""
    parts = services(file)
    used = {
        source for one in parts.values() for source in (mount.split(":")[0] for mount in mounts(one).values())
    }
    named = {source for source in used if not source.startswith(".")}
    assert named == set(document(file)["volumes"])
    assert all((ROOT / source).exists() for source in used - named)
    home = re.search(rf"{PREFIX}STATE_DIR=(\S+)/state", DOCKERFILE)
    assert home
    assert [mounts(parts[name])[home[1]] for name in ("worker-1", "worker-2")] == ["worker-1", "worker-2"]


def test_published_ports() -> None:
    """Of this machine's loopback alone, each once, and of a port on which the service listens."""
    ports: dict[str, tuple[str, ...]] = {
        name: tuple(one["ports"][0].rsplit(":", 2)) for name, one in services(MAIN).items() if "ports" in one
    }
    assert all(len(one.get("ports", [])) <= 1 for one in services(MAIN).values())
    assert {place for place, *_ in ports.values()} == {"127.0.0.1"}
    assert len({outside for _, outside, _ in ports.values()}) == len(ports)
    image = dict(re.findall(rf"({PREFIX}\w+)=(\S+)", DOCKERFILE))
    listened = {
        "worker-1": image[f"{PREFIX}HTTP_PORT"],
        "worker-2": image[f"{PREFIX}HTTP_PORT"],
        "portal": str(Settings.model_fields["portal_port"].default),
        "standin": environment(services(MAIN)["standin"])["STANDIN_PORT"],
        "kafka": "19092",
        "prometheus": "9090",
        "grafana": "3000",
    }
    assert {name: inside for name, (*_, inside) in ports.items()} == listened
    assert "HOST://127.0.0.1:19092" in environment(services(MAIN)["kafka"])["KAFKA_ADVERTISED_LISTENERS"]


def test_ports_of_the_host() -> None:
    """On the host's network nothing listens but on 127.0.0.1, and no port is taken twice."""
    parts = services(HOST)
    assert all(one["network_mode"] == "host" and "ports" not in one for one in parts.values())
    kafka = environment(parts["kafka"])
    listeners = [place.split("://")[1] for place in kafka["KAFKA_LISTENERS"].split(",")]
    settings = [environment(parts[name]) for name in ("worker-1", "worker-2")]
    portal = environment(parts["portal"])
    addresses = [
        *listeners,
        *(f"{one[f'{PREFIX}HTTP_HOST']}:{one[f'{PREFIX}HTTP_PORT']}" for one in settings),
        f"{portal[f'{PREFIX}PORTAL_HOST']}:{portal[f'{PREFIX}PORTAL_PORT']}",
        f"{_options(parts['standin']['command']).host}:{environment(parts['standin'])['STANDIN_PORT']}",
        f"127.0.0.1:{environment(parts['postgres'])['PGPORT']}",
    ]
    assert "listen_addresses=127.0.0.1" in parts["postgres"]["command"]
    assert {address.split(":")[0] for address in addresses} == {"127.0.0.1"}
    assert len(set(addresses)) == len(addresses) == 7
    assert kafka["HEALTH_PORT"] == listeners[0].split(":")[1]


@every_file
def test_addresses(file: str) -> None:
    """Each part finds the others where they listen."""
    parts = services(file)
    host = file == HOST
    kafka = (
        environment(parts["kafka"])["KAFKA_ADVERTISED_LISTENERS"].split(",")[0].removeprefix("PLAINTEXT://")
    )
    ours = [one for name, one in parts.items() if is_ours(one) and name not in {"setup", "standin"}]
    assert {environment(one)[f"{PREFIX}KAFKA_BOOTSTRAP"] for one in ours} == {kafka}
    told = dict(word.removeprefix("--").split("=", 1) for word in parts["setup"]["command"][3:])
    standin = environment(parts["standin"])["STANDIN_PORT"]
    assert told["standin"] == f"http://{'127.0.0.1' if host else 'standin'}:{standin}"
    if host:
        assert told["postgres"] == f"127.0.0.1:{environment(parts['postgres'])['PGPORT']}"
    else:
        assert told["postgres"] == "postgres:5432"
        assert _options(parts["standin"]["command"]).name == ["standin"]
        assert told["standin-page"] == "http://" + parts["standin"]["ports"][0].rsplit(":", 1)[0]
    portal = environment(parts["portal"])
    workers = [
        f"http://127.0.0.1:{environment(parts[name])[f'{PREFIX}HTTP_PORT']}"
        if host
        else f"http://{name}:8081"
        for name in ("worker-1", "worker-2")
    ]
    assert portal[f"{PREFIX}PORTAL_WORKERS"].split(",") == workers


def test_a_worker_more() -> None:
    """What docs/containers.md adds is a worker as the others are, with a volume of its own."""
    text = (ROOT / "docs" / "containers.md").read_text().partition("```yaml\n")[2].partition("```")[0]
    added = yaml.safe_load(text)
    schema = json.loads((Path(__file__).parent / "compose-spec" / "compose-spec.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(added)
    ((name, third),) = added["services"].items()
    first = document(MAIN)["services"]["worker-1"]
    assert third["extends"] == first["extends"]
    assert third["environment"] == first["environment"]
    assert third["volumes"] == [volume.replace("worker-1", name) for volume in first["volumes"]]
    assert third["depends_on"].items() <= first["depends_on"].items()
    assert set(added["volumes"]) == {name}


def test_both_files() -> None:
    """The host's has everything but Prometheus and Grafana, and what is the same is written once."""
    assert set(services(MAIN)) - set(services(HOST)) == {"prometheus", "grafana"}
    assert set(services(HOST)) <= set(services(MAIN))
    extended: list[dict[str, Any]] = [one for file in FILES for one in document(file)["services"].values()]
    assert sum("extends" not in one for one in extended) == 2
