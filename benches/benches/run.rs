//! One short run, beside what it can be compared with: the floors below it, and a VM made for each run.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use mlua::{Lua, Table, Value};
use perilune::floor::Floor;
use perilune::{Script, Trace};
use perilune_benches::{BODY, GREETING, HELLO, request, script};

/// Runs as a host would: a request of borrowed bytes in, an owned trace out.
fn run(script: &Script) -> Trace {
    script.run(&request()).expect("it runs")
}

fn runs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("run");
    for (name, source) in
        [("hello", HELLO), ("nop", ""), ("value", "return {hello = ARGS.monster, n = POST.n}")]
    {
        let script = script(source);
        assert!(run(&script).ok());
        group.bench_function(name, |bencher| bencher.iter(|| black_box(run(&script))));
    }
    group.finish();
}

fn floors(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("floor");
    let mut floor = Floor::shared(HELLO);
    assert_eq!((floor.bare(), run(&script(HELLO)).stdout), (GREETING, GREETING.to_vec()));
    group.bench_function("bare-pcall", |bencher| bencher.iter(|| black_box(floor.bare().len())));
    let mut floor = Floor::separate(HELLO);
    assert_eq!(floor.isolated(), GREETING);
    group.bench_function("raw-isolated", |bencher| bencher.iter(|| black_box(floor.isolated().len())));
    group.finish();
}

/// A host that creates a VM by mlua for each request.
fn fresh(criterion: &mut Criterion) {
    assert_eq!(fresh_vm().expect("it runs"), GREETING);
    let mut group = criterion.benchmark_group("fresh");
    group.bench_function("vm", |bencher| bencher.iter(|| black_box(fresh_vm().expect("it runs"))));
    group.finish();
}

fn fresh_vm() -> mlua::Result<Vec<u8>> {
    let lua = Lua::new();
    let get = lua.create_table_from([("monster", "Manticore")])?;
    let body: serde_json::Value = serde_json::from_str(BODY).map_err(mlua::Error::external)?;
    let post = to_lua(&lua, &body)?;
    let globals = lua.globals();
    globals
        .set("ARGS", lua.create_table_from([("GET", Value::Table(get.clone())), ("POST", post.clone())])?)?;
    globals.set("GET", get)?;
    globals.set("POST", post)?;
    lua.set_app_data(Vec::<u8>::new());
    let print = |lua: &Lua, values: mlua::Variadic<Value>| {
        let mut output = lua.app_data_mut::<Vec<u8>>().expect("it was set");
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                output.push(b'\t');
            }
            output.extend_from_slice(value.to_string()?.as_bytes());
        }
        output.push(b'\n');
        Ok(())
    };
    globals.set("print", lua.create_function(print)?)?;
    lua.sandbox(true)?;
    lua.load(HELLO).exec()?;
    Ok(lua.remove_app_data().expect("it was set"))
}

fn to_lua(lua: &Lua, value: &serde_json::Value) -> mlua::Result<Value> {
    use serde_json::Value as Json;
    Ok(match value {
        Json::Null => Value::NULL,
        Json::Bool(flag) => Value::Boolean(*flag),
        Json::Number(number) => Value::Number(number.as_f64().unwrap_or(f64::NAN)),
        Json::String(text) => Value::String(lua.create_string(text)?),
        Json::Array(items) => {
            let table: Table = lua.create_table_with_capacity(items.len(), 0)?;
            for item in items {
                table.raw_push(to_lua(lua, item)?)?;
            }
            Value::Table(table)
        }
        Json::Object(members) => {
            let table = lua.create_table_with_capacity(0, members.len())?;
            for (key, member) in members {
                table.raw_set(key.as_str(), to_lua(lua, member)?)?;
            }
            Value::Table(table)
        }
    })
}

criterion_group!(benches, runs, floors, fresh);
criterion_main!(benches);
