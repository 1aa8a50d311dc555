//! Runs that wait for host functions which answer later.

mod common;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use perilune::{
    AsyncCall, CancelHandle, Engine, EngineBuilder, HostError, Request, RunLimits, Script, Status, Trace,
    Value,
};
use tokio::sync::{Notify, Semaphore};

/// How long a test waits for what is to come.
const PATIENCE: Duration = Duration::from_secs(20);

fn builder() -> EngineBuilder {
    Engine::builder()
}

/// Ready when it was polled so many times.
fn after_polls(polls: usize) -> impl Future<Output = ()> + Send {
    let mut left = polls;
    poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    })
}

/// What both kinds of function do with the argument of a script.
fn answer(value: Value) -> Result<Value, HostError> {
    match value.as_bytes() {
        Some(b"fail") => Err(HostError::new("it failed")),
        Some(b"panic") => panic!("it panicked"),
        _ => Ok(value),
    }
}

/// Where a script may wait, and what it may do there.
const SCRIPTS: &[&str] = &[
    "return host.wait(1)",
    "local t = {} for i = 1, 10 do t[i] = host.wait(i) end return t",
    "print('before') print(host.wait({ a = { 1, 2 } }).a[2]) print('after') return host.wait('x'), nil, 3",
    "return pcall(host.wait, 'fail')",
    "return pcall(host.wait, 'panic')",
    "host.wait('fail')",
    "local function f() host.wait(1) host.wait('fail') end f()",
    "local function f() host.wait(1) error({ code = 7 }) end return pcall(f)",
    "return xpcall(function() host.wait(1) error('no') end, function(m) return 'handled ' .. m end)",
    "return xpcall(function() host.wait(1) error('no') end, function(m) return host.wait(m) end)",
    "host.wait(1) error('after')",
    "host.wait(1) local t = nil return t.x",
    "return pcall(pcall, pcall, host.wait, 'fail')",
    // In the script's own coroutines.
    "local co = coroutine.wrap(function(a) local b = coroutine.yield(host.wait(a)) return host.wait(b) end) return co(1), co(2)",
    "local t = {} for v in coroutine.wrap(function() for i = 1, 3 do coroutine.yield(host.wait(i)) end end) do t[#t + 1] = host.wait(v) end return t",
    "local co = coroutine.create(function() host.wait(1) error('inside') end) local ok, m = coroutine.resume(co) return ok, m, coroutine.status(co)",
    "local function deep(n) if n == 0 then return host.wait('deep') end return coroutine.wrap(function() return deep(n - 1) end)() end return deep(5)",
    "local function deep(n) if n == 0 then host.wait(1) error('deep') end return coroutine.wrap(function() return deep(n - 1) end)() end return deep(5)",
    "local outer = coroutine.wrap(function() local inner = coroutine.wrap(function() coroutine.yield(host.wait(1)) host.wait(2) coroutine.yield(3) end) coroutine.yield(inner()) host.wait(4) coroutine.yield(inner()) end) return outer(), host.wait(9), outer()",
    "return coroutine.wrap(function() return pcall(function() host.wait(1) error('caught') end) end)()",
    "return coroutine.running() == nil, coroutine.isyieldable(), coroutine.wrap(coroutine.isyieldable)()",
    "return pcall(coroutine.yield, 1)",
    "host.wait(1) coroutine.yield(1)",
    "return coroutine.wrap(function() host.wait(1) return coroutine.status(coroutine.running()) end)()",
    // Where Luau can't be left.
    "local t = { 3, 1, 2 } table.sort(t, function(a, b) return host.wait(a) < host.wait(b) end) return t",
    "return (('abc'):gsub('.', function(c) return host.wait(c .. c) end))",
    "local t = setmetatable({}, { __index = function(_, k) return host.wait(k) end, __tostring = function() return host.wait('text') end }) return t.x, tostring(t)",
    "local t = setmetatable({}, { __add = function(a, b) host.wait(1) return host.wait('fail') end }) return pcall(function() return t + 1 end)",
    "table.sort({ 3, 1, 2 }, function(a, b) return coroutine.wrap(host.wait)(a) < b end)",
    "return setmetatable({}, { __index = function(_, k) return coroutine.wrap(host.wait)(k) end }).x",
    "return xpcall(error, function(m) return coroutine.wrap(host.wait)(m) end, 'e')",
    "return (('ab'):gsub('.', coroutine.wrap(function(c) while true do c = coroutine.yield(host.wait(c .. '!')) end end)))",
    "return require('waits')",
    "return select('#', host.wait()), host.wait(nil), host.wait(json.null)",
    "for k, v in pairs({ a = 1 }) do host.wait(k) end for i, v in ipairs({ 5 }) do print(i, host.wait(v)) end return #debug.traceback()",
    "return pcall(host.wait, function() end)",
    "return debug.traceback('here')",
    "host.wait(1) return debug.traceback('here')",
    "return coroutine.wrap(function() host.wait(1) return debug.traceback('here') end)()",
];

/// A runtime on this thread alone.
fn on_tokio<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

fn compile(engine: &Engine, source: &str) -> Script {
    engine.compile("test", source).unwrap_or_else(|error| panic!("{error}\nin: {source}"))
}

/// All that a trace says but for times, ids and memory.
fn told(trace: &Trace) -> String {
    let error = trace.error.as_ref().map(|error| {
        (error.kind, error.message.clone(), error.script.clone(), error.line, error.traceback.clone())
    });
    format!(
        "{:?} {:?} {:?} {:?} {error:?} {}",
        trace.status,
        trace.value,
        trace.stdout_text(),
        trace.stderr_text(),
        trace.usage.host_calls
    )
}

#[test]
fn a_run_that_waits_comes_to_what_it_comes_to_where_functions_answer_at_once() {
    let at_once = builder().build();
    at_once.function("wait", |call| answer(call.value(0)?)).expect("a name");
    at_once.module("waits", "return host.wait('in a module')").expect("it compiles");
    for polls in 0..3 {
        let later = builder().threads(1).build();
        let wait = move |call: AsyncCall| async move {
            after_polls(polls).await;
            answer(call.value(0)?)
        };
        later.async_function("wait", wait).expect("a name");
        later.module("waits", "return host.wait('in a module')").expect("it compiles");
        for source in SCRIPTS {
            let expected = told(&compile(&at_once, source).run(&Request::new()).expect("it runs"));
            let script = compile(&later, source);
            for round in 0..2 {
                let run = script.run(&Request::new()).expect("it runs");
                assert_eq!(told(&run), expected, "run, {polls}, {round}: {source}");
                let submitted = script.submit(Request::new()).wait().expect("it runs");
                assert_eq!(told(&submitted), expected, "submit, {polls}, {round}: {source}");
                let awaited = on_tokio(script.run_async(&Request::new())).expect("it runs");
                assert_eq!(told(&awaited), expected, "run_async, {polls}, {round}: {source}");
            }
        }
    }
}

/// What many runs wait for at the same time, until the test says so.
#[derive(Clone)]
struct Gate {
    waiting: Arc<AtomicUsize>,
    gone: Arc<AtomicUsize>,
    opened: Arc<Notify>,
    is_open: Arc<Semaphore>,
}

/// Counts a call whose future is dropped.
struct CountsGone(Arc<AtomicUsize>);

impl Drop for CountsGone {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

impl Gate {
    fn new() -> Self {
        let (waiting, gone) = (Arc::default(), Arc::default());
        Self { waiting, gone, opened: Arc::default(), is_open: Arc::new(Semaphore::new(0)) }
    }

    /// Registers `host.pass(x)`, which answers with `x` when the gate is open.
    fn register(&self, engine: &Engine) {
        let gate = self.clone();
        let pass = move |call: AsyncCall| {
            let gate = gate.clone();
            async move {
                let _gone = CountsGone(Arc::clone(&gate.gone));
                gate.waiting.fetch_add(1, SeqCst);
                gate.opened.notify_waiters();
                drop(gate.is_open.acquire().await?);
                call.value(0)
            }
        };
        engine.async_function("pass", pass).expect("a name");
    }

    fn open(&self) {
        self.is_open.add_permits(1);
    }

    /// Until so many calls have begun to wait.
    fn wait_for(&self, calls: usize) {
        until(|| self.waiting.load(SeqCst) >= calls);
    }
}

/// Waits for what other threads do.
#[track_caller]
fn until(mut is_so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < PATIENCE, "it never came to that");
        std::thread::yield_now();
    }
}

#[test]
fn runs_that_wait_take_no_thread() {
    const RUNS: usize = 300;
    let gate = Gate::new();
    let engine = builder().pool_size(RUNS).threads(1).build();
    gate.register(&engine);
    let script = compile(&engine, "return host.pass(GET.n)");
    let submit = |n: usize| script.submit(Request::new().param("n", n.to_string()));
    let tickets: Vec<_> = (0..RUNS).map(submit).collect();
    gate.wait_for(RUNS);
    until(|| engine.metrics().vms.parked == RUNS as u64);
    assert_eq!(engine.metrics().vms.in_use, RUNS as u64);
    gate.open();
    for (n, ticket) in tickets.into_iter().enumerate() {
        let trace = ticket.wait().expect("it runs");
        assert_eq!(trace.value, Some(format!("\"{n}\"")));
        assert!(trace.usage.waited > Duration::ZERO && trace.usage.waited <= trace.duration);
    }
    let metrics = engine.metrics();
    assert_eq!((metrics.vms.parked, metrics.wait_duration.count), (0, RUNS as u64));
}

#[test]
fn tasks_of_one_thread_wait_together() {
    const RUNS: usize = 100;
    let gate = Gate::new();
    let engine = builder().pool_size(RUNS).build();
    gate.register(&engine);
    let script = compile(&engine, "return host.pass(GET.n)");
    let requests: Vec<_> = (0..RUNS).map(|n| Request::new().param("n", n.to_string())).collect();
    on_tokio(async {
        let mut runs: Vec<_> = requests.iter().map(|request| Box::pin(script.run_async(request))).collect();
        poll_fn(|context| {
            runs.iter_mut().for_each(|run| assert!(run.as_mut().poll(context).is_pending()));
            Poll::Ready(())
        })
        .await;
        assert_eq!(gate.waiting.load(SeqCst), RUNS);
        gate.open();
        for (n, run) in runs.into_iter().enumerate() {
            assert_eq!(run.await.expect("it runs").value, Some(format!("\"{n}\"")));
        }
    });
}

#[test]
fn a_future_of_a_run_may_go_to_other_threads() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let engine = builder().build();
    let (script, request) = (compile(&engine, "return 1"), Request::new());
    drop(is_send(script.run_async(&request)));
}

/// How a run that waits may end before its answer.
#[test]
fn a_run_that_waits_ends_at_its_deadline_and_when_it_is_cancelled() {
    let gate = Gate::new();
    // A script that catches what ends it comes to the same end.
    for source in ["host.pass(1)", "while true do pcall(host.pass, 1) end", "coroutine.wrap(host.pass)(1)"] {
        let engine = builder().pool_size(2).threads(1).build();
        gate.register(&engine);
        let script = compile(&engine, source);
        let short = || {
            Request::new()
                .limits(RunLimits { timeout: Some(Duration::from_millis(50)), ..Default::default() })
        };
        let (cancel, before) = (CancelHandle::new(), gate.gone.load(SeqCst));

        let since = Instant::now();
        let trace = script.submit(short()).wait().expect("it runs");
        assert_eq!(trace.status, Status::Timeout, "{source}");
        let trace = on_tokio(script.run_async(&short())).expect("it runs");
        assert_eq!(trace.status, Status::Timeout, "{source}");
        assert!(since.elapsed() < PATIENCE, "{source}");

        let waiting = gate.waiting.load(SeqCst);
        let ticket = script.submit(Request::new().cancel(&cancel));
        gate.wait_for(waiting + 1);
        cancel.cancel();
        let trace = ticket.wait().expect("it runs");
        assert_eq!(
            (trace.status, trace.usage.waited > Duration::ZERO),
            (Status::Cancelled, true),
            "{source}"
        );

        let ticket = script.submit(Request::new());
        gate.wait_for(waiting + 2);
        ticket.cancel();
        assert_eq!(ticket.wait().expect("it runs").status, Status::Cancelled, "{source}");
        assert!(gate.gone.load(SeqCst) >= before + 4, "{source}: the futures are dropped");
        assert_eq!(engine.metrics().vms.parked, 0, "{source}");
    }
}

#[test]
fn a_future_that_is_dropped_ends_its_run() {
    let gate = Gate::new();
    let engine = builder().pool_size(1).build();
    gate.register(&engine);
    let script = compile(&engine, "local r = host.pass(1) print('on') return r");
    let request = Request::new();
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..5 {
        let mut run = Box::pin(script.run_async(&request));
        let before = gate.waiting.load(SeqCst);
        // With one VM, which the last one had.
        until(|| run.as_mut().poll(&mut context).is_pending() && gate.waiting.load(SeqCst) > before);
        assert_eq!(engine.metrics().vms.parked, 1);
        drop(run);
        assert_eq!((engine.metrics().vms.parked, gate.gone.load(SeqCst)), (0, before + 1));
    }
    // One that was not begun, and one that waits for the VM.
    drop(script.run_async(&request));
    let mut first = Box::pin(script.run_async(&request));
    let before = gate.waiting.load(SeqCst);
    until(|| first.as_mut().poll(&mut context).is_pending() && gate.waiting.load(SeqCst) > before);
    let mut second = Box::pin(script.run_async(&request));
    assert!(second.as_mut().poll(&mut context).is_pending());
    drop(second);
    gate.open();
    assert_eq!(on_tokio(first).expect("it runs").stdout_text(), "on\n");
    assert_eq!(on_tokio(script.run_async(&request)).expect("it runs").stdout_text(), "on\n");
}

#[test]
fn a_task_that_waits_for_a_vm_ends_when_there_is_none_in_time_and_when_it_is_cancelled() {
    let gate = Gate::new();
    let engine = builder().pool_size(1).build();
    gate.register(&engine);
    let script = compile(&engine, "return host.pass(1)");
    let ticket = script.submit(Request::new());
    gate.wait_for(1);
    let patient = |queue| Request::new().limits(RunLimits { queue: Some(queue), ..Default::default() });
    let late = on_tokio(script.run_async(&patient(Duration::from_millis(20)))).expect("a trace");
    assert_eq!(late.status, Status::QueueTimeout);
    let cancel = CancelHandle::new();
    let request = Request::new().cancel(&cancel);
    let cancelled = on_tokio(async {
        let mut run = pin!(script.run_async(&request));
        let is_pending = poll_fn(|context| Poll::Ready(run.as_mut().poll(context).is_pending())).await;
        assert!(is_pending);
        cancel.cancel();
        run.await
    });
    assert_eq!(cancelled.expect("a trace").status, Status::Cancelled);
    gate.open();
    assert_eq!(ticket.wait().expect("it runs").status, Status::Success);
}

/// Pending until the run is over, and polled again and again.
async fn restless(_: AsyncCall) -> Result<f64, HostError> {
    poll_fn(|context| {
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

#[test]
fn a_poll_ends_a_run_that_waits_whatever_it_catches() {
    let engine = builder().pool_size(1).build();
    engine.async_function("wait", restless).expect("a name");
    let script = compile(&engine, "pcall(host.wait) while true do end");
    let poll = perilune::Poll::new(Duration::from_millis(5), || std::ops::ControlFlow::Break(()));
    let trace = on_tokio(script.run_async(&Request::new().poll(&poll))).expect("it runs");
    assert_eq!(trace.status, Status::Cancelled);
}

/// A waker of the host's that does what it should not.
struct BadWaker {
    engine: Engine,
    woken: AtomicUsize,
}

impl std::task::Wake for BadWaker {
    fn wake(self: Arc<Self>) {
        self.woken.fetch_add(1, SeqCst);
        // With a VM of its own, which is to be watched.
        let trace = compile(&self.engine, "return 1").run(&Request::new()).expect("it runs");
        assert_eq!(trace.value.as_deref(), Some("1"));
        panic!("the executor's");
    }
}

#[test]
fn a_waker_that_runs_scripts_and_panics_keeps_no_run_from_its_deadline() {
    let gate = Gate::new();
    let engine = builder().pool_size(3).build();
    gate.register(&engine);
    let script = compile(&engine, "host.pass(1)");
    let request =
        Request::new().limits(RunLimits { timeout: Some(Duration::from_millis(30)), ..Default::default() });
    let bad = Arc::new(BadWaker { engine: engine.clone(), woken: AtomicUsize::new(0) });
    let waker = Waker::from(Arc::clone(&bad));
    let mut run = Box::pin(script.run_async(&request));
    assert!(run.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    until(|| bad.woken.load(SeqCst) == 1);
    let Poll::Ready(trace) = run.as_mut().poll(&mut Context::from_waker(&waker)) else {
        panic!("it is over")
    };
    assert_eq!(trace.expect("it runs").status, Status::Timeout);
    drop(run);
    let endless = compile(&engine, "while true do end");
    assert_eq!(endless.run(&request).expect("it runs").status, Status::Timeout);
    // Nobody keeps what could wake a run that is over.
    drop(waker);
    assert_eq!(Arc::strong_count(&bad), 1);
}

#[test]
fn runs_that_go_on_have_as_many_threads_as_there_are() {
    const RUNS: usize = 4;
    let gate = Gate::new();
    let engine = builder().pool_size(RUNS).threads(RUNS).build();
    gate.register(&engine);
    let together = Arc::new(AtomicUsize::new(0));
    let meet = Arc::clone(&together);
    let meet = move |_: &perilune::Call<'_>| {
        meet.fetch_add(1, SeqCst);
        until(|| meet.load(SeqCst) == RUNS);
        Ok(true)
    };
    engine.function("meet", meet).expect("a name");
    let script = compile(&engine, "host.pass(1) return host.meet()");
    // One after another, so that one thread has begun all of them.
    let tickets: Vec<_> = (1..=RUNS)
        .map(|begun| {
            let ticket = script.submit(Request::new());
            gate.wait_for(begun);
            ticket
        })
        .collect();
    gate.open();
    for ticket in tickets {
        assert_eq!(ticket.wait().expect("it runs").value.as_deref(), Some("true"));
    }
}

#[test]
fn tasks_that_wait_for_a_vm_count_for_no_backlog() {
    let gate = Gate::new();
    let engine = builder().pool_size(1).backlog(2).build();
    gate.register(&engine);
    let script = compile(&engine, "return host.pass(1)");
    let first = script.submit(Request::new());
    gate.wait_for(1);
    let request = Request::new();
    let mut waiting: Vec<_> = (0..10).map(|_| Box::pin(script.run_async(&request))).collect();
    let mut context = Context::from_waker(Waker::noop());
    assert!(waiting.iter_mut().all(|run| run.as_mut().poll(&mut context).is_pending()));
    let (second, third) = (script.submit(Request::new()), script.submit(Request::new()));
    // One more is refused, and those that are dropped wait no more.
    assert_eq!(script.submit(Request::new()).wait().expect("a trace").status, Status::QueueTimeout);
    drop(waiting);
    gate.open();
    for ticket in [first, second, third] {
        assert_eq!(ticket.wait().expect("a trace").status, Status::Success);
    }
}

#[test]
fn what_can_not_be_kept_of_arguments_is_a_lack_of_memory() {
    let engine = builder().build();
    let script = compile(&engine, "local t = {} for i = 1, 30 do t = { t, t } end return host.wait(t)");
    let wait = |call: AsyncCall| async move {
        after_polls(2).await;
        call.value(0)
    };
    engine.async_function("wait", wait).expect("a name");
    assert_eq!(script.submit(Request::new()).wait().expect("it runs").status, Status::MemoryLimit);
}

#[test]
fn functions_have_the_data_of_the_request() {
    let engine = builder().build();
    let of = |call: &perilune::Call<'_>| Ok(call.data::<String>().cloned().unwrap_or_default());
    engine.function("now", of).expect("a name");
    let later = |call: AsyncCall| async move { Ok(call.data::<String>().cloned().unwrap_or_default()) };
    engine.async_function("later", later).expect("a name");
    let script = compile(&engine, "return host.now(), host.later()");
    let run = |request: Request<'static>| script.submit(request).wait().expect("it runs").value;
    assert_eq!(run(Request::new().data(Arc::new("Ada".to_owned()))).as_deref(), Some(r#"["Ada","Ada"]"#));
    assert_eq!(run(Request::new().data(Arc::new(1))).as_deref(), Some(r#"["",""]"#));
}
