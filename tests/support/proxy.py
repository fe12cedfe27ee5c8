"""Runs the real nginx from deploy/nginx.conf, with a certificate made on the spot."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil

from scripts.programs import NGINX, OPENSSL
from tests.support.services import ServerFailed, free_port
from tests.support.site import ROOT

SITE_FILE = ROOT / "deploy" / "nginx.conf"
START_SECONDS = 10.0
# Seconds after which a reload cuts the sockets of the nginx processes from before.
SHUTDOWN_SECONDS = 2

_CERTIFICATE = (
    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    " -subj /CN=tickwall -addext subjectAltName=IP:127.0.0.1"
)

# What Debian's /etc/nginx/nginx.conf has around a site's file, with all files in one folder.
MAIN = """
{user}
worker_processes 2;
worker_shutdown_timeout {seconds}s;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
daemon off;
events {{ worker_connections 1024; }}
http {{
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


@dataclass(frozen=True)
class Certificate:
    """A certificate for 127.0.0.1 that signs itself, and its key."""

    path: Path
    key: Path

    @classmethod
    def make(cls, folder: Path) -> Certificate:
        made = cls(folder / "fullchain.pem", folder / "privkey.pem")
        subprocess.run(
            [OPENSSL.path(), *_CERTIFICATE.split(), "-keyout", made.key, "-out", made.path],
            check=True,
            capture_output=True,
        )
        return made

    def serve(self) -> ssl.SSLContext:
        """Returns the context of a server that shows this certificate."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.path, self.key)
        return context

    def trust(self) -> ssl.SSLContext:
        """Returns the context of a client who believes this certificate and no other."""
        return ssl.create_default_context(cafile=self.path)


@dataclass(frozen=True)
class Answer:
    """What came back; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object) -> None:
        return None


def ask(url: str, trust: ssl.SSLContext | None = None, body: bytes | None = None, **headers: str) -> Answer:
    """Sends one request and follows no redirect; `_` in the name of a header stands for a hyphen."""
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust), _NoRedirect()
    )
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with opener.open(urllib.request.Request(url, body, named), timeout=10) as answer:
            return Answer(answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, {k.lower(): v for k, v in error.headers.items()}, error.read())


@dataclass
class Proxy:
    """nginx in a folder, in front of web processes on these ports; `static` lies in the folder `var`."""

    folder: Path
    upstreams: tuple[int, int]
    var: Path
    certificate: Certificate
    port: int = field(default_factory=free_port)
    plain_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def places(self) -> dict[str, str]:
        """What the site's file is told to change, and nothing else: ports, folders, the certificate."""
        return {
            "127.0.0.1:8001": f"127.0.0.1:{self.upstreams[0]}",
            "127.0.0.1:8002": f"127.0.0.1:{self.upstreams[1]}",
            "/srv/tickwall/var": str(self.var),
            "/etc/tickwall/fullchain.pem": str(self.certificate.path),
            "/etc/tickwall/privkey.pem": str(self.certificate.key),
            "listen 80 ": f"listen 127.0.0.1:{self.plain_port} ",
            "listen 443 ": f"listen 127.0.0.1:{self.port} ",
        }

    def site(self) -> str:
        text = SITE_FILE.read_text()
        for old, new in self.places.items():
            assert old in text, f"{SITE_FILE} no longer says {old}"
            text = text.replace(old, new)
        return text

    def command(self, *arguments: str) -> list[str]:
        log = str(self.folder / "error.log")
        return [str(NGINX.path()), "-p", str(self.folder), "-e", log, "-c", "main.conf", *arguments]

    def start(self) -> None:
        # As root nginx would become somebody who may not read this folder; otherwise it stays who it is.
        user = "user root;" if os.geteuid() == 0 else ""
        main = MAIN.format(folder=self.folder, user=user, seconds=SHUTDOWN_SECONDS)
        (self.folder / "main.conf").write_text(main)
        (self.folder / "site.conf").write_text(self.site())
        tested = subprocess.run(self.command("-t"), capture_output=True, text=True, check=False)
        if tested.returncode or "[warn]" in tested.stderr:
            raise ServerFailed(f"nginx -t: {tested.stderr}")
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                ask(f"http://127.0.0.1:{self.plain_port}/")
                return
            except OSError as problem:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise ServerFailed(f"nginx does not answer:\n{self.log()}") from problem
                time.sleep(0.05)

    def reload(self) -> None:
        """Does what `systemctl reload nginx` does: new processes for new sockets, the old ones go."""
        subprocess.run(self.command("-s", "reload"), capture_output=True, check=True)

    def reload_and_wait(self) -> None:
        """Reloads, and returns when the old processes are gone: until then they may still take a new socket along."""
        assert self.process is not None
        old = psutil.Process(self.process.pid).children()
        self.reload()
        assert not psutil.wait_procs(old, timeout=SHUTDOWN_SECONDS + 10)[1], "the old processes of nginx stay"

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)

    def log(self) -> str:
        path = self.folder / "error.log"
        return path.read_text()[-6000:] if path.exists() else ""


@contextmanager
def echo() -> Iterator[int]:
    """Runs a server that answers with the headers of the request, and yields its port."""

    class Echo(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({name.lower(): self.headers.get_all(name) for name in self.headers}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def proxy(folder: Path, upstreams: tuple[int, int], var: Path) -> Iterator[Proxy]:
    """Yields a running nginx; shows the end of its log when the test fails."""
    folder.mkdir()
    it = Proxy(folder, upstreams, var, Certificate.make(folder))
    it.start()
    try:
        yield it
    except BaseException:
        print(it.log())
        raise
    finally:
        it.stop()
