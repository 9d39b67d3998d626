"""`routedb run`: a program that does not notice, but for whom it is connected to."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.later import one_of

ASK = """
import psycopg2, sys
connection = psycopg2.connect("host=nowhere.invalid")
cursor = connection.cursor()
cursor.execute("SELECT count(*) FROM t")
print(type(connection).__module__.partition('.')[0], *cursor.fetchone(), *sys.argv[1:])
"""


@pytest.fixture
def program(tmp_path):
    """Write a program; return a function that runs it, by routedb or by python."""

    def write(text, name="program.py"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def python(*words, cwd=None):
    command = [sys.executable, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)


def run(*words, cwd=None):
    return python("-m", "routedb", "run", *words, cwd=cwd)


def test_a_script_is_connected_to_the_configuration(program, config):
    ran = run("--config", config, "--driver", "psycopg2", program(ASK), "-x", "--help")
    assert ran.stderr == ""
    assert ran.stdout == "routedb 2 -x --help\n"
    assert ran.returncode == 0


def test_a_module_is_too_and_its_options_are_its_own(program, config):
    path = program(ASK, "asking.py")
    words = ("--driver=psycopg2", "--config", config)
    ran = run(*words, "-m", "asking", "--config", "its own", cwd=path.parent)
    assert ran.stdout == "routedb 2 --config its own\n", ran.stderr


def test_a_shadow_is_reported_at_the_end(program, config):
    words = ("--shadow", "--driver", "psycopg2", "--config", config)
    ran = run(*words, program(ASK + "\nsys.exit(3)"))
    assert (ran.returncode, ran.stdout) == (3, "routedb 2\n")
    assert "1 statements of 1 shapes" in ran.stderr
    assert "SELECT count(*) FROM t" in ran.stderr


def test_where_statements_went_is_reported_at_the_end(program, config):
    words = ("--report", "--driver", "psycopg2", "--config", config)
    ran = run(*words, program(ASK))
    assert ran.stdout == "routedb 2\n"
    assert "1 statements of 1 shapes" in ran.stderr
    assert "SELECT count(*) FROM t" in ran.stderr


SHOWN = """
import sys, helper
print(__name__, __file__, sys.argv, sys.path[0], helper.__file__)
"""


TEXT = "import sys, helper; print(__name__, sys.argv, sys.path[0], helper.__file__)"


@pytest.mark.parametrize(
    "words",
    [
        ("program.py", "a", "-b"),
        ("-m", "program", "-b"),
        ("-c", TEXT),
        ("-c", TEXT, "-c", "--config", "--", "a"),
        (f"-c{TEXT}", "a"),
        ("-c", f"{TEXT}; sys.exit('bad')"),
    ],
)
def test_a_program_finds_what_python_would_show_it(program, words):
    folder = program("", "helper.py").parent
    program(SHOWN)
    plain, routed = python(*words, cwd=folder), run(*words, cwd=folder)
    assert routed.stdout == plain.stdout != "", routed.stderr


def test_the_module_main_outlives_the_program(program):
    text = (
        "import threading, sys\nvalue = 7\n"
        "def late():\n    threading.main_thread().join()\n"
        "    print(sys.modules['__main__'].value)\n"
        "threading.Thread(target=late).start()\n"
    )
    ran = run(program(text))
    assert (ran.stdout, ran.stderr) == ("7\n", "")


def test_a_folder_is_run_by_its_main(program):
    folder = program("import sys; print(__name__, sys.argv[1:])", "__main__.py").parent
    ran = run(folder, "a")
    assert ran.stdout == "__main__ ['a']\n", ran.stderr


ENDS = [
    "import sys; sys.exit(3)",
    "raise SystemExit('no good')",
    "import sys; sys.exit()",
    "def f():\n    1 / 0\n\nf()",
    "raise EOFError('the end')",
    "raise OSError(32, 'Broken pipe')",
    "try:\n    1 / 0\nexcept Exception as e:\n    raise KeyError('k') from e",
    "import helper; helper.missing",
    "def f(:\n",
    "import sys; sys.excepthook = lambda *a: print('mine', a[0]); 1 / 0",
    "import atexit; atexit.register(print, 'bye'); raise ValueError('x')",
]


@pytest.mark.parametrize("text", one_of(2, ENDS))
def test_a_program_ends_as_under_python(program, text):
    folder = program("", "helper.py").parent
    path = program(text)
    plain, routed = python(path, cwd=folder), run(path, cwd=folder)
    assert routed.returncode == plain.returncode
    assert routed.stdout == plain.stdout
    assert routed.stderr == plain.stderr


def test_an_interrupted_program_ends_with_130(program):
    ran = run(program("raise KeyboardInterrupt"))
    assert ran.returncode == 130
    assert ran.stderr.endswith("\nKeyboardInterrupt\n")
    assert "routedb" not in ran.stderr


WRONG = [
    ((), 2, "give a script, -m and a module, or -c and code"),
    (("-c",), 2, "'-c' requires an argument"),
    (("-m",), 2, "'-m' requires an argument"),
    (("no-such-command",), 2, "there is none, nor a command on PATH"),
    (("sh", "-x"), 2, "is not written in Python"),
    (("missing.py",), 2, "can't open file 'missing.py'"),
    (("-m", "missing_module"), 1, "No module named missing_module"),
    (("--config", "oracle://x", "program.py"), 2, "ConfigError: "),
    (("--driver", "pg8000", "program.py"), 1, "drivers are psycopg2, MySQLdb"),
]


@pytest.mark.parametrize(("words", "code", "said"), WRONG)
def test_what_cannot_be_run_is_told_without_a_traceback(program, words, code, said):
    ran = run(*words, cwd=program("print('ran')").parent)
    assert (ran.returncode, ran.stdout) == (code, "")
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr
