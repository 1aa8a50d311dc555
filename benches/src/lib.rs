//! Inputs that the benches share, so that their figures can be compared.

use std::fmt::Write as _;

use perilune::{Engine, Request, Script};

/// The script of `run/hello` and its floors.
pub const HELLO: &str = r#"print("Hello", GET.monster)"#;

/// What [`HELLO`] prints with [`request`].
pub const GREETING: &[u8] = b"Hello\tManticore\n";

/// The query of `run/hello`.
pub const QUERY: &str = "monster=Manticore";

/// The body of `run/hello`.
pub const BODY: &str = r#"{"n":1,"tags":["a","b","c"],"monster":"Manticore"}"#;

/// A tight loop of about 10 ms that calls nothing.
pub const LOOP: &str = "local x = 0 for i = 1, 2e6 do x = x + i % 7 end GET.x = x";

/// The request of `run/hello`.
#[must_use]
pub fn request() -> Request<'static> {
    Request::new().query(QUERY).json(BODY)
}

/// An engine with the default limits, and a script compiled in it.
///
/// # Panics
/// The script does not compile.
#[must_use]
pub fn script(source: &str) -> Script {
    Engine::new().compile("bench", source).expect("it compiles")
}

/// A JSON object of about so many bytes: a list of orders.
#[must_use]
pub fn orders(bytes: usize) -> String {
    let mut body = String::from(r#"{"orders":["#);
    let mut id = 0;
    while body.len() < bytes.saturating_sub(40) {
        if id > 0 {
            body.push(',');
        }
        let _ = write!(
            body,
            r#"{{"id":{id},"sku":"MOON-{:04}","price":{}.95,"paid":{},"note":null,"tags":["new","blue"]}}"#,
            id * 37 % 10_000,
            id % 90 + 10,
            id % 3 == 0,
        );
        id += 1;
    }
    body.push_str("]}");
    body
}
