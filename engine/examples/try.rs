//! scratch
use perilune::*;
fn main() {
    let e = Engine::builder().pool_size(1).build();
    let src = std::fs::read(std::env::args().nth(1).unwrap()).unwrap();
    let s = match e.compile("hello", src) { Ok(s)=>s, Err(e)=>{println!("{e}"); return;} };
    let body = std::env::args().nth(2).unwrap_or_default();
    for _ in 0..2 {
    match s.run(&Request::new().query("monster=Manticore&a=%zz+b&flag").json(&body).config(r#"{"a":[]}"#)) {
        Ok(t) => println!("{}", t.to_json()),
        Err(e) => println!("ERR {e}"),
    }}
}
