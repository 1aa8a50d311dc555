/// A compiled script.
#ifndef PERILUNE_SCRIPT_HPP
#define PERILUNE_SCRIPT_HPP

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "function.hpp"
#include "request.hpp"
#include "trace.hpp"

namespace perilune {

/// A script that can be run. It keeps its engine alive. A copy is a second handle, with limits and functions of its own from
/// there on.
class Script : public detail::Copyable<perilune_script, perilune_script_free, perilune_script_clone> {
public:
    using Copyable::Copyable;

    /// The name that it was compiled with.
    std::string_view name() const& noexcept { return detail::text(perilune_script_name(handle())); }
    std::string_view name() const&& = delete;
    /// Which version of its name it is, counted from 1.
    std::uint64_t version() const noexcept { return perilune_script_version(handle()); }
    /// The SHA-256 of its source in lower-case hex.
    std::string_view hash() const& noexcept { return detail::text(perilune_script_hash(handle())); }
    std::string_view hash() const&& = delete;
    /// The source that it was compiled from.
    std::string_view source() const& noexcept { return detail::text(perilune_script_source(handle())); }
    std::string_view source() const&& = delete;

    /// Lowers the limits for all runs of this handle, in place of those set before.
    void limits(const Limits& lower) {
        detail::call(perilune_script_set_limits, mutable_handle(), lower.numbers_.data(), lower.values_.data(),
                     lower.numbers_.size());
    }
    /// Gives runs of this handle a function of their own, before one of the engine's of the same name: see Engine::function.
    template <class Function>
    void function(std::string_view name, Function&& function) {
        detail::add_function(perilune_script_function, mutable_handle(), name, std::forward<Function>(function));
    }
    /// The same for one that may answer later: see Engine::async_function.
    template <class Function>
    void async_function(std::string_view name, Function&& function) {
        detail::add_function(perilune_script_async_function, mutable_handle(), name, std::forward<Function>(function));
    }

    /// Runs it. Throws only if no run began: PayloadError, say.
    Trace run(const Request& request) const { return run({}, {}, request); }
    /// Runs it with a raw query and a body, a JSON object: the fast path, on which nothing is copied.
    Trace run(std::string_view query = {}, std::string_view body = {}) const { return run_by(query, body, nullptr); }
    /// The same, with the rest of a request; {} leaves the request's own query or body.
    Trace run(std::string_view query, std::string_view body, const Request& request) const {
        return run_by(query, body, request.handle());
    }

    /// Has a run made on the engine's own threads, and then calls `done` with its Outcome, once: on one of those threads, which
    /// other runs wait for, or on this one if the run can't begin. So it must not block; and as with std::thread, what it throws
    /// ends the program. It need not be copyable.
    template <class Done>
    void submit(const Request& request, Done&& done) const {
        using State = std::decay_t<Done>;
        static_assert(std::is_invocable_v<State, Outcome>, "the callback takes a perilune::Outcome");
        const auto tell = [](perilune_code, perilune_trace* trace, perilune_error* error, void* state) noexcept {
            const std::unique_ptr<State> function(static_cast<State*>(state));
            std::invoke(std::move(*function), detail::outcome(trace, error));
        };
        perilune_done callback = tell;
        // The callback may be over before the call is, and frees it; but is not called where the call fails.
        State* given = new State(std::forward<Done>(done));
        try {
            detail::call(perilune_script_submit, handle(), perilune_str(nullptr), perilune_str(nullptr), request.handle(), callback,
                         given);
        } catch (...) {
            delete given;
            throw;
        }
    }
    /// Has a run made on the engine's own threads. The future throws what run() would.
    std::future<Trace> submit(const Request& request) const {
        std::promise<Trace> promise;
        std::future<Trace> future = promise.get_future();
        submit(request, [promise = std::move(promise)](Outcome outcome) mutable {
            try {
                promise.set_value(std::move(outcome).value());
            } catch (const Error&) {
                promise.set_exception(std::current_exception());
            }
        });
        return future;
    }

    /// Runs it once for each request, on as many threads as the engine has, and returns what came of each, in order. `progress` is
    /// told after each run how many are done of how many, by several threads, also at once; what it throws is thrown when all
    /// are done.
    std::vector<Outcome> run_batch(const std::vector<Request>& requests,
                                   const std::function<void(std::size_t, std::size_t)>& progress = {},
                                   const Cancel& cancel = Cancel()) const {
        std::vector<const perilune_request*> lent;
        lent.reserve(requests.size());
        for (const Request& request : requests) lent.push_back(request.handle());

        Batch batch{progress, std::vector<perilune_trace*>(lent.size()), std::vector<perilune_error*>(lent.size()), {}, {}};
        detail::call(perilune_script_run_batch, handle(), lent.data(), lent.size(), cancel.handle(),
                     progress ? &Batch::tell : perilune_progress(nullptr), &batch, batch.traces.data(), batch.errors.data());
        if (batch.thrown) std::rethrow_exception(batch.thrown);

        std::vector<Outcome> outcomes;
        outcomes.reserve(requests.size());
        for (std::size_t i = 0; i < requests.size(); ++i) {
            outcomes.push_back(
                detail::outcome(std::exchange(batch.traces[i], nullptr), std::exchange(batch.errors[i], nullptr)));
        }
        return outcomes;
    }

private:
    /// What a batch needs while it is under way. It frees what nobody took.
    struct Batch {
        const std::function<void(std::size_t, std::size_t)>& progress;
        std::vector<perilune_trace*> traces;
        std::vector<perilune_error*> errors;
        std::mutex lock;
        std::exception_ptr thrown;

        ~Batch() {
            for (perilune_trace* trace : traces) perilune_trace_free(trace);
            for (perilune_error* error : errors) perilune_error_free(error);
        }

        static void tell(std::size_t done, std::size_t total, void* data) noexcept {
            Batch& batch = *static_cast<Batch*>(data);
            try {
                batch.progress(done, total);
            } catch (...) {
                const std::lock_guard<std::mutex> guard(batch.lock);
                if (!batch.thrown) batch.thrown = std::current_exception();
            }
        }
    };

    Trace run_by(std::string_view query, std::string_view body, const perilune_request* request) const {
        return detail::make<Trace>(perilune_script_run, handle(), detail::given(query), detail::given(body), request);
    }
};

}  // namespace perilune

#endif
