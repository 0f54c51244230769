"""GW-26: what we pass on is read alike by everyone. Odd JSON goes to the validator, to Python and to Node."""

import json
import math
import random
import subprocess

from conftest import text

NODE = """
const out = [];
for (const line of require('fs').readFileSync(0, 'utf8').split('\\n').filter(Boolean)) {
    const bytes = Buffer.from(line, 'hex');
    try {
        const s = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true}).decode(bytes);
        out.push(JSON.stringify({v: JSON.parse(s)}));
    } catch (e) { out.push('null'); }
}
console.log(out.join('\\n'));
"""

ODD = [
    b'{"a":1,"a":2}', b'{"a":1,"\\u0061":2}', b'{"a":{"b":1,"b":1}}', b'{"":1,"":2}',
    b'"\\ud800"', b'"\\udc00x"', b'"\\ud83d\\ude00"', b'["\\uD83D"]', b'{"\\ud800":1}',
    b'\xef\xbb\xbf{}', b'\xef\xbb\xbf', b'{}\xef\xbb\xbf', b'"\xef\xbb\xbf"',
    b'"a\x00b"', b'"a\\u0000b"', b'{}\x00', b'\x00{}', b'{"a\\u0000":1,"a":2}',
    b'1e400', b'-1e400', b'[1e309]', b'1e308', b'1.7976931348623157e308', b'1.7976931348623159e308', b'1e-400', b'0e999999999',
    b'-0', b'-0.0', b'[0,-0]', b'9007199254740993', b'-9007199254740993', b'18446744073709551616', b'9' * 400, b'1' + b'0' * 308,
    b'[' * 64 + b']' * 64, b'[' * 65 + b']' * 65, b'[' * 100000 + b']' * 100000, b'[' * 100000, b'{"a":' * 70 + b'1' + b'}' * 70,
    b'NaN', b'Infinity', b'-Infinity', b'nan', b'[NaN]', b'undefined', b'None', b'True',
    b'01', b'-01', b'1.', b'.1', b'+1', b'0x1', b'1e', b'1_0', b'--1', b'- 1', b'1e+', b'00', b'-',
    b'[1,]', b'[,1]', b'{"a":1,}', b'{a:1}', b"{'a':1}", b'{"a" 1}', b'{"a":}', b'[1 2]', b'{}{}', b'1 1', b'[]]', b'[', b'{',
    b'// c\n1', b'/* c */1', b'1 // c', b'#1', b'"\t"', b'"\n"', b'"\\x41"', b'"\\u12"', b'"\\u00g0"', b'"\\"', b'"', b'',
    b' ', b'\n\n', b'\x0b1', b'\xa01', b'\xc2\xa01', b'\xe2\x80\xa81', b'"\xe2\x80\xa8"', b'\x0c1', b'\x1f1', b'"\x7f"',
    b'"\xff"', b'"\xc0\x80"', b'"\xed\xa0\x80"', b'"\xf4\x90\x80\x80"', b'"\xe2\x82"', b'"\xf0\x9f\x98\x80"',
    b't\x00r\x00u\x00e\x00', b'\xff\xfet\x00', b'{\x00}\x00', b'null', b'nul', b'nulll', b'tru', b'TRUE',
    b'{"__proto__":1}', b'{"constructor":{"prototype":1}}', b'{"a":1,"A":2}', b'{"\xc3\xa9":1,"e\xcc\x81":2}',
]
SAMPLE = b'{"name":"\xc3\xa9\\u00e9\\n","list":[1,-2.5e-3,1e3,true,false,null,{"deep":{"x":[[]]}}],"big":12345678901234567890123}'


def python(data):
    """What Python reads: ("ok", value), or None. A name that stands twice is no value here: its reading depends on the reader."""
    def once(pairs):
        names = [n for n, _ in pairs]
        if len(set(names)) != len(names):
            raise ValueError("twice")
        return dict(pairs)

    def no(word):
        raise ValueError(word)

    try:
        return ("ok", json.loads(data.decode("utf-8", "strict"), object_pairs_hook=once, parse_constant=no))
    except (ValueError, RecursionError):
        return None


def finite(v):
    if isinstance(v, float):
        return math.isfinite(v)
    if isinstance(v, int):
        try:
            return math.isfinite(float(v))
        except OverflowError:
            return False
    if isinstance(v, dict):
        return all(finite(x) for x in v.values())
    return all(finite(x) for x in v) if isinstance(v, list) else True


def scalar_values(v):
    if isinstance(v, str):
        return not any(0xD800 <= ord(c) <= 0xDFFF for c in v)
    if isinstance(v, dict):
        return all(scalar_values(k) and scalar_values(x) for k, x in v.items())
    return all(scalar_values(x) for x in v) if isinstance(v, list) else True


def depth(v):
    if isinstance(v, (list, dict)):
        return 1 + max((depth(x) for x in (v.values() if isinstance(v, dict) else v)), default=0)
    return 0


def alike(p, n):
    """Python's value and Node's: numbers as doubles, since that is all that Node has."""
    if isinstance(p, bool) or p is None or isinstance(p, str):
        return p == n and type(p) is type(n)
    if isinstance(p, (int, float)):
        return isinstance(n, (int, float)) and not isinstance(n, bool) and float(p) == float(n)
    if isinstance(p, list):
        return isinstance(n, list) and len(p) == len(n) and all(map(alike, p, n))
    return isinstance(n, dict) and p.keys() == n.keys() and all(alike(p[k], n[k]) for k in p)


def mutated(count):
    """SAMPLE with bytes changed, dropped and doubled; the same ones in every run."""
    r = random.Random(26)
    for _ in range(count):
        data = bytearray(SAMPLE)
        for _ in range(r.randint(1, 3)):
            at = r.randrange(len(data))
            choice = r.randrange(3)
            if choice == 0:
                data[at] = r.choice(b'{}[]",:\\0123456789eE+-.tfn \x00\x80\xff') if r.random() < 0.7 else r.randrange(256)
            elif choice == 1:
                del data[at]
            else:
                data[at:at] = data[at:at + r.randint(1, 8)]
        yield bytes(data)


def judge(tool, texts):
    answers = tool.ask_many(["J " + text(t) for t in texts])
    node = subprocess.run(["node", "-e", NODE], input="\n".join(t.hex() if t else "20" for t in texts) + "\n", capture_output=True,
                          text=True, check=True).stdout.rstrip("\n").split("\n")
    assert len(answers) == len(node) == len(texts)
    passed = 0
    for data, answer, line in zip(texts, answers, node):
        ours, theirs, third = answer == "ok", python(data), json.loads(line)
        if ours:
            passed += 1
            assert theirs is not None, f"passed, and Python reads nothing: {data[:80]}"
            assert third is not None, f"passed, and Node reads nothing: {data[:80]}"
            assert alike(theirs[1], third["v"]), f"passed, and they disagree: {data[:80]}"
            assert finite(theirs[1]) and scalar_values(theirs[1]), data[:80]
        elif theirs is not None and third is not None:  # readers agree: there must be one of our reasons
            v = theirs[1]
            assert depth(v) > 64 or not finite(v) or not scalar_values(v) or data[:3] == b"\xef\xbb\xbf", f"refused for nothing: {data[:80]} {answer}"
    return passed


def test_GW_26_odd_texts_pass_only_where_all_readers_agree(tool):
    assert judge(tool, ODD) >= 15


def test_GW_26_a_text_cut_at_every_byte_is_refused_or_agreed_on(tool):
    cuts = [SAMPLE[:n] for n in range(1, len(SAMPLE) + 1)]
    assert judge(tool, cuts) == 1


def test_GW_26_mutated_texts_pass_only_where_all_readers_agree(tool):
    assert judge(tool, list(mutated(5000))) > 500
