//! Numbers as JSON text, into Lua and out of it: to the last bit, by every way in. Rust's own parser is the judge, and
//! `serde_json`'s exact one where it knows better.

mod common;

use common::run_in;
use perilune::{Engine, Error, Request, Value};
use serde_json::value::RawValue;

/// Texts of numbers, in all shapes that are known to be hard.
struct Texts(u64);

impl Texts {
    fn random(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.random() % end
    }

    /// Any finite double, of any exponent.
    fn double(&mut self) -> f64 {
        loop {
            let double = f64::from_bits(self.random());
            if double.is_finite() {
                return double;
            }
        }
    }

    fn digits(&mut self, count: u64) -> String {
        (0..count).map(|_| char::from(b'0' + self.below(10) as u8)).collect()
    }

    fn next(&mut self) -> String {
        match self.below(14) {
            0 => format!("{}", self.double()),
            1 => format!("{:e}", self.double()),
            2 => format!("{:.*e}", 16 + self.below(12) as usize, self.double()),
            // What prices, coordinates and quotients are.
            3 => format!("{}", self.below(1 << 53) as f64 / (1_u64 << 53) as f64 * 360.0 - 180.0),
            4 => format!("{}.{:02}", self.below(1_000_000), self.below(100)),
            5 => format!("{}", self.below(100_000) as f64 / (1 + self.below(1000)) as f64),
            // A subnormal.
            6 => format!("{:e}", f64::from_bits(self.below(1 << 52))),
            // Just half way between two doubles, to all digits, and a little beside it.
            7 => {
                let (low, exponent) = (1 << 52 | self.below(1 << 52), self.below(60) as i32);
                let half = (u128::from(low) << 1 | 1) << exponent;
                format!(
                    "{}.{}",
                    half + u128::from(self.below(3)) - 1,
                    ["0", "000000000000000000001", "9"][self.below(3) as usize]
                )
            }
            8 => {
                // A half of an odd number of 53 bits, and what is next to it.
                let whole = (1_u64 << 52) + self.below(1 << 52);
                format!(
                    "{whole}.{}",
                    ["5", "50000000000000000000000001", "49999999999999999999999999"][self.below(3) as usize]
                )
            }
            9 => format!("{}", (1_u64 << 53) - 5 + self.below(10)),
            10 => format!("{}", (1_u128 << (63 + self.below(2))) - 3 + u128::from(self.below(6))),
            11 => {
                let (whole, count) = (1 + self.below(9), self.below(30));
                format!("{whole}{}", self.digits(count))
            }
            12 => {
                let (count, decimals) = (self.below(20), 1 + self.below(40));
                let (whole, exponent) = (1 + self.below(9), self.below(330) as i64 - 340);
                format!("{whole}{}.{}e{exponent}", self.digits(count), self.digits(decimals))
            }
            _ => {
                let (zeros, count) = (self.below(30) as usize, 1 + self.below(25));
                format!("0.{}{}E+{}", "0".repeat(zeros), self.digits(count), self.below(40))
            }
        }
    }
}

/// What the contract says of a number: the nearest double, or, beyond 2^53 and within 64 bits, the digits of an integer.
#[derive(Debug, PartialEq)]
enum Right {
    Bits(u64),
    Digits(String),
}

fn right(text: &str) -> Right {
    let exact = 1_i128 << 53;
    match text.parse::<i128>() {
        Ok(integer)
            if !(-exact..=exact).contains(&integer)
                && (i64::MIN.into()..=u64::MAX.into()).contains(&integer) =>
        {
            Right::Digits(text.to_owned())
        }
        _ => {
            let number: f64 = text.parse().expect("a number");
            let second: f64 = serde_json::from_str(text).expect("a number");
            assert_eq!(number.to_bits(), second.to_bits(), "the judges differ on {text}");
            Right::Bits(number.to_bits())
        }
    }
}

/// What came back of it, as a reader of the JSON sees it.
fn found(text: &str) -> Right {
    match text.strip_prefix('"') {
        Some(digits) => Right::Digits(digits.trim_end_matches('"').to_owned()),
        None => Right::Bits(text.parse::<f64>().expect("a number").to_bits()),
    }
}

fn engine() -> Engine {
    let engine = common::builder().pool_size(1).request(8 << 20).value(8 << 20).build();
    engine.function("echo", |call| call.value(0)).expect("a name");
    engine.function("json", |call| Ok(Value::from_json(&call.json(0)?)?)).expect("a name");
    engine.function("read", |call| Ok(Value::from_json(call.bytes(0)?)?)).expect("a name");
    engine
}

/// The ways in, and how the list of numbers is reached.
const WAYS: &[&str] = &[
    "POST.v",
    "CONFIG",
    "META.v",
    "json.decode(GET.list)",
    "ARGS.w",
    "json.decode(json.encode(POST.v))",
    "host.echo(POST.v)",
    "host.json(POST.v)",
    "host.read(GET.list)",
];

#[track_caller]
fn check(engine: &Engine, way: &str, texts: &[String]) {
    let list = format!("[{}]", texts.join(","));
    let body = format!("{{\"v\":{list}}}");
    let request = Request::new()
        .param("list", list.as_str())
        .param("payload", format!("{{\"w\":{list}}}"))
        .json(&body)
        .config(&list)
        .meta(&body);
    let trace = run_in(engine, &format!("return {way}"), &request);
    common::assert_success(&trace, way);
    let back: Vec<&RawValue> =
        serde_json::from_str(trace.value.as_deref().expect("a value")).expect("a list");
    assert_eq!(back.len(), texts.len());
    for (text, back) in texts.iter().zip(back) {
        assert_eq!(found(back.get()), right(text), "{text} by {way} came back as {back}");
    }
    // What a host reads in a type of its own.
    if texts.iter().all(|text| matches!(right(text), Right::Bits(_))) {
        let read: Vec<f64> = trace.value_as().expect("numbers");
        for (text, read) in texts.iter().zip(read) {
            assert_eq!(Right::Bits(read.to_bits()), right(text), "{text} by {way} and value_as");
        }
    }
}

#[test]
fn numbers_that_are_known_to_be_hard_come_through_to_the_bit() {
    let texts: Vec<String> = [
        "0.9424502837770503",
        "9007199254740991.0",
        "9007199254740993.0",
        "9007199254740993",
        "-9007199254740993",
        "9223372036854775807",
        "-9223372036854775808",
        "-9223372036854775809",
        "18446744073709551615",
        "18446744073709551616",
        "100000000000000000000000000",
        "-0.0",
        "-0",
        "0",
        "0.0",
        "-0e400",
        "0e99999999999999999999",
        "1e-400",
        "-1e-99999999999999999999",
        "5e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "2.2250738585072014e-308",
        "2.2250738585072011e-308",
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "123456789012345678901234567890",
        "8.5",
        "1e22",
        "1e23",
        "1e5",
        "1E+5",
        "1.0e-5",
        "12345.6789e-3",
        "9007199254740992e22",
        "9007199254740993e-22",
        "0.1e1",
        "3.0",
    ]
    .map(str::to_owned)
    .into();
    let engine = engine();
    for way in WAYS {
        check(&engine, way, &texts);
    }
    // Longer than any buffer, up to a half, and one digit far behind it; and where what is long says nothing.
    let zeros = |count: usize| "0".repeat(count);
    let mut long = vec![
        format!("0.{}1", zeros(300)),
        format!("1{}e-300", zeros(300)),
        format!("1{}e-5000", zeros(5000)),
        format!("-0.{}7e5001", zeros(5000)),
        format!("3e{}5", zeros(5000)),
        format!("3E-{}5", zeros(5000)),
        format!("-0.{}", zeros(5000)),
        format!("0e{}", "9".repeat(5000)),
        format!("12.5e-{}", "9".repeat(5000)),
        format!("0.{}e200", "7".repeat(200_000)),
        // Just what is kept of the digits, and one more.
        format!("{}e-790", "7".repeat(800)),
        format!("{}3e-1200", "7".repeat(1200)),
    ];
    for length in [700, 790, 1020, 2000, 20_000] {
        for half in ["9007199254740992.5", "-4503599627370497.5"] {
            long.push(format!("{half}{}", zeros(length)));
            long.push(format!("{half}{}1", zeros(length)));
            long.push(format!("{half}{}1e-3", zeros(length)));
            long.push(format!("{}4{}e3", half.trim_end_matches('5'), "9".repeat(length)));
            let digits = half.trim_start_matches('-').replace('.', "");
            long.push(format!("0.{}{digits}{}e{}", zeros(length), zeros(length), length + 16));
            long.push(format!("0.{}{digits}{}1e{}", zeros(length), zeros(length), length + 16));
            long.push(format!("{digits}{}1e-{}", zeros(length), length + 2));
            long.push(format!("{digits}{}e-{}", zeros(length), length + 1));
        }
    }
    for way in ["POST.v", "json.decode(GET.list)"] {
        check(&engine, way, &long);
    }
    let refused = [format!("1e{}", "9".repeat(5000)), "7".repeat(5000), format!("0.{}1e6000", zeros(5000))];
    for text in refused {
        let source = "return select(2, pcall(json.decode, GET.list))";
        let request = Request::new().param("list", text.as_str());
        let trace = run_in(&engine, source, &request);
        let value = trace.value.as_deref().expect("a message");
        assert!(value.contains("number out of range"), "{value} for {text:.20}…");
    }
}

#[test]
fn a_number_and_its_text_are_one_to_the_last_bit() {
    let engine = engine();
    let mut texts = Texts(20_261_128);
    for round in 0..180 {
        let batch: Vec<String> = (0..500)
            .map(|_| {
                let text = texts.next();
                let negative = texts.below(4) == 0 && !text.starts_with('-');
                if negative { format!("-{text}") } else { text }
            })
            .filter(|text| text.parse::<f64>().is_ok_and(f64::is_finite))
            .collect();
        check(&engine, WAYS[round % WAYS.len()], &batch);
    }
}

#[test]
fn an_integer_goes_out_without_a_fraction_and_a_negative_zero_with_its_sign() {
    for (source, expected) in [
        ("3.0", "3"),
        ("-3", "-3"),
        ("0", "0"),
        ("-0", "-0.0"),
        ("2^53", "9007199254740992"),
        ("-(2^53)", "-9007199254740992"),
        ("{n = 2^53 + 2}", r#"{"n":9007199254740994.0}"#),
        ("{[-0] = 1}", r#"{"0":1}"#),
    ] {
        let trace = run_in(common::engine(), &format!("local v = {source} return v"), &Request::new());
        assert_eq!(trace.value.as_deref(), Some(expected), "{source}");
    }
}

#[test]
fn a_number_beyond_all_doubles_is_refused_where_it_is() {
    for text in
        ["1e400", "-1e400", "1e309", "1.7976931348623159e308", "1e99999999999999999999", &"9".repeat(400)]
    {
        let body = format!("{{\"a\":[1, {text}]}}");
        let Err(Error::Payload(error)) =
            common::engine().compile("test", "").expect("it compiles").run(&Request::new().json(&body))
        else {
            panic!("{text} was taken")
        };
        assert_eq!(error.to_string(), "JSON parse error - number out of range: line 1 column 10 (char 9)");
        let error = Value::from_json(body.as_bytes()).expect_err("out of range").to_string();
        assert_eq!(error, "number out of range: line 1 column 10 (char 9)");
    }
}

/// One grammar: what `serde_json` takes, this takes, and nothing else but half a surrogate pair. So from texts that are
/// broken in one place or two.
#[test]
fn what_is_json_is_what_serde_json_says() {
    const TEXTS: &[&str] = &[
        r#"{"a":[1,-2.5e3,"x\n\u00e9\ud83d\ude00",true,false,null,{}],"b":{"c":[]}}"#,
        r#" [ 0 , -0 , 1E5 , "" , "\"\\\/\b\f\n\r\t" , [ [ ] ] ] "#,
        "\"é你😀 plain text that is longer than eight bytes\"",
        "-12.5e-7",
        r#"{"":{"":""},"k":"\uD83D\uDE00"}"#,
    ];
    const BYTES: &[u8] = b"{}[]\",:\\/0123456789.eE+-tfnu \t\n\rx\x00\x1f\x7f\x80\xc3\xa9\xff";
    let mut random = Texts(14);
    let (mut taken, mut refused) = (0, 0);
    for round in 0..60_000 {
        let mut text = TEXTS[round % TEXTS.len()].as_bytes().to_vec();
        for _ in 0..random.below(3) {
            let at = random.below(text.len() as u64) as usize;
            let byte = BYTES[random.below(BYTES.len() as u64) as usize];
            match random.below(4) {
                0 => text[at] = byte,
                1 => text.insert(at, byte),
                2 => text.truncate(at + 1),
                _ => drop(text.remove(at)),
            }
            if text.is_empty() {
                text.push(byte);
            }
        }
        let shown = text.escape_ascii();
        match (serde_json::from_slice::<serde_json::Value>(&text), Value::from_json(&text)) {
            (Ok(right), Ok(found)) => {
                assert_eq!(found, Value::from(right), "{shown}");
                taken += 1;
            }
            (Err(_), Err(_)) => refused += 1,
            (Err(error), Ok(_)) if text.windows(3).any(|w| matches!(w, [b'\\', b'u', b'd' | b'D'])) => {
                assert!(
                    error.to_string().contains("surrogate") || error.to_string().contains("hex escape"),
                    "{shown}: {error}"
                );
            }
            (right, found) => panic!("{shown}: {found:?}, but serde_json has {right:?}"),
        }
    }
    assert!(taken > 10_000 && refused > 10_000, "{taken} taken, {refused} refused");
}
