"""The generator refuses a schema that could not be spoken, and says which entry is wrong."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

PROTOCOL = Path(__file__).resolve().parent.parent.parent / "protocol"
GOOD = """
[protocol]
features = []
[limits]
frame_bytes = 1
string_bytes = 1
bytes_bytes = 1
list_items = 1
nesting = 1
descriptors = 1
[enum.colour]
doc = "Meaning."
values = ["red", "green"]
[struct.outer]
doc = "Meaning."
fields = [["inside", "list<inner>", ""]]
[struct.inner]
doc = "Meaning."
fields = [["colour", "colour", ""]]
[message.second]
id = 2
doc = "Meaning."
fields = []
[message.first]
id = 1
doc = "Meaning."
fields = [["number", "uint", ""], ["numbers", "list<int>", ""]]
[retired]
names = ["old"]
ids = [9]
"""


@pytest.fixture(scope="module")
def schema() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "hearth_schema_under_test", PROTOCOL / "schema.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_orders_messages_by_id_and_structs_by_use(schema: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "schema.toml"
    path.write_text(GOOD)
    description = schema.load(path)
    assert [message.name for message in description.messages] == ["first", "second"]
    assert list(description.structs) == ["inner", "outer"]


def test_its_version_is_another_one_for_another_meaning(schema: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "schema.toml"
    versions = []
    for text in (
        GOOD,
        GOOD.replace("Meaning.", "Something else."),
        GOOD.replace('"number", "uint"', '"number", "int"'),
        GOOD.replace("nesting = 1", "nesting = 2"),
    ):
        path.write_text(text)
        versions.append(schema.load(path).version)
    assert versions[0] == versions[1]
    assert len(set(versions)) == 3


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("id = 2", "id = 1", "same id 1"),
        ('id = 2\ndoc = "Meaning."', 'id = 2\ndoc = ""', "second: its doc is empty"),
        ("id = 2", "id = 9", "retired"),
        ("id = 2", "id = 0", "positive"),
        ("id = 2", "id = 2\nkind = 1", "second: must have exactly"),
        ("[message.second]", "[message.old]", "retired"),
        ("[message.second]", "[message.colour]", "used twice or reserved: colour"),
        ("[message.second]", "[message.Second]", "'Second' is not snake_case"),
        (
            '["number", "uint", ""]',
            '["class", "uint", ""]',
            "'class' is not snake_case, or a keyword",
        ),
        ('["number", "uint", ""]', '["numbers", "uint", ""]', "first: a field appears twice"),
        ('["number", "uint", ""]', '["number", "u64", ""]', "first.number: unknown type u64"),
        ('["number", "uint", ""]', '["number", "list<list<int>>", ""]', "unknown type list<list"),
        ('["number", "uint", ""]', '["number", "uint"]', "first: a field is"),
        ('["colour", "colour", ""]', '["back", "outer", ""]', "contains itself"),
        ('["red", "green"]', '["red", "red"]', "enum colour"),
        ('["red", "green"]', "[]", "enum colour"),
        ("nesting = 1\n", "", "limits"),
        ("[retired]", "[strutc.x]\n[retired]", "unknown tables: strutc"),
    ],
)
def test_refuses(schema: ModuleType, tmp_path: Path, old: str, new: str, complaint: str) -> None:
    assert GOOD.count(old) == 1
    path = tmp_path / "schema.toml"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(schema.SchemaError) as refusal:
        schema.load(path)
    assert complaint in str(refusal.value)


def test_check_tells_how_to_bring_generated_files_up_to_date(tmp_path: Path) -> None:
    # A copy of the generator beside another schema: nothing has been generated there yet.
    for source in PROTOCOL.glob("*.py"):
        (tmp_path / "protocol").mkdir(exist_ok=True)
        (tmp_path / "protocol" / source.name).write_text(source.read_text("utf-8"), "utf-8")
    (tmp_path / "protocol/schema.toml").write_text(GOOD)
    command = [sys.executable, str(tmp_path / "protocol/generate.py")]

    check = subprocess.run([*command, "--check"], capture_output=True, text=True, check=False)
    assert check.returncode == 1
    assert check.stderr.count("run protocol/generate.py and commit") == 3

    subprocess.run(command, check=True)
    assert subprocess.run([*command, "--check"], check=False).returncode == 0
