"""Where the configuration is: what travels to Spark's executors instead of it.

Spark keeps the options of a data source in plans, which its pages and logs may show. So
they say where a configuration is found, a file, a command or an environment variable,
or have one in which each secret is written `${NAME}`. Whoever connects reads it anew,
on the driver's machine and on each executor's.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from routedb.config import load
from routedb.config.mask import config_error, is_secret_key, mask
from routedb.config.model import ClusterConfig
from routedb.sharding import check_rules

if TYPE_CHECKING:
    from routedb.runtime import Source  # an executor needs no runtime

_REFERENCE = re.compile(r"\$\{[^}]*\}")
# A reference in the place of a password, with what makes it one.
_REFERRED = re.compile(r":\$\{[^}]*\}@|\w+\s*=\s*\$\{[^}]*\}")


@dataclass(frozen=True, slots=True)
class Command:
    """A configuration that a command prints, as TOML: `Command("vault-toml shop")`.

    It is run without a shell, on the driver's machine and on each executor's.
    """

    text: str


@dataclass(frozen=True, slots=True)
class ConfigSource:
    """One of a file's `path`, a `command`, or a `text`, JSON without secrets; none of
    them is ROUTEDB_CONFIG, as it is where the configuration is read."""

    path: str = ""
    command: str = ""
    text: str = ""

    def load(self) -> ClusterConfig:
        """Read the configuration. Raises ConfigError."""
        found: Any = _found(self.path) if self.path else None
        read: Callable[[str], str] = _read
        if self.command:
            said = _output(self.command)
            found, read = "config_command.toml", lambda _: said
        elif self.text:
            found = json.loads(self.text)
        config = load(found, {}, os.environ, read)
        check_rules(config)
        return config


def source_of(config: Source | Command | ConfigSource) -> ConfigSource:
    """Return what travels of `config`. Raises ConfigError for a mapping or a DSN with a
    secret in it."""
    if isinstance(config, ConfigSource):
        return config
    if isinstance(config, Command):
        return ConfigSource(command=config.text)
    if config is None:
        return ConfigSource()
    if isinstance(config, os.PathLike):
        return ConfigSource(path=os.fspath(config))
    if isinstance(config, str) and config.endswith(".toml") and "://" not in config:
        return ConfigSource(path=config)
    for place in _secrets("", "", config):
        raise config_error(
            f"spark: {place or 'the DSN'} has a secret in it, and what is given as a "
            "mapping or a DSN stands in Spark's plans: write ${NAME} in its place, and "
            "set that variable for the driver and the executors; or give the path of a "
            "file, or a Command"
        )
    return ConfigSource(text=json.dumps(config))


def _secrets(place: str, key: str, value: Any) -> Iterator[str]:
    """Yield the places in `value`, which is at `place` under `key`, of secrets."""
    if isinstance(value, Mapping):
        for inner, found in value.items():
            yield from _secrets(f"{place}.{inner}".lstrip("."), str(inner), found)
    elif isinstance(value, list | tuple):
        for number, found in enumerate(value):
            yield from _secrets(f"{place}[{number}]", key, found)
    elif isinstance(value, str):
        said = _REFERRED.sub("@", value)
        is_key = is_secret_key(key) and _REFERENCE.fullmatch(value) is None
        if is_key or mask(said) != said:
            yield place


def _read(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


def _found(path: str) -> str:
    """Return where the file is: as named, or where Spark has put what `--files`
    names."""
    if os.path.isabs(path) or Path(path).exists():
        return path
    from pyspark import SparkFiles  # noqa: PLC0415  (only where it is missing)

    shipped = str(SparkFiles.get(path))
    return shipped if Path(shipped).exists() else path


def _output(command: str) -> str:
    try:
        done = subprocess.run(
            shlex.split(command), check=True, capture_output=True, text=True
        )
    except OSError as exc:
        raise config_error(f"config_command {command}: {exc.strerror}") from None
    except subprocess.CalledProcessError as exc:
        # What it has printed may be the secret.
        said = f"config_command {command}: exit status {exc.returncode}"
        raise config_error(said) from None
    return done.stdout
