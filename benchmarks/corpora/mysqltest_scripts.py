"""Take a script of MariaDB's and MySQL's test program apart into statements.

The program's own commands are left out, and so are statements that it makes of its
variables (`eval`). What the conditions of `if` and `while` hold is taken as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_STATEMENT_FOLLOWS = re.compile(
    r"(send|query|query_vertical|query_horizontal|send_eval|evalp?)\s+", re.IGNORECASE
).match
_COMMAND = re.compile(
    r"(let|source|echo|error|connect|connection|disconnect|dirty_close|reap|send|exec"
    r"|execw|system|die|exit|skip|inc|dec|sleep|real_sleep|perl|remove_files?\w*"
    r"|file_exists|write_file\w*|append_file|cat_file|diff_files|copy_files?\w*"
    r"|move_file|chmod|mkdir|rmdir|force-\w+|list_files\w*|replace_\w+|sorted_result"
    r"|lowercase_result|vertical_results|horizontal_results|enable_\w+|disable_\w+"
    r"|result_format|character_set|ping|send_\w+|shutdown_server|start_timer|end_timer"
    r"|set_timeout|reset_connection|change_user|query_get_value|require|output|eval"
    r"|evalp|assert|if|while|end|result|optimizer_trace|ps_protocol|view_protocol"
    r"|restart_mysqld|kill_mysqld|use_result|source_include|remove_file\w*)\b(?!\s*\()"
    r"|(connect|if|while)\s*\(",
    re.IGNORECASE,
).match
_FILE_FOLLOWS = re.compile(r"(perl|write_file|append_file)\b\s*(.*)", re.I | re.S).match
_DELIMITER = re.compile(r"delimiter\s+(\S+)", re.IGNORECASE).match
_BLOCK = re.compile(r"(?:\}\s*)*(?:(?:if|while)\s*\([^\n]*|\{\s*|\Z)", re.I).match
_QUOTED = r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"|`[^`]*`"
_COMMENT = r"--[ \t][^\n]*|#[^\n]*|/\*.*?\*/"


def texts(content: bytes) -> Iterator[str]:
    """Yield the statements of a script, in order."""
    delimiter = ";"
    lines = iter(content.decode("utf-8", "replace").split("\n"))
    pending = ""
    for line in lines:
        if not pending.strip():
            start = line.strip()
            if not start or start.startswith("#"):
                continue
            if start.startswith("--"):
                command = start[2:].strip()
                if told := _DELIMITER(command):
                    delimiter = told[1]
                _pass_over_file(command, lines)
                continue
            block = _BLOCK(start)
            if block and block.end() == len(start):
                continue
        pending += line + "\n"
        while (end := _end(pending, delimiter)) is not None:
            text, pending = pending[:end].strip(), pending[end + len(delimiter) :]
            text = text.lstrip("{} \t\n")
            if told := _DELIMITER(text):
                delimiter = told[1]
            elif statement := _statement(text):
                yield statement
            else:
                _pass_over_file(text, lines)
            if pending.lstrip().startswith("#"):
                pending = ""


def _end(text: str, delimiter: str) -> int | None:
    """Return where the first delimiter outside of quotes and comments stands."""
    if delimiter not in text:
        return None
    tokens = re.compile(f"{_QUOTED}|{_COMMENT}|({re.escape(delimiter)})", re.DOTALL)
    for match in tokens.finditer(text):
        if match[1]:
            return match.start()
    return None


def _statement(text: str) -> str:
    """Return the statement that stands there, "" for a command of the program."""
    if prefix := _STATEMENT_FOLLOWS(text):
        rest = text[prefix.end() :]
        return "" if "$" in rest else rest
    return "" if _COMMAND(text) else text


def _pass_over_file(command: str, lines: Iterator[str]) -> None:
    """Pass over the lines that a command takes for the content of a file."""
    found = _FILE_FOLLOWS(command)
    if found is None:
        return
    words = found[2].rstrip(";").split()
    has_own = len(words) > (0 if found[1].lower() == "perl" else 1)
    end = words[-1] if has_own else "EOF"
    for line in lines:
        if line.strip() == end:
            return
