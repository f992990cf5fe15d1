"""The demo's page of another origin, in which the help widget is."""

from urllib.error import HTTPError
from urllib.request import urlopen

import jwt
import pytest

from app.cli.commands.demo_host import PATH, Widget, host_page, serve_host
from tests.support.ports import free_port

DESK = "http://127.0.0.1:8000"
SECRET = "the demo's secret, which is long enough"


def test_the_page_has_the_widget_and_says_who_is_signed_in() -> None:
    port = free_port()
    server = serve_host(port, DESK, Widget("hd_widget_demo", SECRET))
    assert server is not None
    try:
        assert serve_host(port, DESK, Widget("hd_widget_demo", SECRET)) is None
        with urlopen(f"http://127.0.0.1:{port}{PATH}") as answer:
            html, policy = answer.read().decode(), answer.headers["Content-Security-Policy"]
        with urlopen(f"http://127.0.0.1:{port}/demo/token") as answer:
            token = answer.read().decode()
        with pytest.raises(HTTPError, match="404"):
            urlopen(f"http://127.0.0.1:{port}/demo/")
    finally:
        server.shutdown()
        server.server_close()
    assert (html, {"Content-Security-Policy": policy}) == host_page(DESK, "hd_widget_demo")
    assert f'src="{DESK}/widget.js" data-key="hd_widget_demo"' in html
    assert "default-src 'none'" in policy
    assert jwt.get_unverified_header(token)["kid"] == "demo"
    assert jwt.decode(token, SECRET, algorithms=["HS256"], audience="heliodesk")["email"] == "olga@demo.example"
