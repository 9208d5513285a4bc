"""The samples of contrib/proxies, run as they lie there by the programs they are for.

What is put around a sample is what Debian's package has around it. In the sample itself
only places are replaced, which are addresses and certificates, and what an operator is
told to change in it. Whatever is to be replaced has to be there.
"""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import trio

from tests.live.proxies import free_ports, program
from tests.net.secret import write_pair

DIRECTORY = Path(__file__).parents[2] / "contrib" / "proxies"
LIVE = "/etc/letsencrypt/live/chat.example.org"


@attrs.frozen
class Place:
    """Where a sample is run.

    Attributes:
        directory: What it may write to; there lie a certificate, its key, and both in
            one file.
        plain: The port of HTTP.
        secret: The port of TLS.
        spare: One more, for what it is managed by.
    """

    directory: Path
    plain: int
    secret: int
    spare: int

    @property
    def cert(self) -> Path:
        """The certificate."""
        return self.directory / "cert.pem"

    @property
    def key(self) -> Path:
        """Its key."""
        return self.directory / "key.pem"

    @property
    def both(self) -> Path:
        """Both in one file."""
        return self.directory / "both.pem"

    def certify(self) -> None:
        """Get a new certificate, and a new key."""
        write_pair(self.directory)
        self.both.write_bytes(self.cert.read_bytes() + self.key.read_bytes())


@attrs.frozen
class Sample:
    """One sample.

    Attributes:
        file: Its name.
        places: What has to be replaced in it, but for the daemon's address.
        surround: Writes what is around a sample; returns the command that runs both.
        reload: Has the program read its files again.
        below: What is told about a path: this is to be replaced by that.
        timeout: The time-out of a connection, and a short one.
        keeps: Whether a reload leaves connections alone.
        passes_bytes: Whether it looks at nothing and speaks the PROXY protocol.
    """

    file: str
    places: Callable[[Place], Mapping[str, str]]
    surround: Callable[[Place, Path], tuple[str, ...]]
    reload: Callable[[Place, trio.Process], Awaitable[None]]
    below: Mapping[str, str]
    timeout: Mapping[str, str]
    keeps: bool = True
    passes_bytes: bool = False

    @asynccontextmanager
    async def running(
        self, directory: Path, daemon_port: int, changes: Mapping[str, str]
    ) -> AsyncIterator[Running]:
        """Run it for a block, in front of a daemon.

        Args:
            directory: Where its files may be; it is made.
            daemon_port: Where the daemon listens.
            changes: What else is to be replaced in it.
        """
        await trio.Path(directory).mkdir()
        place = Place(directory, *free_ports(3))
        place.certify()
        text = (DIRECTORY / self.file).read_text()
        told = {**changes, "127.0.0.1:8765": f"127.0.0.1:{daemon_port}"}
        for old, new in {**told, **self.places(place)}.items():
            assert old in text, f"{self.file} has no {old!r}"
            # A comment says what may be written, and is no place.
            lines = text.splitlines(keepends=True)
            text = "".join(
                line if line.startswith("# ") else line.replace(old, new)
                for line in lines
            )
        file = directory / self.file
        file.write_text(text)
        ports = [place.secret] if self.passes_bytes else [place.plain, place.secret]
        log = directory / "log"
        command = self.surround(place, file)
        async with program(*command, ports=ports, log=log) as process:
            yield Running(self, place, process)


@attrs.frozen
class Running:
    """A sample that runs."""

    sample: Sample
    place: Place
    process: trio.Process

    async def reload(self) -> None:
        """Have it read its files again; it may take its time."""
        await self.sample.reload(self.place, self.process)


async def _hang_up(_: Place, process: trio.Process) -> None:
    process.send_signal(signal.SIGHUP)


# --- nginx ----------------------------------------------------------------------


def _nginx_places(place: Place) -> dict[str, str]:
    return {
        "listen 80;": f"listen 127.0.0.1:{place.plain};",
        "listen [::]:80;": f"listen [::1]:{place.plain};",
        **_nginx_stream_places(place),
    }


def _nginx_stream_places(place: Place) -> dict[str, str]:
    return {
        "listen 443 ": f"listen 127.0.0.1:{place.secret} ",
        "listen [::]:443 ": f"listen [::1]:{place.secret} ",
        f"{LIVE}/fullchain.pem": str(place.cert),
        f"{LIVE}/privkey.pem": str(place.key),
    }


def _nginx_main(place: Place, blocks: str) -> tuple[str, ...]:
    file = place.directory / "main.conf"
    file.write_text(
        "load_module /usr/lib/nginx/modules/ngx_stream_module.so;\n"
        # Its workers, too, are to find what a test's user has made.
        "user root root;\ndaemon off;\nworker_processes 1;\n"
        f"pid {place.directory}/pid;\nerror_log stderr;\nevents {{}}\n{blocks}"
    )
    command = ("/usr/sbin/nginx", "-p", str(place.directory), "-e", "stderr")
    return (*command, "-c", str(file))


def _around_nginx(place: Place, sample: Path) -> tuple[str, ...]:
    temporary = "".join(
        f"{kind}_temp_path {place.directory}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    blocks = f"http {{ {temporary} access_log off; include {sample}; }}"
    return _nginx_main(place, blocks)


def _around_nginx_stream(place: Place, sample: Path) -> tuple[str, ...]:
    return _nginx_main(place, f"include {sample};")


# --- Caddy ----------------------------------------------------------------------


def _caddy_places(place: Place) -> dict[str, str]:
    own = "#tls /etc/ssl/chat.example.org.pem /etc/ssl/private/chat.example.org.key"
    return {
        "chat.example.org {": f"127.0.0.1:{place.secret} {{",
        own: f"tls {place.cert} {place.key}",
    }


def _around_caddy(place: Place, sample: Path) -> tuple[str, ...]:
    file = place.directory / "main"
    file.write_text(
        f"{{\n admin 127.0.0.1:{place.spare}\n default_bind 127.0.0.1\n"
        f" http_port {place.plain}\n skip_install_trust\n}}\nimport {sample}\n"
    )
    return _caddy(place, "run")


def _caddy(place: Place, what: str, *options: str) -> tuple[str, ...]:
    # It keeps what it knows where its user is at home.
    homes = [f"{name}={place.directory}" for name in ("HOME", "XDG_DATA_HOME")]
    file = str(place.directory / "main")
    adapt = ("--config", file, "--adapter", "caddyfile")
    return ("env", *homes, "caddy", what, *adapt, *options)


async def _reload_caddy(place: Place, _: trio.Process) -> None:
    # As the unit of Debian's package does it.
    command = _caddy(place, "reload", "--force")
    where = ("--address", f"127.0.0.1:{place.spare}")
    await trio.run_process([*command, *where], capture_stderr=True)


# --- HAProxy --------------------------------------------------------------------


def _haproxy_places(place: Place) -> dict[str, str]:
    return {
        "bind :::80 v4v6": f"bind 127.0.0.1:{place.plain}",
        **_haproxy_tcp_places(place),
    }


def _haproxy_tcp_places(place: Place) -> dict[str, str]:
    return {
        "bind :::443 v4v6": f"bind 127.0.0.1:{place.secret}",
        "/etc/haproxy/chat.example.org.pem": str(place.both),
    }


def _around_haproxy(place: Place, sample: Path) -> tuple[str, ...]:
    main = place.directory / "main.cfg"
    main.write_text(
        "defaults\n mode http\n"
        " timeout connect 5000\n timeout client 50000\n timeout server 50000\n"
    )
    # A master and a worker in the foreground, as its unit has them.
    return ("/usr/sbin/haproxy", "-W", "-db", "-f", str(main), "-f", str(sample))


async def _reload_haproxy(_: Place, process: trio.Process) -> None:
    process.send_signal(signal.SIGUSR2)


# --- Apache ---------------------------------------------------------------------


def _apache_places(place: Place) -> dict[str, str]:
    return {
        "<VirtualHost *:80>": f"<VirtualHost *:{place.plain}>",
        "<VirtualHost *:443>": f"<VirtualHost *:{place.secret}>",
        f"{LIVE}/fullchain.pem": str(place.cert),
        f"{LIVE}/privkey.pem": str(place.key),
    }


_APACHE_MODULES = (
    "mpm_event",
    "authz_core",
    "alias",
    "ssl",
    "socache_shmcb",
    "proxy",
    "proxy_http",
)
"""What is there without being asked for, and what the sample asks for."""


def _around_apache(place: Place, sample: Path) -> tuple[str, ...]:
    main = place.directory / "main.conf"
    modules = "".join(
        f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"
        for name in _APACHE_MODULES
    )
    main.write_text(
        f"{modules}ServerRoot {place.directory}\nServerName localhost\n"
        f"PidFile {place.directory}/pid\nDefaultRuntimeDir {place.directory}\n"
        "ErrorLog /dev/stderr\nTimeout 300\nKeepAlive On\nKeepAliveTimeout 5\n"
        f"Listen 127.0.0.1:{place.plain}\nListen 127.0.0.1:{place.secret} https\n"
        f"Include {sample}\n"
    )
    return ("/usr/sbin/apache2", "-DFOREGROUND", "-f", str(main))


async def _reload_apache(_: Place, process: trio.Process) -> None:
    process.send_signal(signal.SIGUSR1)


NGINX = Sample(
    "nginx.conf",
    _nginx_places,
    _around_nginx,
    _hang_up,
    {"location / {": "location /chat/ {"},
    {"proxy_read_timeout 60s": "proxy_read_timeout 5s"},
)
CADDY = Sample(
    "Caddyfile",
    _caddy_places,
    _around_caddy,
    _reload_caddy,
    {"reverse_proxy ": "reverse_proxy /chat* "},
    {},
    keeps=False,
)
HAPROXY = Sample(
    "haproxy.cfg",
    _haproxy_places,
    _around_haproxy,
    _reload_haproxy,
    {
        "default_backend chatd": (
            "use_backend chatd if { path /chat } || { path_beg /chat/ }"
        )
    },
    {"timeout tunnel 60s": "timeout tunnel 5s"},
)
APACHE = Sample(
    "apache.conf",
    _apache_places,
    _around_apache,
    _reload_apache,
    {
        "ProxyPass / http://127.0.0.1:8765/ ": (
            "ProxyPass /chat http://127.0.0.1:8765/chat "
        )
    },
    {"Timeout 60": "Timeout 5"},
)
NGINX_STREAM = Sample(
    "nginx-stream.conf",
    _nginx_stream_places,
    _around_nginx_stream,
    _hang_up,
    {},
    {"proxy_timeout 60s": "proxy_timeout 5s"},
    passes_bytes=True,
)
HAPROXY_TCP = Sample(
    "haproxy-tcp.cfg",
    _haproxy_tcp_places,
    _around_haproxy,
    _reload_haproxy,
    {},
    {"timeout tunnel 60s": "timeout tunnel 5s"},
    passes_bytes=True,
)
SAMPLES = (NGINX, CADDY, HAPROXY, APACHE, NGINX_STREAM, HAPROXY_TCP)
