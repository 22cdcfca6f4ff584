"""Bodies of JSON on which parsers are known to differ.

Each stands as it is, as a member's value, in an array, and in the place of `data`.
"""

from __future__ import annotations

# Texts that replace a value.
VALUES: tuple[bytes, ...] = (
    # numbers
    *(
        b"0",
        b"-0",
        b"-",
        b"+1",
        b"01",
        b"-01",
        b"00",
        b"0x1",
        b"1_0",
        b".5",
        b"5.",
        b"-.5",
        b"1.e1",
    ),
    *(b"1e", b"1e+", b"1e-", b"1E5", b"1e05", b"1e5.5", b"0e0", b"1e400", b"-1e400", b"1e-999"),
    *(b"9" * 4299, b"9" * 4301, b"-" + b"9" * 5000, b"0." + b"1" * 5000, b"1" * 641, b"1" * 640),
    *("١".encode(), "1٣".encode(), "1.٣".encode(), "1e٣".encode(), "²".encode(), "１".encode()),
    *(b"NaN", b"-NaN", b"nan", b"Infinity", b"-Infinity", b"+Infinity", b"inf", b"1 2", b"- 1"),
    # literals
    *(b"null", b"nul", b"nulll", b"Null", b"true", b"True", b"TRUE", b"truefalse", b"false", b"f"),
    *(b"undefined", b"None", b"", b" "),
    # strings
    *(b'""', b'"', b'"a', b"'a'", b'"a""b"', b'"\\"', b'"\\\\"', b'"\\\\\\"', b'"\\/"', b'"/"'),
    *(b'"\\a"', b'"\\x41"', b'"\\0"', b'"\\\'"', b'"\\\n"', b'"\\U0041"', b'"\\u"', b'"\\u1"'),
    *(
        b'"\\u12"',
        b'"\\u123"',
        b'"\\u 123"',
        b'"\\u+123"',
        b'"\\u-123"',
        b'"\\u0x12"',
        b'"\\u1_23"',
    ),
    *(b'"\\u12 3"', b'"\\u123g"', b'"\\u\\u0041"', b'"\\u0000"', b'"\\u00e9"', b'"\\u00E9"'),
    *('"\\u٠٠٤١"'.encode(), b'"\\\\u12"', b'"\\\\\\u12"', b'"\\\\\\u0041"'),
    *(
        b'"\\ud800"',
        b'"\\udc00"',
        b'"\\ud83d\\ude00"',
        b'"\\ude00\\ud83d"',
        b'"\\ud83d\\ud83d\\ude00"',
    ),
    *(b'"\\ud83d"', b'"\\ud83dx"', b'"\\ud83d\\u0041"', b'"\\ud83d\\n"', b'"\\uD83D\\uDE00"'),
    *(b'"\t"', b'"\n"', b'"\r"', b'"\x00"', b'"\x1f"', b'"\x7f"', b'"\xc2\x80"', b'"\xc2\x85"'),
    *(
        b'"\xe2\x80\xa8"',
        b'"\xef\xbb\xbf"',
        b'"\xef\xbf\xbf"',
        b'"\xf4\x8f\xbf\xbf"',
        b'"\xed\xa0\x80"',
    ),
    *(b'"\xf4\x90\x80\x80"', b'"\xc0\x80"', b'"\xff"', b'"\xe2\x80"', b'"\x80"'),
    # arrays and objects
    *(
        b"[]",
        b"[ ]",
        b"[1]",
        b"[1,]",
        b"[,1]",
        b"[1,,2]",
        b"[1 2]",
        b"[",
        b"]",
        b"[1",
        b"[1]]",
        b"[}",
    ),
    *(
        b"{}",
        b"{ }",
        b"{",
        b"}",
        b"{]",
        b'{"a"}',
        b'{"a":}',
        b'{"a":1,}',
        b'{,"a":1}',
        b'{"a":1 "b":2}',
    ),
    *(b'{"a" 1}', b'{"a"::1}', b"{a:1}", b"{1:1}", b"{null:1}", b"{'a':1}", b'{"a":1,"a":2}'),
    *(
        b'{"":1}',
        b'{"":1,"":2}',
        b'{"\\ud800":1}',
        b'{"x":{"\\ud800":1}}',
        b'{"\t":1}',
        b'{"a\\q":1}',
    ),
    *(b'{"__proto__":1}', b'{"result_url":"x"}', b'{"result_url":"\\udc00"}', b'{"result_url":""}'),
    *(b'{"result_url":null,"result_url":null}', b'{"result\\u005furl":1,"result_url":"x"}'),
    *(
        b'{"message":"x","message":"y"}',
        b'{"message":"\\ud800"}',
        b'{"message":[]}',
        b'{"message":1e9}',
    ),
    *(b"[" * 62 + b"]" * 62, b"[" * 63 + b"]" * 63, b"[" * 64 + b"]" * 64, b"[" * 65 + b"]" * 65),
    *(b'{"a":' * 63 + b"1" + b"}" * 63, b'{"a":' * 64 + b"1" + b"}" * 64, b"[" * 200, b"]" * 200),
    *(
        b"[" * 64 + b"]" * 64 + b"[" * 64,
        b"]" * 70 + b"[" * 70,
        b"[]" * 100,
        b"[" + b"[]," * 99 + b"[]]",
    ),
    *(
        b'"' + b"[" * 100 + b'"',
        b'"\\"' + b"[" * 100 + b'"',
        b'"' + b"[" * 100,
        b'"\\\\"' + b"[" * 100,
    ),
    *(b'"\\' + b"[" * 100, b"[" * 40 + b'"' + b"[" * 40, b"[" * 64 + b'"\\', b"\\" + b"[" * 65),
    # blanks and comments
    *(
        b" 1",
        b"\t1\n",
        b"\x0b1",
        b"\x0c1",
        b"\xc2\xa01",
        b"\xe2\x80\xa81",
        b"\xef\xbb\xbf1",
        b"1\x00",
        b"\x001",
    ),
    *(b"1//x", b"1/**/", b"#1", b"1;", b"1,", b",1", b":1", b"\x1a"),
)

# Whole bodies.
BODIES: tuple[bytes, ...] = (
    b'{"event":"e","task_id":"t"}',
    b'{"event":"e","task_id":"t"}\x00',
    b'{"event":"e","task_id":"t"} \xc2\xa0',
    b'\xef\xbb\xbf{"event":"e","task_id":"t"}',
    b'\x0b{"event":"e","task_id":"t"}',
    b'{"event":"e","task_id":"t","\\ud800":1,"event":"f"}',
    b'{"event":"e","task_id":"t","x":{"event":"f","event":"g"}}',
    b'{"event":"e\\u0000","task_id":"t"}',
    b'{"event":"e","task_id":"\\u002e"}',
    b'{"event":"e","task_id":"..."}',
    b'{"event":"e","task_id":"\xc2\xad"}',
    b'{"event":"e","task_id":"\xe2\x80\xae"}',
    b'{"event":"e","task_id":"\xc2\x9f"}',
    b'{"event":"e","task_id":"\xc2\xa0"}',
    b'{"event":"' + b"\xc3\xa9" * 64 + b'","task_id":"t"}',
    b'{"event":"' + b"\xc3\xa9" * 64 + b'a","task_id":"t"}',
    b'{"event":"e","task_id":"' + b"\\u00e9" * 128 + b'"}',
    b'{"event":"e","task_id":"' + b"\\u00e9" * 129 + b'"}',
    b'{"task_id":"\\ud800","event":1}',
    b'{"task_id":"\\ud800","event":"\\ud800"}',
    b'{"task_id":"","event":"e","status":"\\ud800"}',
    b'{"event":"generation.status_changed","task_id":"t","status":"\\ud800"}',
    b'{"event":"generation.status_changed","task_id":"t","status":"q","data":{"\\ud800":1},"error":1}',
    b'{"event":"generation.status_changed","task_id":"t","status":"q","data":1,"error":{"\\ud800":1}}',
    b'{"event":"other","task_id":"t","status":"q","data":{"\\ud800":1}}',
    b'{"event":"other","task_id":"t","data":{"result_url":1,"result_url":2}}',
)

_EVENT = b'{"event":"generation.status_changed","task_id":"t","status":"queued",%s}'
_PLACES = (
    b"%s",
    b"[%s]",
    b'{"x":%s}',
    _EVENT % b'"x":%s',
    _EVENT % b'"data":%s',
    _EVENT % b'"error":%s',
)


def all_bodies() -> list[bytes]:
    """Every value in every place, and the whole bodies."""
    return [place % value for place in _PLACES for value in VALUES] + list(BODIES)
