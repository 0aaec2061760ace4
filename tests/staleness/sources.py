"""What stands in the Python files of the generated project; @N@ is the number of a content.

Each test module looks at the world in its own way while it is imported, and one of its tests reports what it saw. A kind of
look has files of its own, so that no other look can make up for one that nobody recorded. `looking` is a module of the world
that is never edited: it turns errors into values.
"""

PLAIN_MODULE = """
VALUE = @N@
"""

PACKAGE = """
import warnings
VALUE = @N@
if VALUE % 6 == 0:
    warnings.warn("package @N@", UserWarning)
"""

ALPHA = """
import os
VALUE = @N@
with_data = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data", "module.txt")
try:
    DATA = open(with_data).read()
except OSError as error:
    DATA = type(error).__name__
"""

BETA = """
from pkg import alpha
VALUE = (@N@, alpha.VALUE, alpha.DATA)
def slowly():
    from pkg import late
    return late.VALUE
"""

CONFTEST = """
import json, os
import pytest
import looking
looking.wait_if_asked("conftest")

N = @N@
HERE = os.path.dirname(os.path.abspath(__file__))
SEEN = {
    "n": N,
    "plain": looking.text(HERE, "data/plain.txt"),
    "json": looking.attempt(json.loads, looking.text(HERE, "data/config.json")),
    "variable": os.environ.get("ST_CONFTEST"),
}
pytest_plugins = ["declared_plugin"]
os.environ["ST_WRITTEN"] = "written by @N@ after " + os.environ.get("ST_BEFORE", "nothing")
if N % 8 == 0:
    collect_ignore = ["other/test_added.py"]

@pytest.fixture
def level():
    return ["top @N@"]

@pytest.fixture(scope="session")
def shared():
    return dict(SEEN)

def pytest_configure(config):
    config.addinivalue_line("markers", "slow: by conftest")

def pytest_report_header(config):
    return "conftest @N@"

if N % 7 == 0:
    def pytest_collection_modifyitems(items):
        items.reverse()
"""

INNER_CONFTEST = """
import pytest
N = @N@

@pytest.fixture
def level(level):
    return [*level, "inner @N@"]

def pytest_runtest_setup(item):
    if N % 6 == 0 and "deep" in item.name:
        pytest.skip("inner @N@")
"""

OTHER_CONFTEST = """
def pytest_itemcollected(item):
    if @N@ % 3 == 0 and "facts" in item.name:
        item.user_properties.append(("collected", @N@))

if @N@ % 10 == 0:
    raise RuntimeError("other @N@")
"""

PLUGIN = """
def pytest_report_header(config):
    return "declared @N@"

def pytest_generate_tests(metafunc):
    if "generated" in metafunc.fixturenames:
        metafunc.parametrize("generated", range(@N@ % 3))
"""

NAMED_PLUGIN = """
import os

def pytest_report_header(config):
    return "named @N@ " + os.environ.get("ST_PLUGIN", "unset")
"""

TEST_SMALL = """
def test_small(record_property):
    record_property("n", @N@)
    assert @N@ % 3

def check_small():
    assert @N@ % 2
"""

TEST_FILES = """
import configparser, ctypes, glob, mmap, os, sqlite3, sys
import pytest
import looking
looking.wait_if_asked("module")

N = @N@
DATA = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data")

def parsed():
    parser = configparser.ConfigParser()
    parser.read(os.path.join(DATA, "settings.ini"))
    return parser.get("section", "number", fallback="none")

def from_database():
    connection = sqlite3.connect(f"file:{DATA}/base.sqlite?mode=ro", uri=True)
    try:
        return connection.execute("select number from facts").fetchall()
    finally:
        connection.close()

def natively():
    libc = ctypes.CDLL(None)
    libc.fopen.restype = ctypes.c_void_p
    libc.fread.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_void_p]
    libc.fclose.argtypes = [ctypes.c_void_p]
    stream = libc.fopen(os.path.join(DATA, "native.txt").encode(), b"r")
    if not stream:
        return None
    buffer = ctypes.create_string_buffer(64)
    libc.fread(buffer, 1, 63, stream)
    libc.fclose(stream)
    return buffer.value.decode()

def mapped():
    with open(os.path.join(DATA, "mapped.txt"), "rb") as file:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            return view[:].decode()

def by_descriptor():
    directory = os.open(DATA, os.O_RDONLY)
    try:
        file = os.open("descriptor.txt", os.O_RDONLY, dir_fd=directory)
        try:
            return os.read(file, 64).decode()
        finally:
            os.close(file)
    finally:
        os.close(directory)

FACTS = {
    "sometimes": looking.text(DATA, "sometimes.txt"),
    "relative": looking.text("data", "relative.txt"),
    "parsed": looking.attempt(parsed),
    "database": looking.attempt(from_database),
    "native": natively(),
    "mapped": looking.attempt(mapped),
    "descriptor": looking.attempt(by_descriptor),
    "globbed": sorted(os.path.basename(path) for path in glob.glob(os.path.join(DATA, "globbed", "*.txt"))),
    "walked": sorted(name for _, names, files in os.walk(os.path.join(DATA, "tree")) for name in names + files),
}

def test_facts(record_property, shared, level):
    record_property("n", N)
    record_property("facts", FACTS)
    record_property("shared", shared)
    record_property("level", level)

@pytest.mark.skipif(N % 5 == 0, reason="n is @N@")
def test_number():
    assert N % 4, "a multiple of four"
"""

TEST_LOOKS = """
import os, stat
import pytest
import looking

N = @N@
DATA = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data")
NAMES = ("one", "three")

def each(kind, function):
    return [looking.attempt(function, os.path.join(DATA, kind, name)) for name in NAMES]

FACTS = {
    "exists": each("exists", os.path.exists),
    "times": each("times", os.path.getmtime),
    "sizes": each("sizes", os.path.getsize),
    "access": each("access", lambda path: [os.access(path, mode) for mode in (os.F_OK, os.R_OK, os.W_OK, os.X_OK)]),
    "kinds": each("kinds", lambda path: (os.path.isfile(path), os.path.isdir(path), stat.S_IMODE(os.stat(path).st_mode))),
    "lstat": each("lstat", lambda path: (stat.S_IFMT(os.lstat(path).st_mode), os.path.islink(path), os.path.lexists(path))),
    "paths": each("paths", lambda path: os.path.relpath(os.path.realpath(path), DATA)),
}

def test_facts(record_property):
    record_property("n", N)
    record_property("facts", FACTS)

@pytest.mark.slow
@pytest.mark.parametrize("x", range(N % 3))
def test_more(x):
    assert x != 1
"""

TEST_LINKS = """
import os
import looking

N = @N@
LINKS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data", "links")

def path(name):
    return os.path.join(LINKS, name)

FACTS = {
    "file": looking.text(LINKS, "file"),
    "dangling": os.path.exists(path("dangling")),
    "through": looking.text(LINKS, "directory/value.txt"),
    "named": looking.attempt(os.readlink, path("named")),
    "module": looking.value_of_module(path("module.py")),
}

def test_facts(record_property):
    record_property("n", N)
    record_property("facts", FACTS)
"""

TEST_CASES = """
import json, os
import pytest
import looking

N = @N@
DATA = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data")
with open(os.path.join(DATA, "cases.json")) as file:
    CASES = json.load(file)["cases"]

@pytest.mark.parametrize("case", CASES)
def test_json(case, record_property):
    record_property("case", case)
    assert case % 4

@pytest.mark.parametrize("name", sorted(os.listdir(os.path.join(DATA, "listed"))))
def test_listed(name, record_property):
    record_property("content", looking.text(DATA, "listed/" + name))

def test_generated(generated):
    pass
"""

TEST_DEEP = """
import warnings
import pytest
from pkg.sub import gamma

N = @N@

def test_deep(level, record_property):
    record_property("values", [N, gamma.VALUE, level])
    if N % 4 == 0:
        warnings.warn("deep @N@", UserWarning)

@pytest.mark.xfail(reason="n is @N@")
def test_odd():
    assert N % 2

class TestGroup:
    if N % 3 == 0:
        def test_more(self):
            pass
    def test_in_class(self):
        assert N % 7, "a multiple of seven"
"""

TEST_MODULES = """
import importlib.util
import pkg, library_module
from pkg import alpha, beta, shadowed
import pkg.sub
import looking

N = @N@
try:
    from pkg import optional
except ImportError:
    optional = None
FACTS = {
    "package": pkg.VALUE,
    "alpha": alpha.VALUE,
    "beta": beta.VALUE,
    "shadowed": shadowed.VALUE,
    "sub": getattr(pkg.sub, "VALUE", None),
    "library": library_module.VALUE,
    "optional": optional and optional.VALUE,
    "extra": importlib.util.find_spec("extra_module") is not None,
}

def test_facts(record_property):
    record_property("n", N)
    record_property("facts", FACTS)

def test_late(record_property):
    record_property("late", beta.slowly())

def test_rewritten():
    assert [N % 5, "rewritten"] != [0, "rewritten"]
"""

TEST_ENVIRONMENT = """
import os, shutil, time
import looking

N = @N@
FACTS = {
    "get": os.environ.get("ST_GET"),
    "item": looking.attempt(lambda: os.environ["ST_ITEM"]),
    "in": "ST_IN" in os.environ,
    "getenv": os.getenv("ST_GETENV"),
    "bytes": os.environb.get(b"ST_BYTES"),
    "swept": sorted(name for name in os.environ if name.startswith("ST_SWEPT")),
    "written": os.environ.get("ST_WRITTEN"),
    "zone": time.tzname[0],
    "home": os.path.expanduser("~"),
    "native": looking.native_variable("ST_NATIVE"),
    "directory": os.getcwd(),
    "which": looking.attempt(shutil.which, "st-command"),
}

def test_facts(record_property):
    record_property("n", N)
    record_property("facts", FACTS)

def test_now(record_property):
    record_property("all", sorted(f"{name}={value}" for name, value in os.environ.items() if name.startswith("ST_")))
    record_property("zone", time.strftime("%Z", time.localtime(0)))
"""

TEST_INSTALLED = """
import importlib.metadata
import looking

N = @N@

def points():
    found = importlib.metadata.entry_points()
    chosen = found.select(group="thing.parts") if hasattr(found, "select") else found.get("thing.parts", [])
    return sorted(point.name for point in chosen)

FACTS = {
    "thing": looking.imported("thing", "VALUE"),
    "thing version": looking.attempt(importlib.metadata.version, "thing"),
    "thing data": looking.imported("thing", "DATA"),
    "points": points(),
    "edited": looking.imported("edited", "VALUE"),
    "edited version": looking.attempt(importlib.metadata.version, "edited"),
    "extra": looking.imported("extra_module", "VALUE"),
}

def test_facts(record_property):
    record_property("n", N)
    record_property("facts", FACTS)
"""

LOOKING = """
import ctypes, importlib, os, runpy

_GATE = {gate!r}

def attempt(function, *arguments):
    try:
        return function(*arguments)
    except Exception as error:
        return type(error).__name__

def text(directory, name):
    def read():
        with open(os.path.join(directory, name)) as file:
            return file.read()
    return attempt(read)

def imported(name, attribute):
    return attempt(lambda: getattr(importlib.import_module(name), attribute))

def value_of_module(path):
    return attempt(lambda: runpy.run_path(path)["VALUE"])

def native_variable(name):
    libc = ctypes.CDLL(None)
    libc.getenv.restype = ctypes.c_char_p
    value = libc.getenv(name.encode())
    return value and value.decode()

def wait_if_asked(place):
    if os.path.exists(os.path.join(_GATE, place)):
        import gate
        gate.reach(place)
        gate.hold()
"""

# Shows the session's reports and warnings as lines of the terminal's summary.
REPORT_PLUGIN = """
import json
import pytest

MARK = "@@ "

def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Listener(), "staleness_listener")

class Listener:
    def __init__(self):
        self.lines = []

    def add(self, **values):
        self.lines.append(MARK + json.dumps(values, sort_keys=True, default=repr))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report):
        self.add(id=report.nodeid, when=report.when, outcome=report.outcome, xfail=getattr(report, "wasxfail", None),
                 message=message_of(report))
        if report.when == "teardown":
            for name, value in report.user_properties:
                facts = value.items() if isinstance(value, dict) else [("", value)]
                for fact, what in facts:
                    self.add(id=report.nodeid, property=name, fact=fact, value=what)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collectreport(self, report):
        if not report.passed:
            self.add(collector=report.nodeid, outcome=report.outcome, message=message_of(report))

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message, when, nodeid):
        warning = warning_message.message
        self.add(warning=type(warning).__name__, message=str(warning), when=when, id=nodeid)

    def pytest_terminal_summary(self, terminalreporter):
        for line in self.lines:
            terminalreporter.write_line(line)

def message_of(report):
    if report.passed:
        return None
    if isinstance(report.longrepr, tuple):
        return report.longrepr
    crash = getattr(report.longrepr, "reprcrash", None)
    return crash.message if crash else str(report.longrepr)
"""
