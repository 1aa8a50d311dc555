/// What a run hands back.
#ifndef PERILUNE_TRACE_HPP
#define PERILUNE_TRACE_HPP

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "error.hpp"

namespace perilune {

/// How a run ended. New ones can come.
enum class Status : perilune_status {
    success = PERILUNE_STATUS_SUCCESS,              ///< The script came to its end within its limits.
    failure = PERILUNE_STATUS_FAILURE,              ///< An error that it did not catch, or a result that can't be handed back.
    timeout = PERILUNE_STATUS_TIMEOUT,              ///< The run was past its deadline.
    memory_limit = PERILUNE_STATUS_MEMORY_LIMIT,    ///< The script needed more memory than its limit.
    cancelled = PERILUNE_STATUS_CANCELLED,          ///< The run was cancelled.
    queue_timeout = PERILUNE_STATUS_QUEUE_TIMEOUT,  ///< No VM came free in time; the script did not run.
    crashed = PERILUNE_STATUS_CRASHED,              ///< The worker process that had the run ended.
};

/// The name of a status, such as "success".
inline std::string_view to_string(Status status) noexcept {
    return perilune_status_name(static_cast<perilune_status>(status));
}

/// What kind of error ended a run. New ones can come.
enum class ErrorKind : perilune_error_kind {
    runtime = PERILUNE_KIND_RUNTIME,              ///< Raised in the script and not caught.
    value = PERILUNE_KIND_VALUE,                  ///< The returned value can't be JSON, or is too large.
    host_calls = PERILUNE_KIND_HOST_CALLS,        ///< More calls of host functions than the limit.
    timeout = PERILUNE_KIND_TIMEOUT,              ///< As Status::timeout.
    memory_limit = PERILUNE_KIND_MEMORY_LIMIT,    ///< As Status::memory_limit.
    cancelled = PERILUNE_KIND_CANCELLED,          ///< As Status::cancelled.
    queue_timeout = PERILUNE_KIND_QUEUE_TIMEOUT,  ///< As Status::queue_timeout.
    host = PERILUNE_KIND_HOST,                    ///< Of a host function: not caught by the script, or raised again as it was.
    crashed = PERILUNE_KIND_CRASHED,              ///< As Status::crashed.
};

/// The name of a kind of error, such as "runtime".
inline std::string_view to_string(ErrorKind kind) noexcept {
    return perilune_error_kind_name(static_cast<perilune_error_kind>(kind));
}

/// The error that ended a run, as views into its trace.
struct TraceError {
    ErrorKind kind;                          ///< What kind of error it is.
    std::string_view message;                ///< Its text.
    std::optional<std::string_view> script;  ///< The script in which it was raised, if one was running.
    std::optional<std::uint32_t> line;       ///< The line where it was raised, from 1.
    std::string_view traceback;              ///< The chain of calls, innermost first, a line each.
};

/// What a script set by set_response, as views into its trace.
struct Response {
    std::uint32_t status;           ///< 100 to 599.
    std::string_view content_type;  ///< The media type.
    std::string_view content;       ///< The body.
    /// A name and a value for each line, in the order of the names: a name for which the script gave a list has several. They have no
    /// control characters and can be sent as they are.
    std::vector<std::pair<std::string_view, std::string_view>> headers;
};

/// What a run took.
struct Usage {
    std::uint64_t memory_bytes;       ///< The highest known growth of the VM's heap.
    std::uint64_t host_calls;         ///< Calls of host functions.
    std::chrono::nanoseconds queued;  ///< Waiting for a VM.
    std::chrono::nanoseconds waited;  ///< Waiting for host functions that answer later.
};

/// A run did not succeed: thrown by Trace::throw_if_failed only. A copy throws nothing.
class RunError : public std::runtime_error {
public:
    /// Says what a trace says of its error.
    RunError(Status status, const TraceError& error)
        : std::runtime_error(std::string(error.message)), data_(std::make_shared<const Data>(status, error)) {}

    // A move would leave an error that says nothing.
    RunError(const RunError&) noexcept = default;
    RunError& operator=(const RunError&) noexcept = default;
    ~RunError() override = default;

    /// How the run ended.
    Status status() const noexcept { return data_->status; }
    /// What kind of error it is.
    ErrorKind kind() const noexcept { return data_->kind; }
    /// The text of the error: what() to its end, should there be a NUL byte in it.
    std::string_view message() const& noexcept { return data_->message; }
    std::string_view message() const&& = delete;
    /// The script in which it was raised; "" if none was running.
    std::string_view script() const& noexcept { return data_->script; }
    std::string_view script() const&& = delete;
    /// The line where it was raised, from 1.
    std::optional<std::uint32_t> line() const noexcept { return data_->line; }
    /// The chain of calls, innermost first, a line each.
    std::string_view traceback() const& noexcept { return data_->traceback; }
    std::string_view traceback() const&& = delete;

private:
    struct Data {
        Data(Status ended, const TraceError& error)
            : status(ended),
              kind(error.kind),
              message(error.message),
              script(error.script.value_or("")),
              line(error.line),
              traceback(error.traceback) {}

        Status status;
        ErrorKind kind;
        std::string message;
        std::string script;
        std::optional<std::uint32_t> line;
        std::string traceback;
    };

    std::shared_ptr<const Data> data_;
};

/// What a run hands back. It never changes. Views into it live as long as it does.
class Trace : public detail::Owned<perilune_trace, perilune_trace_free> {
public:
    using Owned::Owned;

    /// How the run ended.
    Status status() const noexcept { return static_cast<Status>(perilune_trace_status(handle())); }
    /// Whether it succeeded.
    bool ok() const noexcept { return status() == Status::success; }
    /// Throws RunError unless it succeeded, and is the trace again.
    const Trace& throw_if_failed() const& {
        if (const auto failed = error()) throw RunError(status(), *failed);
        return *this;
    }
    /// The same of a temporary one.
    Trace throw_if_failed() && {
        std::as_const(*this).throw_if_failed();
        return std::move(*this);
    }

    /// What the script wrote to stdout, to the byte. Not called stdout, which C may define as a macro.
    std::string_view out() const& noexcept { return detail::text(perilune_trace_stdout(handle())); }
    std::string_view out() const&& = delete;
    /// What the script wrote to stderr, to the byte, and then the uncaught error.
    std::string_view err() const& noexcept { return detail::text(perilune_trace_stderr(handle())); }
    std::string_view err() const&& = delete;
    /// Whether output past the limit was dropped from out().
    bool out_truncated() const noexcept { return view().stdout_truncated != 0; }
    /// Whether output past the limit was dropped from err(); the uncaught error never is.
    bool err_truncated() const noexcept { return view().stderr_truncated != 0; }

    /// What the script returned, as JSON text: the value for one, an array for several.
    std::optional<std::string_view> value_json() const& noexcept {
        return detail::maybe(perilune_trace_value(handle()));
    }
    std::optional<std::string_view> value_json() const&& = delete;

    /// The error that ended the run.
    std::optional<TraceError> error() const& noexcept {
        const perilune_trace_view all = view();
        if (all.error_kind == PERILUNE_KIND_NONE) return std::nullopt;
        return TraceError{static_cast<ErrorKind>(all.error_kind),
                          detail::text(all.error_message),
                          detail::maybe(all.error_script),
                          all.error_line == 0 ? std::nullopt : std::optional<std::uint32_t>(all.error_line),
                          detail::text(all.error_traceback)};
    }
    std::optional<TraceError> error() const&& = delete;

    /// What the script set by set_response.
    std::optional<Response> response() const& {
        const perilune_trace_view all = view();
        if (all.response_status == 0) return std::nullopt;
        Response response{all.response_status,
                          detail::text(all.response_content_type),
                          detail::text(all.response_content),
                          {}};
        response.headers.reserve(all.response_headers_len);
        for (std::size_t i = 0; i < all.response_headers_len; ++i) {
            perilune_slice name{}, value{};
            detail::call(perilune_trace_header, handle(), i, &name, &value);
            response.headers.emplace_back(detail::text(name), detail::text(value));
        }
        return response;
    }
    std::optional<Response> response() const&& = delete;

    /// 1, 2, 3 ... per engine.
    std::uint64_t id() const noexcept { return perilune_trace_id(handle()); }
    /// The name of the script that ran.
    std::string_view script() const& noexcept {
        return detail::text(view().script);
    }
    std::string_view script() const&& = delete;
    /// The version of the script that ran.
    std::uint64_t version() const noexcept { return view().version; }
    /// When the run began.
    std::chrono::system_clock::time_point executed_at() const noexcept {
        using std::chrono::system_clock;
        const std::chrono::nanoseconds since(view().executed_at_unix_ns);
        return system_clock::time_point(std::chrono::duration_cast<system_clock::duration>(since));
    }
    /// From the building of the script's tables to the end of its result.
    std::chrono::nanoseconds duration() const noexcept {
        return std::chrono::nanoseconds(perilune_trace_duration_ns(handle()));
    }
    /// What the run took.
    Usage usage() const noexcept {
        const perilune_trace_view all = view();
        return {all.memory_bytes, all.host_calls, std::chrono::nanoseconds(all.queued_ns),
                std::chrono::nanoseconds(all.waited_ns)};
    }
    /// The trace as one line of JSON, in the form of Syncano's Script Endpoint. Made by the first call.
    std::string_view json() const& noexcept { return detail::text(perilune_trace_json(handle())); }
    std::string_view json() const&& = delete;

private:
    perilune_trace_view view() const noexcept {
        perilune_trace_view view{};
        view.size = sizeof view;
        perilune_trace_read(handle(), &view, nullptr);
        return view;
    }
};

/// What came of a run that somebody else made: a trace, or why there is none.
class Outcome {
public:
    /// A trace.
    Outcome(Trace trace) noexcept : result_(std::move(trace)) {}
    /// Why there is none.
    Outcome(Error error) noexcept : result_(std::move(error)) {}

    /// Whether there is a trace.
    explicit operator bool() const noexcept { return error() == nullptr; }
    /// The trace; throws the error if there is none.
    const Trace& value() const& {
        if (const Error* failed = error()) failed->raise();
        return *std::get_if<Trace>(&result_);
    }
    /// The trace; throws the error if there is none.
    Trace value() && {
        std::as_const(*this).value();
        return std::move(*std::get_if<Trace>(&result_));
    }
    /// Why there is no trace; NULL if there is one.
    const Error* error() const& noexcept { return std::get_if<Error>(&result_); }
    const Error* error() const&& = delete;

private:
    std::variant<Trace, Error> result_;
};

namespace detail {

/// Takes over what the C API tells of a run.
inline Outcome outcome(perilune_trace* trace, perilune_error* error) {
    if (error == nullptr) return Trace(trace);
    const ErrorGuard guard(error);
    return Error(error);
}

}  // namespace detail
}  // namespace perilune

#endif
