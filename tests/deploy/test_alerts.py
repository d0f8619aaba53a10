"""Alert rules: on metrics that are really there, each with a place that says what to do.

promtool (`promtool test rules deploy/prometheus/alerts.test.yml`) knows PromQL; where it is not installed, names,
labels and brackets are checked here all the same.
"""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.server.commands import query
from tests.service import Service, new_key

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "prometheus"
PAGES = ("docs/operations.md", "docs/operations.zh-CN.md")
# What others expose: node_exporter with its systemd and textfile collectors, postgres_exporter, Prometheus itself.
OF_OTHERS = {
    *("up", "pg_up", "pg_stat_activity_count", "pg_stat_activity_max_tx_duration", "pg_settings_max_connections"),
    *("pg_stat_archiver_failed_count", "pg_stat_archiver_last_archive_age", "pg_stat_database_tup_inserted"),
    *("node_filesystem_avail_bytes", "node_filesystem_size_bytes", "node_timex_offset_seconds"),
    *("node_timex_sync_status", "node_systemd_unit_state"),
}  # fmt: skip
FUNCTIONS = {
    *("sum", "max", "rate", "increase", "time", "absent", "abs", "predict_linear", "histogram_quantile"),
    *("max_over_time", "min_over_time"),
}  # fmt: skip
WORDS = {"by", "or", "and", "unless", "offset", "le", "route", "kind", "channel", "template", "reason"}


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def metrics_of(expression: str) -> set[str]:
    """The metric names of an expression: what is neither a word, a function, a label nor a duration."""
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\b\d+(?:\.\d+)?[smhdw]?\b", " ", expression)
    return set(re.findall(r"[a-zA-Z_][\w:]*", bare)) - FUNCTIONS - WORDS


def written_by_scripts() -> set[str]:
    text = "".join(path.read_text() for path in (ROOT / "deploy" / "backup").iterdir())
    return set(re.findall(r'echo "(xinyi_\w+) \$', text))


async def exposed(service: Service) -> dict[str, set[str]]:
    """Every sample of a real scrape, with its labels' names and values."""
    citizen, clerk = await service.citizen(), await service.clerk()
    coupon = await citizen.coupon()
    await clerk.redeem(await citizen.code(coupon["id"]), new_key())
    database = service.environment["DATABASE_URL"]
    await query(database, "INSERT INTO pgqueuer (priority, status, entrypoint) VALUES (0, 'failed', 'alert')")
    await query(
        database,
        "INSERT INTO message_stops (channel, template, template_id, reason, until_at)"
        " VALUES ('alipay', 'answered', 'alert', 'no_template', now() + interval '1 hour')"
        " ON CONFLICT DO NOTHING",
    )
    text = (await citizen.http.get(service.url + "/metrics")).text
    await query(database, "DELETE FROM pgqueuer WHERE entrypoint = 'alert'")
    await query(database, "DELETE FROM message_stops WHERE template_id = 'alert'")
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(f"{k}={v}" for k, v in sample.labels.items())
    return found


async def test_every_metric_is_really_there(service: Service) -> None:
    there = await exposed(service)
    used = {name: rule["alert"] for rule in rules() for name in metrics_of(rule["expr"])}
    assert len(used) > 12
    missing = used.keys() - there.keys() - OF_OTHERS - written_by_scripts()
    assert missing == set(), {name: used[name] for name in missing}


async def test_every_label_and_route_is_really_there(service: Service) -> None:
    there = await exposed(service)
    routes = {
        label.removeprefix("route=").replace("<redemption_id:uuid>", "")
        for label in there["xinyi_requests_total"]
    }
    for rule in rules():
        for name, matchers in re.findall(r"(xinyi_\w+)\{([^}]*)\}", rule["expr"]):
            labels = {label.partition("=")[0] for label in there[name]}
            used = re.findall(r"(\w+)\s*(=~|!=|!~|=)\s*\"([^\"]*)\"", matchers)
            assert used and {label for label, _, _ in used} <= labels, rule["alert"]
            for label, operator, value in used:
                if label == "route" and operator == "=":
                    assert value in routes, (rule["alert"], value)


def test_every_alert_is_named_once_and_says_what_to_do_in_both_languages() -> None:
    found = rules()
    assert len({rule["alert"] for rule in found}) == len(found) > 10
    for rule in found:
        assert rule["labels"]["severity"] in ("page", "ticket"), rule["alert"]
        assert re.search(r"[一-鿿]", rule["annotations"]["summary"]), rule["alert"]
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert page == PAGES[0] and anchor
        for path in PAGES:
            text = (ROOT / path).read_text(encoding="utf-8")
            assert text.count(f'<a id="{anchor}"></a>') == 1, (rule["alert"], path)
            assert f"`{rule['alert']}`" in text, (rule["alert"], path)


def test_what_the_office_is_told_of_has_a_case_of_being_told_and_one_of_not() -> None:
    """In `alerts.test.yml`; a series has a sample at least every minute there: after five Prometheus sees none any more."""
    cases = yaml.safe_load((FOLDER / "alerts.test.yml").read_text(encoding="utf-8"))["tests"]
    assert {each["interval"] for each in cases} == {"1m"}
    told: dict[str, set[bool]] = {}
    for case in (case for each in cases for case in each["alert_rule_test"]):
        told.setdefault(case["alertname"], set()).add(bool(case["exp_alerts"]))
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    office = [rule["alert"] for group in groups if group["name"] == "xinyi-office" for rule in group["rules"]]
    assert [name for name in office if told.get(name) != {True, False}] == []


def test_every_place_for_an_alert_is_used() -> None:
    wanted = {rule["annotations"]["runbook"].partition("#")[2] for rule in rules()}
    for path in PAGES:
        text = (ROOT / path).read_text(encoding="utf-8")
        assert set(re.findall(r'<a id="(xinyi-[\w-]+)"></a>', text)) == wanted


def is_balanced(expression: str) -> bool:
    """Whether every bracket and quote is closed, by its own kind."""
    open_: list[str] = []
    for sign in re.sub(r'"(?:[^"\\]|\\.)*"', "", expression):
        if sign in "([{":
            open_.append({"(": ")", "[": "]", "{": "}"}[sign])
        elif sign in ")]}" and (not open_ or open_.pop() != sign):
            return False
    return not open_ and expression.count('"') % 2 == 0


def test_every_expression_is_whole() -> None:
    assert (
        not is_balanced("sum(rate(x[5m])") and not is_balanced("sum(x]") and is_balanced('sum(x{a="("}[5m])')
    )
    assert [rule["alert"] for rule in rules() if not is_balanced(rule["expr"])] == []


@pytest.mark.parametrize(
    "arguments", [("check", "rules", "alerts.yml"), ("test", "rules", "alerts.test.yml")]
)
def test_prometheus_takes_them(arguments: tuple[str, ...], record_property: Callable[..., None]) -> None:
    """By Prometheus' own word, where it is installed."""
    promtool = shutil.which("promtool")
    record_property("promtool", promtool or "not installed: names and brackets were checked above")
    if promtool:
        ran = subprocess.run([promtool, *arguments], cwd=FOLDER, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
