/// What a host hands to a run.
#ifndef PERILUNE_REQUEST_HPP
#define PERILUNE_REQUEST_HPP

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "error.hpp"

namespace perilune {

/// Ends runs from outside. A copy is a second handle to the same.
class Cancel {
public:
    /// For no run yet: see Request::cancel and Script::run_batch.
    Cancel() : object_(perilune_cancel_new(), perilune_cancel_free) {}

    /// Ends the runs of all requests that were given it, before they begin or while they run, as Status::cancelled. Returns at
    /// once, and can't be taken back. Not from a signal handler.
    void now() const noexcept { perilune_cancel_now(handle()); }
    /// Whether now() was called.
    bool is_cancelled() const noexcept { return perilune_cancel_is_cancelled(handle()); }

    /// The object of the C API, lent. NULL of what was moved from.
    const perilune_cancel* handle() const noexcept { return object_.get(); }

private:
    std::shared_ptr<perilune_cancel> object_;
};

namespace detail {

/// A time as the C API takes it; less than none is none.
inline std::uint64_t nanoseconds(std::chrono::nanoseconds time) noexcept {
    return time.count() < 0 ? 0 : static_cast<std::uint64_t>(time.count());
}

/// The setters of what bounds a run, for a class with a method limit().
template <class Self>
class RunLimits {
public:
    /// Wall clock for one run; 30 s where nothing else is set.
    Self& timeout(std::chrono::nanoseconds time) & { return set(PERILUNE_LIMIT_TIMEOUT_NS, nanoseconds(time)); }
    Self timeout(std::chrono::nanoseconds time) && { return std::move(timeout(time)); }
    /// Waiting for a VM; 5 s.
    Self& queue(std::chrono::nanoseconds time) & { return set(PERILUNE_LIMIT_QUEUE_NS, nanoseconds(time)); }
    Self queue(std::chrono::nanoseconds time) && { return std::move(queue(time)); }
    /// What the VM's heap grows by, in bytes; 64 MiB.
    Self& memory(std::uint64_t bytes) & { return set(PERILUNE_LIMIT_MEMORY, bytes); }
    Self memory(std::uint64_t bytes) && { return std::move(memory(bytes)); }
    /// Captured stdout and stderr, in bytes, each; 512 KiB.
    Self& output(std::uint64_t bytes) & { return set(PERILUNE_LIMIT_OUTPUT, bytes); }
    Self output(std::uint64_t bytes) && { return std::move(output(bytes)); }
    /// The returned value as JSON, in bytes; 512 KiB.
    Self& value(std::uint64_t bytes) & { return set(PERILUNE_LIMIT_VALUE, bytes); }
    Self value(std::uint64_t bytes) && { return std::move(value(bytes)); }
    /// Calls of host functions; 10,000.
    Self& host_calls(std::uint64_t calls) & { return set(PERILUNE_LIMIT_HOST_CALLS, calls); }
    Self host_calls(std::uint64_t calls) && { return std::move(host_calls(calls)); }

protected:
    /// Sets one of PERILUNE_LIMIT_*.
    Self& set(perilune_limit which, std::uint64_t most) {
        Self& self = static_cast<Self&>(*this);
        self.limit(which, most);
        return self;
    }
};

}  // namespace detail

/// Limits of a script: see Script::limits. What is not set stays the engine's; a value above the engine's changes nothing.
class Limits : public detail::RunLimits<Limits> {
private:
    friend class detail::RunLimits<Limits>;
    friend class Script;

    void limit(perilune_limit which, std::uint64_t most) {
        numbers_.push_back(which);
        values_.push_back(most);
    }

    std::vector<perilune_limit> numbers_;
    std::vector<std::uint64_t> values_;
};

/// What a script sees as GET, POST, CONFIG and META, and what holds for the run: limits below the engine's, say. It keeps copies
/// of what it is given, and can be used for any number of runs, also at once. A copy is a request of its own.
class Request : public detail::Copyable<perilune_request, perilune_request_free, perilune_request_clone>,
                public detail::RunLimits<Request> {
public:
    using Copyable::Copyable;

    /// One with nothing in it.
    Request() noexcept : Copyable(perilune_request_new()) {}

    /// The raw query, without the "?". Replaces an earlier one, and parameters.
    Request& query(std::string_view raw) & { return set_text(perilune_request_set_query, raw); }
    Request query(std::string_view raw) && { return std::move(query(raw)); }
    /// Adds a parameter that is decoded already. Replaces a raw query; a repeated key keeps its last value.
    Request& param(std::string_view key, std::string_view value) & {
        detail::call(perilune_request_add_param, mutable_handle(), detail::slice(key), detail::slice(value));
        return *this;
    }
    Request param(std::string_view key, std::string_view value) && { return std::move(param(key, value)); }
    /// The body, a JSON object; no bytes are no body. What is no object is refused by the run, as PayloadError.
    Request& json(std::string_view body) & { return set_text(perilune_request_set_json, body); }
    Request json(std::string_view body) && { return std::move(json(body)); }
    /// The body, an urlencoded form.
    Request& form(std::string_view body) & { return set_text(perilune_request_set_form, body); }
    Request form(std::string_view body) && { return std::move(form(body)); }
    /// The host's settings for the script, CONFIG, as JSON.
    Request& config(std::string_view object) & { return set_text(perilune_request_set_config, object); }
    Request config(std::string_view object) && { return std::move(config(object)); }
    /// What the host knows of the request, META, as JSON.
    Request& meta(std::string_view object) & { return set_text(perilune_request_set_meta, object); }
    Request meta(std::string_view object) && { return std::move(meta(object)); }
    /// Makes math.random repeat: two runs with one seed see the same numbers.
    Request& seed(std::uint64_t number) & {
        detail::call(perilune_request_set_seed, mutable_handle(), number);
        return *this;
    }
    Request seed(std::uint64_t number) && { return std::move(seed(number)); }
    /// For whom the runs are: a worker process serves one tenant only, and runs without one share theirs.
    Request& tenant(std::string_view whose) & { return set_text(perilune_request_set_tenant, whose); }
    Request tenant(std::string_view whose) && { return std::move(tenant(whose)); }
    /// Has the handle end the runs.
    Request& cancel(const Cancel& handle) & {
        detail::call(perilune_request_set_cancel, mutable_handle(), handle.handle());
        return *this;
    }
    Request cancel(const Cancel& handle) && { return std::move(cancel(handle)); }
    /// Has a function asked, about every period while a run waits or is under way, whether to end it as Status::cancelled: by
    /// true, or by an exception, which goes no further. Asked on the thread that makes the run: by several at once, if there
    /// are several runs.
    template <class Asked>
    Request& poll(std::chrono::nanoseconds period, Asked&& asked) & {
        using State = std::decay_t<Asked>;
        static_assert(std::is_invocable_r_v<bool, const State&>,
                      "poll asks by several threads at once: a function that takes nothing, is const and says a bool");
        auto state = std::make_unique<State>(std::forward<Asked>(asked));
        detail::call(perilune_request_set_poll, mutable_handle(), detail::nanoseconds(period), &ask<State>, state.release(),
                     &detail::destroy<State>);
        return *this;
    }
    template <class Asked>
    Request poll(std::chrono::nanoseconds period, Asked&& asked) && {
        return std::move(poll(period, std::forward<Asked>(asked)));
    }

private:
    friend class detail::RunLimits<Request>;

    template <class Setter>
    Request& set_text(Setter setter, std::string_view text) {
        detail::call(setter, mutable_handle(), detail::given(text));
        return *this;
    }

    void limit(perilune_limit which, std::uint64_t most) {
        detail::call(perilune_request_set_limit, mutable_handle(), which, most);
    }

    template <class State>
    static std::int32_t ask(void* state) noexcept {
        try {
            return static_cast<bool>((*static_cast<const State*>(state))());
        } catch (...) {
            return 1;
        }
    }
};

}  // namespace perilune

#endif
