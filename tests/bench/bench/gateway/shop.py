"""shop: the API whose requests are measured: a document, a GET and a POST, each with an answer of 1 KiB."""

import json

ACCOUNT = {
    "id": 1000, "owner": "anna@example.test", "name": "Anna Example", "opened": "2021-04-01", "currency": "CHF", "balance": 1204.55,
    "address": {"street": "Marktgasse 12", "city": "Bern", "postcode": "3011", "country": "CH"},
    "tags": ["private", "e-banking"],
    "moves": [{"id": f"0f8fad5b-d9cb-469f-a165-70867728950{n}", "at": f"2026-03-0{n + 1}T08:15:30Z", "amount": -12.5 * (n + 1), "text": "Shop 4711"}
              for n in range(5)],
}
ORDER = {
    "customer": "anna@example.test", "currency": "CHF", "note": "Please ring twice; the parcel may be left at the door.",
    "shipping": {"street": "Marktgasse 12", "city": "Bern", "postcode": "3011", "country": "CH"},
    "items": [{"sku": f"SKU-{1000 + n}", "title": "Notebook, ruled", "quantity": n + 1, "price": 4.9, "gift": False} for n in range(8)],
}
ADDRESS = {"type": "object", "required": ["street", "city", "postcode", "country"], "additionalProperties": False,
           "properties": {"street": {"type": "string", "maxLength": 80}, "city": {"type": "string", "maxLength": 40},
                          "postcode": {"type": "string", "pattern": "^[0-9]{4,5}$"}, "country": {"type": "string", "pattern": "^[A-Z]{2}$"}}}
SCHEMAS = {
    "Address": ADDRESS,
    "Account": {"type": "object", "required": ["id", "owner", "balance", "moves"], "properties": {
        "id": {"type": "integer", "minimum": 1}, "owner": {"type": "string", "format": "email"}, "name": {"type": "string", "maxLength": 80},
        "opened": {"type": "string", "format": "date"}, "currency": {"enum": ["CHF", "EUR", "USD"]}, "balance": {"type": "number"},
        "address": {"$ref": "#/components/schemas/Address"}, "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        "fill": {"type": "string"},
        "moves": {"type": "array", "maxItems": 100, "items": {"type": "object", "required": ["id", "at", "amount"], "properties": {
            "id": {"type": "string", "format": "uuid"}, "at": {"type": "string", "format": "date-time"}, "amount": {"type": "number"},
            "text": {"type": "string", "maxLength": 140}}}}}},
    "Order": {"type": "object", "required": ["customer", "items"], "additionalProperties": False, "properties": {
        "customer": {"type": "string", "format": "email"}, "currency": {"enum": ["CHF", "EUR", "USD"]}, "note": {"type": "string", "maxLength": 400},
        "shipping": {"$ref": "#/components/schemas/Address"},
        "items": {"type": "array", "minItems": 1, "maxItems": 50, "items": {"type": "object", "required": ["sku", "quantity"],
                  "additionalProperties": False, "properties": {
                      "sku": {"type": "string", "pattern": "^SKU-[0-9]+$"}, "title": {"type": "string", "maxLength": 80},
                      "quantity": {"type": "integer", "minimum": 1, "maximum": 100}, "price": {"type": "number", "minimum": 0},
                      "gift": {"type": "boolean"}}}}}},
}


def _json(schema):
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


DOCUMENT = {
    "openapi": "3.1.0", "info": {"title": "shop", "version": "1"},
    "paths": {
        "/v1/accounts/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}},
                           {"name": "fields", "in": "query", "schema": {"enum": ["all", "short"]}},
                           {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 100}}],
            "get": {"operationId": "account", "responses": {"200": {"description": "an account", "content": _json("Account")}}}},
        "/v1/orders": {"post": {"operationId": "order", "requestBody": {"required": True, "content": _json("Order")},
                                "responses": {"200": {"description": "the account", "content": _json("Account")}}}},
    },
    "components": {"schemas": SCHEMAS},
}


def answer(size=1024):
    """The account as JSON of exactly that many bytes."""
    short = len(json.dumps({**ACCOUNT, "fill": ""}))
    return json.dumps({**ACCOUNT, "fill": "x" * (size - short)})


# A browser's request of 733 bytes with its request line and Host (the filler makes it so).
FIELDS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Accept": "application/json, text/plain, */*", "Accept-Language": "en-GB,en;q=0.9,de;q=0.8", "Cache-Control": "no-cache",
    "Pragma": "no-cache", "Referer": "https://shop.example.test/accounts/overview", "Origin": "https://shop.example.test",
    "Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "empty",
    "Cookie": "sid=8f14e45fceea167a5a36dedd4bea2543; theme=dark; lang=en; consent=2026-01-01",
}
GET = "/v1/accounts/1000?fields=all&limit=20"
POST = "/v1/orders"
BODY = json.dumps(ORDER)


def fields(host, method):
    """The fields of a request, which with its line and end is 733 bytes long (a GET)."""
    line = f"GET {GET} HTTP/1.1\r\nHost: {host}\r\n"
    have = len(line) + sum(len(n) + len(v) + 4 for n, v in FIELDS.items()) + 2
    more = {"X-Request-Id": "r" * (733 - have - len("X-Request-Id: \r\n"))}
    return {**FIELDS, **more} if method == "GET" else {**FIELDS, **more, "Content-Type": "application/json"}


def head(host):
    """The GET as it goes over the wire."""
    return f"GET {GET} HTTP/1.1\r\nHost: {host}\r\n" + "".join(f"{n}: {v}\r\n" for n, v in fields(host, "GET").items()) + "\r\n"
