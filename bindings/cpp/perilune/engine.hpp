/// The engine.
#ifndef PERILUNE_ENGINE_HPP
#define PERILUNE_ENGINE_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "script.hpp"

namespace perilune {

/// The version of the library, such as "0.1.0".
inline std::string_view version() noexcept { return perilune_version(); }

/// How the worker processes of an engine are to be. What is not set is as the comments say.
class Workers {
public:
    /// Of the program that was installed with the library.
    Workers() = default;
    /// Of this program: the command perilune, or perilune-worker.
    Workers(std::string program) : program_(std::move(program)) {}
    /// As above.
    Workers(const char* program) : program_(program) {}

    /// Each is replaced after so many runs, at least 1; without limit.
    Workers& max_runs(std::uint64_t runs) & { return set(PERILUNE_WORKER_MAX_RUNS, runs); }
    Workers max_runs(std::uint64_t runs) && { return std::move(max_runs(runs)); }
    /// No run begins in one that was started longer ago; without limit.
    Workers& max_age(std::chrono::nanoseconds age) & { return set(PERILUNE_WORKER_MAX_AGE_NS, detail::nanoseconds(age)); }
    Workers max_age(std::chrono::nanoseconds age) && { return std::move(max_age(age)); }
    /// For how long a source is refused that ended three of them in a row, twice as long after each that it ends then; 1 s.
    Workers& backoff(std::chrono::nanoseconds first) & { return set(PERILUNE_WORKER_BACKOFF_NS, detail::nanoseconds(first)); }
    Workers backoff(std::chrono::nanoseconds first) && { return std::move(backoff(first)); }
    /// How long a worker and its host wait for each other without sleeping; 20 µs.
    Workers& spin(std::chrono::nanoseconds time) & { return set(PERILUNE_WORKER_SPIN_NS, detail::nanoseconds(time)); }
    Workers spin(std::chrono::nanoseconds time) && { return std::move(spin(time)); }
    /// The engine can't be made where a part of the sandbox is missing.
    Workers& require_sandbox(bool requires_it = true) & { return set(PERILUNE_WORKER_REQUIRE_SANDBOX, requires_it ? 1 : 0); }
    Workers require_sandbox(bool requires_it = true) && { return std::move(require_sandbox(requires_it)); }

private:
    friend class Engine;

    Workers& set(perilune_worker_option option, std::uint64_t value) {
        options_.emplace_back(option, value);
        return *this;
    }

    std::string program_;
    std::vector<std::pair<perilune_worker_option, std::uint64_t>> options_;
};

/// What keeps workers from the system beside their VMs: each with why it is missing, or nothing where it is in place.
struct Sandbox {
    std::optional<std::string> system_calls;  ///< Only system calls that computing needs (seccomp).
    std::optional<std::string> files;         ///< No file can be opened, and no port (Landlock).
    std::optional<std::string> namespaces;    ///< A user and a network of its own (namespaces).
    std::optional<std::string> resources;     ///< Bounds of memory, processes and files, no dumps, and an end with the host.

    /// Whether nothing is missing.
    bool is_whole() const noexcept { return !system_calls && !files && !namespaces && !resources; }
};

/// How an engine is to be. What is not set is as the comments say.
class EngineOptions : public detail::RunLimits<EngineOptions> {
public:
    /// How many VMs the engine may have, and so how many runs at once; as many as the machine has threads.
    EngineOptions& pool_size(std::size_t vms) & {
        pool_size_ = vms;
        return *this;
    }
    EngineOptions pool_size(std::size_t vms) && { return std::move(pool_size(vms)); }
    /// How many threads make submitted runs, and those of a batch. A run that waits for a function that answers later takes none.
    EngineOptions& threads(std::size_t threads) & {
        threads_ = threads;
        return *this;
    }
    EngineOptions threads(std::size_t threads) && { return std::move(this->threads(threads)); }
    /// How many submitted runs may wait for a VM; beyond, they end as Status::queue_timeout at once. 10,000.
    EngineOptions& backlog(std::size_t runs) & {
        backlog_ = runs;
        return *this;
    }
    EngineOptions backlog(std::size_t runs) && { return std::move(backlog(runs)); }
    /// Has runs made in worker processes, which can do nothing but compute. They are made in this process.
    EngineOptions& workers(Workers how = {}) & {
        workers_ = std::move(how);
        return *this;
    }
    EngineOptions workers(Workers how = {}) && { return std::move(workers(std::move(how))); }
    /// Query, body, config and meta together, in bytes; 512 KiB.
    EngineOptions& request(std::uint64_t bytes) & { return set(PERILUNE_LIMIT_REQUEST, bytes); }
    EngineOptions request(std::uint64_t bytes) && { return std::move(request(bytes)); }
    /// Parameters in the query; 1,000.
    EngineOptions& parameters(std::uint64_t count) & { return set(PERILUNE_LIMIT_PARAMETERS, count); }
    EngineOptions parameters(std::uint64_t count) && { return std::move(parameters(count)); }
    /// A source, in bytes; 1 MiB.
    EngineOptions& source(std::uint64_t bytes) & { return set(PERILUNE_LIMIT_SOURCE, bytes); }
    EngineOptions source(std::uint64_t bytes) && { return std::move(source(bytes)); }

private:
    friend class detail::RunLimits<EngineOptions>;
    friend class Engine;

    void limit(perilune_limit which, std::uint64_t most) { limits_.emplace_back(which, most); }

    std::optional<std::size_t> pool_size_;
    std::optional<std::size_t> threads_;
    std::optional<std::size_t> backlog_;
    std::optional<Workers> workers_;
    std::vector<std::pair<perilune_limit, std::uint64_t>> limits_;
};

/// How much a finding of Engine::check matters.
enum class Severity : perilune_severity {
    warning = PERILUNE_SEVERITY_WARNING,  ///< It compiles, and may not do what its author expects.
    error = PERILUNE_SEVERITY_ERROR,      ///< It does not compile.
};

/// A finding of Engine::check.
struct Diagnostic {
    Severity severity;    ///< How much it matters.
    std::uint32_t line;   ///< The line that it is about, from 1.
    std::uint32_t column; ///< Where in that line, in characters from 1.
    std::string message;  ///< What is wrong, in one line without the place.
};

/// What Engine::check found, in the order of the places: errors, or else warnings.
using Diagnostics = std::vector<Diagnostic>;

/// What came of loading a directory, or of a change in a watched one.
struct Report {
    std::vector<Script> loaded;        ///< Scripts that are new or changed.
    std::vector<std::string> removed;  ///< Names that no longer serve, because their files are gone.
    std::vector<Error> failed;         ///< Why files could not be put: subject() is the path. What served before goes on.
};

/// How many runs took how long.
struct Histogram {
    std::vector<std::chrono::nanoseconds> bounds;  ///< The upper bounds of the buckets.
    std::vector<std::uint64_t> counts;             ///< How many fell into each bucket, and at the end how many were beyond the last.
    std::chrono::nanoseconds sum;                  ///< The times of all.
    std::uint64_t count;                           ///< How many there were.
};

/// What an engine counted, at one time.
class Metrics {
public:
    /// Runs that are over, by how they ended.
    struct Runs {
        std::uint64_t success, failure, timeout, memory_limit, cancelled, queue_timeout, crashed;
    };
    /// VMs: waiting for a run, lent to one, closed since the engine was made, and made to replace those.
    struct Vms {
        std::uint64_t ready, in_use, retired, rebuilt;
    };
    /// Sources that compiled, and that did not.
    struct Compiles {
        std::uint64_t succeeded, failed;
    };

    /// Takes over a snapshot of the C API.
    explicit Metrics(perilune_metrics* owned) : object_(owned, perilune_metrics_free) {
        perilune_metrics_view all{};
        all.size = sizeof all;
        detail::call(perilune_metrics_read, handle(), &all);
        runs = {all.runs_success,      all.runs_failure,   all.runs_timeout,
                all.runs_memory_limit, all.runs_cancelled, all.runs_queue_timeout,
                all.runs_crashed};
        vms = {all.vms_ready, all.vms_in_use, all.vms_retired, all.vms_rebuilt};
        compiles = {all.compiles_succeeded, all.compiles_failed};
        captured_bytes = all.captured_bytes;
        dropped_bytes = all.dropped_bytes;
        host_calls = all.host_calls;
        scripts = all.scripts;
        run_duration = histogram(all, all.run_duration_counts, all.run_duration_sum_ns, all.run_duration_count);
        queue_duration = histogram(all, all.queue_duration_counts, all.queue_duration_sum_ns, all.queue_duration_count);
    }

    Runs runs{};                    ///< Runs that are over.
    Vms vms{};                      ///< VMs.
    Compiles compiles{};            ///< Compilations.
    std::uint64_t captured_bytes{};  ///< Bytes of stdout and stderr that were handed back.
    std::uint64_t dropped_bytes{};   ///< Bytes of stdout and stderr that were dropped.
    std::uint64_t host_calls{};      ///< Calls of host functions by scripts.
    std::uint64_t scripts{};         ///< Named scripts that serve now.
    Histogram run_duration{};        ///< How long runs took.
    Histogram queue_duration{};      ///< How long runs waited for a VM.

    /// The snapshot as one line of JSON.
    std::string_view json() const& noexcept { return detail::text(perilune_metrics_json(handle())); }
    std::string_view json() const&& = delete;
    /// The snapshot in Prometheus' text form, to be served as "text/plain; version=0.0.4".
    std::string_view prometheus() const& noexcept { return detail::text(perilune_metrics_prometheus(handle())); }
    std::string_view prometheus() const&& = delete;

    /// The object of the C API, lent. NULL of what was moved from.
    const perilune_metrics* handle() const noexcept { return object_.get(); }

private:
    static Histogram histogram(const perilune_metrics_view& all, const std::uint64_t* counts, std::uint64_t sum,
                               std::uint64_t count) {
        Histogram histogram{{}, {counts, counts + all.bounds_len + 1}, std::chrono::nanoseconds(sum), count};
        for (std::size_t i = 0; i < all.bounds_len; ++i) histogram.bounds.emplace_back(all.bounds_ns[i]);
        return histogram;
    }

    std::shared_ptr<const perilune_metrics> object_;
};

/// Keeps named scripts as the files of a directory are, until it is destroyed: that waits for what is under way, the watcher
/// included, and leaves the scripts as they are.
class Watch : public detail::Owned<perilune_watch, perilune_watch_free> {
public:
    using Owned::Owned;
};

namespace detail {

/// Copies a report.
inline Report report(const perilune_report* from) {
    Report to;
    for (std::size_t i = 0; i < perilune_report_loaded_len(from); ++i) {
        to.loaded.emplace_back(perilune_script_clone(perilune_report_loaded(from, i)));
    }
    for (std::size_t i = 0; i < perilune_report_removed_len(from); ++i) {
        to.removed.emplace_back(text(perilune_report_removed(from, i)));
    }
    for (std::size_t i = 0; i < perilune_report_failed_len(from); ++i) {
        to.failed.emplace_back(perilune_report_failed(from, i));
    }
    return to;
}

}  // namespace detail

/// Runs scripts: a pool of VMs, and the limits of all that runs in them. Make one for a process and share it: a copy is a second
/// handle to the same engine.
class Engine : public detail::Copyable<perilune_engine, perilune_engine_free, perilune_engine_clone> {
public:
    using Copyable::Copyable;

    /// Makes an engine. Nothing is started yet: VMs and threads come with the first run.
    explicit Engine(const EngineOptions& options = EngineOptions()) : Engine(make(options)) {}

    /// One of its limits, in the unit that PERILUNE_LIMIT_* says.
    std::uint64_t limit(perilune_limit which) const noexcept { return perilune_engine_limit(handle(), which); }

    /// Compiles a script; throws CompileError. It is not kept under its name: see put().
    Script compile(std::string_view name, std::string_view source) const {
        return detail::make<Script>(perilune_engine_compile, handle(), detail::slice(name), detail::slice(source));
    }
    /// What is wrong with a source, and what may do something else than its author expects. Runs nothing.
    Diagnostics check(std::string_view name, std::string_view source) const {
        using Guard = detail::Guard<perilune_diagnostics, perilune_diagnostics_free>;
        const auto found = detail::make<Guard>(perilune_engine_check, handle(), detail::slice(name),
                                               detail::slice(source));
        Diagnostics diagnostics;
        for (std::size_t i = 0; i < perilune_diagnostics_len(found.get()); ++i) {
            diagnostics.push_back({static_cast<Severity>(perilune_diagnostics_severity(found.get(), i)),
                                   perilune_diagnostics_line(found.get(), i),
                                   perilune_diagnostics_column(found.get(), i),
                                   std::string(detail::text(perilune_diagnostics_message(found.get(), i)))});
        }
        return diagnostics;
    }

    /// Gives all scripts a function, host.NAME(...), from their next run on; one of the same name is replaced.
    ///
    ///     engine.function("add", [](double a, double b) { return a + b; });
    ///     engine.function("log", [&](perilune::Call& call) { log(call.run_id(), call.get<std::string_view>(0)); });
    ///
    /// It takes what Call::get reads, const references to that, or Call& at any place; it returns nothing, bool, a number, a string,
    /// Value, Json, or std::optional of those. An exception is a Lua error, "host.NAME: what()". Scripts call it on several threads
    /// at once, so it must be const: a lambda must not be mutable.
    template <class Function>
    void function(std::string_view name, Function&& function) const {
        detail::add_function(perilune_engine_function, handle(), name, std::forward<Function>(function));
    }
    /// The same for a function that may answer later, by a Pending, which is its last parameter. While it has not, a run of Script::submit takes no thread,
    /// and its timeout or cancel handle ends it at once; other runs wait on their thread.
    ///
    ///     engine.async_function("fetch", [&](std::string url, perilune::Pending answer) { client.get(url, std::move(answer)); });
    template <class Function>
    void async_function(std::string_view name, Function&& function) const {
        detail::add_function(perilune_engine_async_function, handle(), name, std::forward<Function>(function));
    }
    /// Gives all scripts a module, require "NAME", from their next run on. Each run that requires it runs it once.
    void module(std::string_view name, std::string_view source) const {
        detail::call(perilune_engine_module, handle(), detail::slice(name), detail::slice(source));
    }

    /// Compiles a script and lets it serve under a name, NAME or INSTANCE/NAME. A source that does not compile changes nothing.
    Script put(std::string_view name, std::string_view source) const {
        return detail::make<Script>(perilune_engine_put, handle(), detail::slice(name), detail::slice(source));
    }
    /// The script that serves under a name now; throws NotFound. It stays that version, whatever is put later.
    Script get(std::string_view name) const {
        return detail::make<Script>(perilune_engine_get, handle(), detail::slice(name));
    }
    /// Takes the script of a name out of service; throws NotFound. Its runs go on.
    void remove(std::string_view name) const {
        detail::call(perilune_engine_remove, handle(), detail::slice(name));
    }
    /// The scripts that serve now, sorted by name: all, or those of an instance, "" for those without one.
    std::vector<Script> list(std::optional<std::string_view> instance = std::nullopt) const {
        using Guard = detail::Guard<perilune_scripts, perilune_scripts_free>;
        const auto found = detail::make<Guard>(perilune_engine_list, handle(),
                                               instance ? detail::slice(*instance) : perilune_str(nullptr));
        std::vector<Script> scripts;
        for (std::size_t i = 0; i < perilune_scripts_len(found.get()); ++i) {
            scripts.emplace_back(perilune_script_clone(perilune_scripts_at(found.get(), i)));
        }
        return scripts;
    }
    /// Runs the script that serves under a name; throws NotFound, and what Script::run does.
    Trace run(std::string_view name, const Request& request) const { return run(name, {}, {}, request); }
    /// The same with a raw query and a body, a JSON object, which are not copied.
    Trace run(std::string_view name, std::string_view query = {}, std::string_view body = {}) const {
        return run_by(name, query, body, nullptr);
    }
    /// The same, with the rest of a request; {} leaves the request's own query or body.
    Trace run(std::string_view name, std::string_view query, std::string_view body, const Request& request) const {
        return run_by(name, query, body, request.handle());
    }

    /// Lets the *.lua files of a directory serve: PATH/NAME.lua as NAME, PATH/INSTANCE/NAME.lua as INSTANCE/NAME.
    Report load_dir(std::string_view path) const {
        using Guard = detail::Guard<perilune_report, perilune_report_free>;
        return detail::report(
            detail::make<Guard>(perilune_engine_load_dir, handle(), detail::slice(path)).get());
    }
    /// Loads a directory and keeps the scripts as the files are: an edit is live in about 0.1 s.
    [[nodiscard]] Watch watch(std::string_view path) const {
        return watch_by(path, nullptr, nullptr, nullptr);
    }
    /// The same, and tells `watcher` of each change by a const Report&, and first of what was loaded: on the watch's own thread,
    /// one call at a time. As with std::thread, what it throws ends the program.
    template <class Watcher>
    [[nodiscard]] Watch watch(std::string_view path, Watcher&& watcher) const {
        using State = std::decay_t<Watcher>;
        static_assert(std::is_invocable_v<State&, const Report&>, "the watcher takes a const perilune::Report&");
        const auto tell = [](const perilune_report* lent, void* state) noexcept {
            const Report report = detail::report(lent);
            std::invoke(*static_cast<State*>(state), report);
        };
        auto state = std::make_unique<State>(std::forward<Watcher>(watcher));
        return watch_by(path, tell, state.release(), &detail::destroy<State>);
    }

    /// What it counted until now, in this process.
    Metrics metrics() const { return Metrics(detail::make<Snapshot>(perilune_engine_metrics, handle()).release()); }

    /// What keeps the engine's workers from the system; nothing where it has none.
    std::optional<Sandbox> sandbox() const {
        perilune_sandbox* made = nullptr;
        detail::call(perilune_engine_sandbox, handle(), &made);
        if (!made) return std::nullopt;
        const detail::Guard<perilune_sandbox, perilune_sandbox_free> told(made);
        const auto missing = [&](perilune_sandbox_part part) -> std::optional<std::string> {
            const perilune_slice reason = perilune_sandbox_missing(told.get(), part);
            if (!reason.data) return std::nullopt;
            return std::string(reason.data, reason.len);
        };
        return Sandbox{missing(PERILUNE_SANDBOX_SYSTEM_CALLS), missing(PERILUNE_SANDBOX_FILES), missing(PERILUNE_SANDBOX_NAMESPACES),
                       missing(PERILUNE_SANDBOX_RESOURCES)};
    }

private:
    using Snapshot = detail::Guard<perilune_metrics, perilune_metrics_free>;

    static Engine make(const EngineOptions& options) {
        const detail::Guard<perilune_options, perilune_options_free> made(perilune_options_new());
        if (options.pool_size_) detail::call(perilune_options_set_pool_size, made.get(), *options.pool_size_);
        if (options.threads_) detail::call(perilune_options_set_threads, made.get(), *options.threads_);
        if (options.backlog_) detail::call(perilune_options_set_backlog, made.get(), *options.backlog_);
        if (options.workers_) {
            detail::call(perilune_options_set_workers, made.get(), detail::slice(options.workers_->program_));
            for (const auto& [option, value] : options.workers_->options_) {
                detail::call(perilune_options_set_worker_option, made.get(), option, value);
            }
        }
        for (const auto& [which, most] : options.limits_) {
            detail::call(perilune_options_set_limit, made.get(), which, most);
        }
        return detail::make<Engine>(perilune_engine_new, made.get());
    }

    Trace run_by(std::string_view name, std::string_view query, std::string_view body, const perilune_request* request) const {
        return detail::make<Trace>(perilune_engine_run, handle(), detail::slice(name), detail::given(query), detail::given(body),
                                   request);
    }

    Watch watch_by(std::string_view path, perilune_watcher watcher, void* state, perilune_destroy destroy) const {
        return detail::make<Watch>(perilune_engine_watch, handle(), detail::slice(path), watcher, state, destroy);
    }
};

inline Engine Call::engine() const noexcept { return Engine(perilune_call_engine(call_)); }

}  // namespace perilune

#endif
