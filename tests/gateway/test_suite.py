"""GW-20: JSON-Schema-Test-Suite, draft 2020-12, as it is in the source distribution of PyPI's jsonschema."""

import json

import pytest

REQUIRED = 1257  # tests in draft2020-12/*.json of this version
FORMATS = "date-time date time email hostname ipv4 ipv6 uri uri-reference uuid regex unknown".split()
# Left out: cross-draft (older drafts), dependencies-compatibility (draft-07's `dependencies`) and
# format-assertion (a vocabulary by which a schema itself would turn formats on).
OPTIONAL = ["anchor", "bignum", "dynamicRef", "ecmascript-regex", "float-overflow", "id", "no-schema", "non-bmp-regex",
            "refOfUnknownKeyword", "unknownKeyword"]


@pytest.fixture
def suite(tool, package):
    folder = package("suite") / "json"
    for remote in sorted(folder.glob("remotes/**/*.json")):
        if "draft2020-12" in remote.parts or remote.parent.name == "remotes":
            uri = f"http://localhost:1234/{remote.relative_to(folder / 'remotes').as_posix()}"
            assert tool.ask(f"R {uri} {json.dumps(json.loads(remote.read_text()))}") == "ok"

    def run(files, options):
        wrong, count = [], 0
        for file in files:
            for case in json.loads(file.read_text()):
                compiled = tool.compile(case["schema"], options)
                for test in case["tests"]:
                    answer = tool.ask("I " + json.dumps(test["data"]))
                    count += 1
                    if (answer == "valid") != test["valid"] or not answer.startswith(("valid", "schema ")):
                        wrong.append(f"{file.stem}: {case['description']}: {test['description']}: {compiled}: {answer}")
        return wrong, count

    run.folder = folder / "tests" / "draft2020-12"
    return run


def test_GW_20_all_required_tests_of_2020_12_pass(suite):
    wrong, count = suite(sorted(suite.folder.glob("*.json")), "remarks")
    assert wrong == []
    assert count == REQUIRED


def test_GW_20_tests_of_asserted_formats_pass(suite):
    wrong, count = suite([suite.folder / "optional" / "format" / f"{name}.json" for name in FORMATS], "formats")
    assert wrong == []
    assert count > 250


def test_GW_20_optional_tests_pass(suite):
    wrong, count = suite([suite.folder / "optional" / f"{name}.json" for name in OPTIONAL], "remarks")
    assert wrong == []
    assert count > 100
