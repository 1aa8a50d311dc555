//! What the library's own functions do where Luau's have no good answer, or once had none here. That they do the same
//! everywhere else is for `differential.rs`.

mod common;

use common::{text, text_with};
use perilune::Request;

#[test]
fn a_pattern_from_a_request_is_an_error_at_worst() {
    for (query, result) in [
        ("q=(txt", r#"[false,"unfinished capture"]"#),
        ("q=txt)", r#"[false,"invalid pattern capture"]"#),
        ("q=(txt)", r#"[true,8,10,"txt"]"#),
        ("q=%25", r#"[true,null]"#),
        ("q=[", r#"[false,"malformed pattern (missing ']')"]"#),
        ("q=%25f", r#"[false,"missing '[' after '%f' in pattern"]"#),
        ("q=(%251", r#"[false,"invalid capture index %1"]"#),
    ] {
        let source = r#"return pcall(string.find, "report.txt", GET.q .. "$")"#;
        assert_eq!(text_with(source, &Request::new().query(query)), result, "{query}");
    }
}

#[test]
fn what_is_asked_of_the_library_has_one_right_answer() {
    for (expression, result) in [
        (r#"pcall(string.match, "route 66", "(%d+$")"#, r#"[false,"unfinished capture"]"#),
        (r#"pcall(string.gsub, "abc", "(b", "%1")"#, r#"[false,"unfinished capture"]"#),
        // As in Luau and Lua: the capture is not asked for.
        (r#"("abc"):gsub("(b", "x")"#, r#"["axc",1]"#),
        (r#"pcall(string.gsub, "abc", "b", "%2")"#, r#"[false,"invalid capture index %2"]"#),
        // No limit is no limit.
        (r#"("aaa"):gsub("a", "b", math.huge)"#, r#"["bbb",3]"#),
        (r#"("aaa"):gsub("a", "b", -math.huge)"#, r#"["aaa",0]"#),
        (r#"("abc"):find("b", math.huge)"#, "null"),
        (r#"("abc"):find("b", -math.huge)"#, "[2,2]"),
        (r#"("abc"):find("b", 0 / 0)"#, "[2,2]"),
        (r#"utf8.len("abc", 1, -1e300)"#, "0"),
        (
            r#"pcall(table.concat, {1, 2}, "", 1, math.huge)"#,
            r#"[false,"invalid value (nil) at index 3 in table for 'concat'"]"#,
        ),
        (r#"string.format("%d %d", 2^63, -2^80)"#, r#""9223372036854775807 -9223372036854775808""#),
        (r#"string.format("%d %x", 0 / 0, math.huge)"#, r#""0 ffffffffffffffff""#),
    ] {
        assert_eq!(text(&format!("return {expression}")), result, "{expression}");
    }
    // Of many arguments the right one is named.
    let source = r#"
        local t = table.create(300, 1)
        t[280] = {}
        return select(2, pcall(string.format, ("%d"):rep(300), unpack(t))),
            select(2, pcall(string.format, ("%d"):rep(301), unpack(t, 1, 279))),
            #string.format(("%*"):rep(300), unpack(table.create(300, "ab")))"#;
    assert_eq!(
        text(source),
        r#"["invalid argument #281 to 'format' (number expected, got table)","missing argument #281",600]"#
    );
}

#[test]
fn a_long_text_is_found_where_it_is_and_nowhere_else() {
    // Of a text so long the search knows the beginning alone, and compares the rest.
    let source = r#"
        local beginning, rest = ("ab"):rep(32 * 1024), ("cd"):rep(600 * 1024)
        local text = beginning .. rest
        local almost = beginning .. rest:sub(1, -2) .. "x"
        local all = {}
        for _, case in {
            { text, text },
            { "x" .. text, text },
            { "x" .. text .. "x", text },
            { almost .. text, text },
            { "ab" .. text, text },
            { "ab" .. text, "b" .. text },
            { beginning .. almost .. text:sub(1, -2), text },
            { text:sub(2), text },
            { beginning, text },
            { "x" .. beginning, beginning },
            { ("a"):rep(100000) .. "b", ("a"):rep(99990) .. "b" },
        } do
            local subject, text = case[1], case[2]
            local first, last = subject:find(text, 1, true)
            local pieces = subject:split(text)
            assert((first == nil) == (#pieces == 1))
            assert(first == nil or subject:sub(first, last) == text and #pieces[1] == first - 1)
            assert(table.concat(pieces, text) == subject)
            table.insert(all, first or 0)
        end
        return all, #(text .. "," .. text .. text):split(text), (text .. text):find(text, 2, true)"#;
    assert_eq!(text(source), "[[1,2,2,1294337,3,2,0,0,0,2,11],4,1294337,2588672]");
}

#[test]
fn a_long_json_string_is_read_in_pieces_that_cut_no_character() {
    let source = r#"
        local places = {}
        for _, character in { "\u{e9}", "\u{20ac}", "\u{1f600}" } do
            for pad = 0, 3 do
                local text = ("x"):rep(pad) .. character:rep(50000)
                assert(json.decode('"' .. text .. '"') == text)
                local cut = json.encode(text):sub(1, -3) .. '"'
                local made, message = pcall(json.decode, cut)
                assert(not made and message:find("invalid UTF-8", 1, true), message)
                table.insert(places, (message:match("column (%d+)")))
            end
        end
        return places"#;
    let places = ["50001", "50002", "50003", "50004"].map(|place| format!("{place:?}")).join(",");
    assert_eq!(text(source), format!("[{places},{places},{places}]"));
}

#[test]
fn dates_are_in_utc_and_known_from_1900_to_9999() {
    for (expression, result) in [
        ("os.time{year = 1955, month = 11, day = 12, hour = 6, min = 38}", "-446145720"),
        (
            "os.date('%A, %d %B %Y, %I:%M %p, day %j, week %U/%W', -446145720)",
            r#""Saturday, 12 November 1955, 06:38 AM, day 316, week 45/45""#,
        ),
        ("os.time{year = 1969, month = 12, day = 31, hour = 23, min = 59, sec = 59}", "-1"),
        (
            "os.time{year = 1900, month = 1, day = 1}, os.time{year = 9999, month = 12, day = 31, hour = 23, min = 59, sec = 59}",
            "[-2208945600,253402300799]",
        ),
        ("os.date('!%Y-%m-%dT%H:%M:%SZ', 253402300799)", r#""9999-12-31T23:59:59Z""#),
        ("os.date('%x %X %y %b %a %w', -1)", r#""12/31/69 23:59:59 69 Dec Wed 3""#),
        // Fields out of their bounds are carried over.
        (
            "os.date('%c', os.time{year = 2024, month = 14, day = 0, hour = -1, sec = 61})",
            r#""Thu Jan 30 23:01:01 2025""#,
        ),
        (
            "os.date('%c', os.time{year = 2024, month = -11, day = 60, hour = 0})",
            r#""Wed Mar  1 00:00:00 2023""#,
        ),
        ("os.date('%c', 1e300), os.date('%c', 0 / 0)", "[null,null]"),
        ("os.time{year = 2^31, month = 1, day = 1}", "null"),
        ("pcall(os.time, {year = 2024})", r#"[false,"field 'day' missing in date table"]"#),
        ("pcall(os.date, '%F')", r#"[false,"invalid argument #1 to 'date' (invalid conversion specifier)"]"#),
        ("os.date() == os.date('!%c') or os.date() == os.date('%c', os.time())", "true"),
    ] {
        assert_eq!(text(&format!("return {expression}")), result, "{expression}");
    }
    // Every day of four hundred years, after which all comes again, and then some of each year; at times of their own.
    let source = "
        local day, last = os.time{year = 1900, month = 1, day = 1, hour = 0}, os.time{year = 9999, month = 12, day = 31}
        local before, days = nil, 0
        while day <= last do
            local t = day + days * 7919 % 86400
            local parts = os.date('*t', t)
            assert(os.time(parts) == t, t)
            assert(parts.isdst == false and parts.hour * 3600 + parts.min * 60 + parts.sec == t - day, t)
            if before and parts.year < 2300 then
                assert(parts.wday == before.wday % 7 + 1, t)
                assert(parts.yday == (parts.year == before.year and before.yday + 1 or 1), t)
                assert(parts.day == (parts.month == before.month and before.day + 1 or 1), t)
            end
            before, day, days = parts, day + (parts.year < 2300 and 1 or 61) * 86400, days + 1
        end
        return before.year, days";
    assert_eq!(text(source), "[9999,192202]");
}
