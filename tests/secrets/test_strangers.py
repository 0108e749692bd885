"""Credentials go to the server that they are for, and to nobody else."""

from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.cli.servers import self_signed
from tests.hostile.deployment import Asked, Deployment, answer, served
from transfer.cli.main import invoke

from .canaries import PROXY, found
from .jobs import BASIC, BEARER, SESSION, write_config
from .leaky import FOREIGN, Leaky, history

AUTHS = pytest.mark.parametrize("auth", [SESSION, BEARER, BASIC], ids=["session", "bearer", "basic"])


def sent(deployment: Deployment) -> bytes:
    """Return all that a server was sent."""
    return b"".join(one.head + one.body + one.path.encode() for one in deployment.asked)


@AUTHS
@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Keep", "308 Stay"])
def test_a_redirect_to_another_server(folder: Path, auth: str, status: str) -> None:
    """Whoever is redirected to gets no request at all, whatever was asked for and however it was redirected."""
    elsewhere = Deployment.of(0)
    with served(elsewhere) as address:
        for route in ("info", "login", "task_instances"):
            source, target = history(), Deployment.of(0)
            source.script, target.script = Leaky(), Leaky()

            def away(asked: Asked) -> bytes:
                return answer(b"", status, "text/html", f"Location: {address}{asked.path}", FOREIGN)

            target.script = Leaky(away, route)
            with served(source) as left, served(target) as right:
                for command in ("check", "run"):
                    invoke([command, "--config", str(write_config(folder, left, right, auth=SESSION, other=auth))])
    assert elsewhere.asked == []


def test_each_side_gets_its_own(folder: Path) -> None:
    """The cookie and the credentials of one side are not sent to the other, though both have the same host."""
    source, target = history(), Deployment.of(0)
    source.script = Leaky()
    with served(source) as left, served(target) as right:
        assert invoke(["run", "--config", str(write_config(folder, left, right, auth=SESSION, other=BEARER))]) == 0
    assert b"Cookie" not in sent(target)
    assert b"Bearer" not in sent(source)


@AUTHS
def test_a_stranger_has_nothing(folder: Path, auth: str) -> None:
    """To see whether a deployment is open to anybody, a check asks it without cookie, credentials and headers."""
    source, target = history(), Deployment.of(0)
    source.script, target.script = Leaky(), Leaky()
    with served(source) as left, served(target) as right:
        assert invoke(["check", "--config", str(write_config(folder, left, right, auth=auth))]) == 0
    for side in (source, target):
        known, unknown, *_ = (one.head for one in side.asked if one.route == "info")
        assert found(known) != []
        assert found(unknown) == []
        assert not [name for name in (b"Authorization", b"Cookie", b"X-Api-Key") if name in unknown]


@AUTHS
def test_a_certificate_that_nobody_trusts(folder: Path, capsys: pytest.CaptureFixture[str], auth: str) -> None:
    """Nothing is sent before the certificate is found good; with its authority named, the job works."""
    source, target = history(), Deployment.of(0)
    source.script, target.script = Leaky(), Leaky()
    (folder / "own").mkdir()
    context = self_signed(folder / "own")
    with served(source, context) as left, served(target) as right:
        config = write_config(folder, left, right, auth=auth)
        for command in ("check", "plan", "run"):
            assert invoke([command, "--config", str(config)]) == 1
        assert "its TLS certificate is not trusted" in capsys.readouterr().err
        assert source.asked == []
        text = config.read_text("utf-8")
        trusted = f'[source]\nca_file = "{folder / "own" / "certificate.pem"}"'
        config.write_text(text.replace("[source]", trusted), "utf-8")
        assert invoke(["run", "--config", str(config)]) == 0
        other = text.replace("[source]", trusted).replace("https://127.0.0.1", "https://0.0.0.0")
        config.write_text(other.replace("state_dir = ", "state_dir = 'other' #"), "utf-8")
        before = len(source.asked)
        assert invoke(["run", "--config", str(config)]) == 1
    assert len(source.asked) == before


def test_a_proxy_gets_its_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The password of the proxy goes to the proxy, and does not come out when that refuses."""
    refusal = answer(f"no {unquote(PROXY)}".encode(), "407 Who are you", "text/html")
    proxy = Deployment(script=lambda _asked, _honest: refusal)
    with served(proxy) as address:
        monkeypatch.setenv("http_proxy", address.replace("http://", f"http://user:{PROXY}@"))
        monkeypatch.setenv("no_proxy", "")
        monkeypatch.setenv("NO_PROXY", "")
        config = write_config(folder, "http://source.example", "http://target.example", auth=BEARER)
        for command in ("check", "plan", "run"):
            assert invoke([command, "--config", str(config)]) == 1
    assert b"Proxy-Authorization" in sent(proxy)
    out, err = capsys.readouterr()
    assert "HTTP 407" in err
    assert found(out, err) == []
    assert unquote(PROXY) not in out + err
