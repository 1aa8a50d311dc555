/// Functions of the host that scripts call as host.NAME(...).
#ifndef PERILUNE_FUNCTION_HPP
#define PERILUNE_FUNCTION_HPP

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "error.hpp"
#include "value.hpp"

namespace perilune {

class Engine;

class ArgumentError;

namespace detail {

[[noreturn]] inline void refuse();

}  // namespace detail

/// An argument of a host function is not what it takes. Left alone, it is a Lua error in the library's words: which argument, what
/// was wanted and what it is.
class ArgumentError : public std::runtime_error {
private:
    // Only where the C API has noted what is wrong.
    friend void detail::refuse();

    ArgumentError() : std::runtime_error("an argument is not what the function takes") {}
};

namespace detail {

[[noreturn]] inline void refuse() { throw ArgumentError(); }

template <class>
inline constexpr bool never = false;

template <class>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

/// Whether scripts have it as a number.
template <class T>
inline constexpr bool is_number = std::is_arithmetic_v<T> && !std::is_same_v<T, bool>;

/// Reads an argument that is a double, a boolean or a string, by the function of the C API for that.
template <class T, class Function, class... Rest>
T read_by(Function function, perilune_call* call, std::size_t index, Rest... rest) {
    T value{};
    if (!function(call, index, &value, rest...)) refuse();
    return value;
}

/// Reads an argument as a type of the host's.
template <class T>
T read(perilune_call* call, std::size_t index) {
    if constexpr (is_optional<T>) {
        if (perilune_call_type(call, index) == PERILUNE_TYPE_NULL) return std::nullopt;
        return read<typename T::value_type>(call, index);
    } else if constexpr (std::is_same_v<T, bool>) {
        return read_by<bool>(perilune_call_boolean, call, index);
    } else if constexpr (std::is_integral_v<T>) {
        const double number = read<double>(call, index);
        const double least = static_cast<double>(std::numeric_limits<T>::min());
        const double past = std::ldexp(1.0, std::numeric_limits<T>::digits);
        if (!(number >= least && number < past && number == std::trunc(number))) {
            throw std::out_of_range("argument #" + std::to_string(index + 1) + " must be a whole number that fits");
        }
        return static_cast<T>(number);
    } else if constexpr (is_number<T>) {
        return static_cast<T>(read_by<double>(perilune_call_number, call, index));
    } else if constexpr (std::is_same_v<T, std::string_view> || std::is_same_v<T, std::string>) {
        return T(text(read_by<perilune_slice>(perilune_call_string, call, index)));
    } else if constexpr (std::is_same_v<T, Json>) {
        return Json{std::string(text(read_by<perilune_slice>(perilune_call_json, call, index)))};
    } else if constexpr (std::is_same_v<T, Value>) {
        const ValueGuard value(read_by<perilune_value*>(perilune_call_value, call, index));
        return from_c(value.get());
    } else {
        static_assert(never<T>, "arguments are bool, numbers, std::string, std::string_view, perilune::Value, perilune::Json, and "
                                "std::optional of those");
    }
}

/// Says what the script gets.
template <class Result>
void answer(perilune_call* call, const Result& result) {
    if constexpr (is_optional<Result>) {
        if (result) {
            answer(call, *result);
        } else {
            perilune_call_return_null(call);
        }
    } else if constexpr (std::is_same_v<Result, std::nullptr_t>) {
        perilune_call_return_null(call);
    } else if constexpr (std::is_same_v<Result, bool>) {
        perilune_call_return_boolean(call, result);
    } else if constexpr (is_wide<Result>) {
        if constexpr (std::is_signed_v<Result>) {
            perilune_call_return_int64(call, result);
        } else {
            perilune_call_return_uint64(call, result);
        }
    } else if constexpr (is_number<Result>) {
        perilune_call_return_number(call, static_cast<double>(result));
    } else if constexpr (std::is_same_v<Result, Json>) {
        perilune_call_return_json(call, given(result.text));
    } else if constexpr (std::is_same_v<Result, Value>) {
        perilune_call_return_value(call, to_c(result).release());
    } else if constexpr (std::is_convertible_v<const Result&, std::string_view>) {
        perilune_call_return_string(call, given(result));
    } else {
        static_assert(std::is_convertible_v<const Result&, Value>,
                      "results are void, bool, numbers, strings, perilune::Value, perilune::Json, and std::optional of those");
        perilune_call_return_value(call, to_c(result).release());
    }
}

/// The types of what a function takes.
template <class... Arguments>
struct Parameters {};

template <class Function, class = void>
struct Signature {
    static_assert(never<Function>, "a host function takes perilune::Call&, or has one call operator with types that can be read");
};
template <class Result, class... Arguments>
struct Signature<Result (*)(Arguments...)> {
    using Types = Parameters<Arguments...>;
};
template <class Result, class... Arguments>
struct Signature<Result (*)(Arguments...) noexcept> : Signature<Result (*)(Arguments...)> {};
template <class Result, class Class, class... Arguments>
struct Signature<Result (Class::*)(Arguments...)> : Signature<Result (*)(Arguments...)> {};
template <class Result, class Class, class... Arguments>
struct Signature<Result (Class::*)(Arguments...) noexcept> : Signature<Result (*)(Arguments...)> {};
template <class Result, class Class, class... Arguments>
struct Signature<Result (Class::*)(Arguments...) const> : Signature<Result (*)(Arguments...)> {};
template <class Result, class Class, class... Arguments>
struct Signature<Result (Class::*)(Arguments...) const noexcept> : Signature<Result (*)(Arguments...)> {};
template <class Function>
struct Signature<Function, std::void_t<decltype(&Function::operator())>> : Signature<decltype(&Function::operator())> {};

}  // namespace detail

/// The answer to a call, which a function of Engine::async_function gives later, once, from any thread. Destroyed before that, it tells the script that
/// there was no answer.
class Pending {
public:
    /// Of the C API's, given away.
    explicit Pending(perilune_pending* pending) noexcept : pending_(pending) {}

    /// The script gets a result: of the types that a host function returns, or nothing.
    void resolve() { perilune_pending_resolve(pending_.release(), nullptr); }
    template <class Result>
    void resolve(const Result& result) {
        if constexpr (detail::is_optional<Result>) {
            result ? resolve(*result) : resolve();
        } else if constexpr (std::is_same_v<Result, Json>) {
            perilune_pending_resolve_json(pending_.release(), detail::given(result.text));
        } else {
            auto value = detail::to_c(Value(result));
            perilune_pending_resolve(pending_.release(), value.release());
        }
    }
    /// The script gets a Lua error, "host.NAME: MESSAGE", which it can catch.
    void reject(std::string_view message) { perilune_pending_reject(pending_.release(), detail::given(message)); }

    /// Whether nobody waits any more: the run timed out, or was cancelled. True once it is answered, too.
    bool is_gone() const noexcept { return perilune_pending_is_gone(pending_.get()); }
    /// Has a callable called once nobody waits any more, or at once where that is so: on any thread, so it must neither block nor throw.
    template <class Callable>
    void on_gone(Callable&& callable) {
        using State = std::decay_t<Callable>;
        auto state = std::make_unique<State>(std::forward<Callable>(callable));
        perilune_pending_on_gone(
            pending_.get(), [](void* user_data) { (*static_cast<State*>(user_data))(); }, state.release(), &detail::destroy<State>);
    }

private:
    struct Free {
        void operator()(perilune_pending* pending) const noexcept { perilune_pending_free(pending); }
    };
    std::unique_ptr<perilune_pending, Free> pending_;
};

/// A call of a host function that is under way: what the script gave, and the run that it is part of. Lent to the function until it
/// returns, on its thread only, and so are the views that it hands out.
class Call {
public:
    /// Of the C API's.
    explicit Call(perilune_call* call) noexcept : call_(call) {}
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    /// How many arguments there are.
    std::size_t size() const noexcept { return perilune_call_len(call_); }
    /// What an argument is, from 0: Type::table for any table.
    Type type(std::size_t index) const noexcept { return static_cast<Type>(perilune_call_type(call_, index)); }
    /// An argument, from 0, as bool, a number, std::string, std::string_view, Value, Json, or std::optional of one of those, which
    /// has nothing where the argument is nil or missing. Throws what a script sees as a Lua error if it is anything else.
    template <class T>
    T get(std::size_t index) {
        return detail::read<T>(call_, index);
    }

    /// The name that the function was called by.
    std::string_view name() const noexcept { return detail::text(perilune_call_name(call_)); }
    /// Has the call answered later: see Engine::async_function. Throws std::logic_error where the function is none of those, or the second time.
    Pending defer() {
        perilune_pending* const pending = perilune_call_defer(call_);
        if (!pending) throw std::logic_error("only a function of async_function answers later, and once");
        return Pending(pending);
    }

    /// The engine that the script runs in, for running others. A function that captured its engine would keep it alive for ever.
    Engine engine() const noexcept;
    /// Trace::id of the trace to come.
    std::uint64_t run_id() const noexcept { return perilune_call_run_id(call_); }
    /// The name of the script that runs.
    std::string_view script() const noexcept { return detail::text(perilune_call_script(call_)); }
    /// What is left of the run's timeout; when a function returns later, the run ends there.
    std::chrono::nanoseconds remaining() const noexcept {
        const std::uint64_t most = static_cast<std::uint64_t>(std::chrono::nanoseconds::max().count());
        const std::uint64_t left = perilune_call_remaining_ns(call_);
        return std::chrono::nanoseconds(left < most ? left : most);
    }
    /// Whether the run was cancelled: it ends when the function returns.
    bool is_cancelled() const noexcept { return perilune_call_is_cancelled(call_); }

private:
    perilune_call* call_;
};

namespace detail {

/// A parameter while it waits to be handed over.
template <class T>
using Held = std::conditional_t<std::is_same_v<T, Call&>, Call&, std::remove_cv_t<std::remove_reference_t<T>>>;

/// Reads the arguments one after another; the call itself is none.
template <class T>
Held<T> next(Call& call, std::size_t& index) {
    if constexpr (std::is_same_v<T, Call&>) {
        return call;
    } else if constexpr (std::is_same_v<Held<T>, Pending>) {
        return call.defer();
    } else {
        return call.get<Held<T>>(index++);
    }
}

template <class Function, class... Arguments>
decltype(auto) spread(const Function& function, Call& call, Parameters<Arguments...>) {
    static_assert(std::is_invocable_v<const Function&, Held<Arguments>&&...>,
                  "scripts call on several threads at once: the function must be const, and change none of its arguments");
    [[maybe_unused]] std::size_t index = 0;
    // In braces, so that they are read from left to right.
    std::tuple<Held<Arguments>...> arguments{next<Arguments>(call, index)...};
    return std::apply(function, std::move(arguments));
}

template <class Function>
decltype(auto) invoke(const Function& function, Call& call) {
    if constexpr (std::is_invocable_v<const Function&, Call&>) {
        return function(call);
    } else {
        return spread(function, call, typename Signature<Function>::Types());
    }
}

/// A host function as the C API calls it.
template <class Function>
void enter(perilune_call* raw, void* state) noexcept {
    try {
        const Function& function = *static_cast<const Function*>(state);
        Call call(raw);
        if constexpr (std::is_void_v<decltype(invoke(function, call))>) {
            invoke(function, call);
            perilune_call_return_null(raw);
        } else {
            answer(raw, invoke(function, call));
        }
    } catch (const ArgumentError&) {
        // The C API has noted the better text.
    } catch (const std::exception& error) {
        perilune_call_fail(raw, perilune_str(error.what()));
    } catch (...) {
        perilune_call_fail(raw, perilune_str("an exception of an unknown type"));
    }
}

/// Registers a host function, with an engine or a script.
template <class Registrar, class Owner, class Function>
void add_function(Registrar registrar, Owner* owner, std::string_view name, Function&& function) {
    using State = std::decay_t<Function>;
    auto state = std::make_unique<State>(std::forward<Function>(function));
    detail::call(registrar, owner, slice(name), &enter<State>, state.release(), &destroy<State>);
}

}  // namespace detail
}  // namespace perilune

#endif
