"""Requests of one user, answered by several processes."""

from __future__ import annotations

import pytest

from tests.live.integrations.project import Project
from tests.live.integrations.test_django import ENGINE
from tests.live.integrations.test_django_servers import BACKENDS, servers
from tests.support.replay import GO_ON, STOP

pytestmark = pytest.mark.engine_in_turn

__all__ = ["servers"]

MIDDLEWARE = "routedb.integrations.django.middleware.ConsistencyMiddleware"
# What a process of the site does: two views, and requests to them with cookies.
SITE = f"""
from django.conf import settings
from django.http import HttpResponse
from django.urls import path
from django.test import Client
import types, sys
urls = types.ModuleType("urls")
def write(request):
    Item.objects.create(name=request.GET["name"])
    return HttpResponse("written")
def read(request):
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM shop_item")
        return HttpResponse(f"{{cursor.fetchone()[0]}} {{cursor.node.name}}")
urls.urlpatterns = [path("write", write), path("read", read)]
sys.modules["urls"] = urls
settings.ROOT_URLCONF = "urls"
settings.ALLOWED_HOSTS = ["*"]
settings.MIDDLEWARE = ["{MIDDLEWARE}"]
settle()
connection.close()  # it began on the writer, while no replica was known
client = Client()
"""


@pytest.fixture
def project(servers, tmp_path):
    backend, database = servers
    routed = {"nodes": database.dsns, "max_lag": "off"}
    project = Project(
        tmp_path, ENGINE=f"{ENGINE}.{backend}", OPTIONS={"routedb": routed}
    )
    project.migrate()
    servers[1].wait_replayed()
    return project


@pytest.fixture
def stopped(servers, project):
    """The replicas replay nothing during the test."""
    replicas = servers[1].cluster.replicas
    scheme = servers[1].cluster.writer.scheme
    for replica in replicas:
        replica.execute(STOP[scheme])
    yield
    for replica in replicas:
        replica.execute(GO_ON[scheme])


def in_a_process(project: Project, cookie: str, *requests: str) -> list[str]:
    """Send requests with a cookie; return the last body and the cookie then."""
    gets = "\n".join(f"body = client.get({url!r}).content.decode()" for url in requests)
    return project.run(
        f"{SITE}\nclient.cookies['routedb'] = {cookie!r}\n{gets}\n"
        "found = [body, client.cookies['routedb'].value]"
    )


@pytest.mark.usefixtures("stopped")
def test_the_next_request_sees_what_the_last_has_written(project, servers):
    writer = servers[1].cluster.writer
    _, cookie = in_a_process(project, "", "/write?name=pin")
    assert cookie.startswith("default=1~")
    (body, later) = in_a_process(project, cookie, "/read")
    assert body == f"1 {writer.host}:{writer.port}/{servers[1].name}"
    assert later == cookie  # nothing was written


@pytest.mark.long
@pytest.mark.usefixtures("stopped")
def test_an_open_connection_takes_the_token_of_the_next_user(project):
    _, cookie = in_a_process(project, "", "/write?name=pin")
    script = (
        f"{SITE}\n"
        "first = client.get('/read').content.decode()\n"
        f"client.cookies['routedb'] = {cookie!r}\n"
        "second = client.get('/read').content.decode()\n"
        "found = [first.split()[0], second.split()[0]]"
    )
    assert project.run(script) == ["0", "1"]


@pytest.mark.parametrize("servers", BACKENDS[:1], indirect=True, ids=["postgresql"])
def test_a_cookie_that_is_not_ours_is_passed_over(project):
    cookies = ["nonsense", "default=x", "default=1~main!!wzz|b"]
    script = (
        f"{SITE}\nfound = []\n"
        f"for cookie in {cookies!r}:\n"
        "    client.cookies['routedb'] = cookie\n"
        "    found.append(client.get('/read').content.decode().split()[0])"
    )
    assert project.run(script) == ["0"] * len(cookies)
