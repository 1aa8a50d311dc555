// Views of what is about to go must not compile. Nothing here runs.
#include <type_traits>
#include <utility>

#include <perilune.hpp>

using namespace perilune;

#define VIEW(Class, method)                                                                            \
    namespace Class##_##method {                                                                       \
    constexpr auto look = [](auto&& object) -> decltype(std::forward<decltype(object)>(object).method()) { \
        return std::forward<decltype(object)>(object).method();                                        \
    };                                                                                                 \
    using Look = decltype(look);                                                                       \
    static_assert(std::is_invocable_v<Look, Class&> && std::is_invocable_v<Look, const Class&>);       \
    static_assert(!std::is_invocable_v<Look, Class> && !std::is_invocable_v<Look, const Class>);       \
    }

VIEW(Trace, out)
VIEW(Trace, err)
VIEW(Trace, value_json)
VIEW(Trace, error)
VIEW(Trace, response)
VIEW(Trace, script)
VIEW(Trace, json)
VIEW(Outcome, error)
VIEW(Error, reason)
VIEW(Error, subject)
VIEW(RunError, message)
VIEW(RunError, script)
VIEW(RunError, traceback)
VIEW(Script, name)
VIEW(Script, hash)
VIEW(Script, source)
VIEW(Value, string)
VIEW(Value, array)
VIEW(Value, object)
VIEW(Metrics, json)
VIEW(Metrics, prometheus)

// What a temporary one gives is no reference into it.
static_assert(std::is_same_v<decltype(std::declval<Trace>().throw_if_failed()), Trace>);
static_assert(std::is_same_v<decltype(std::declval<Outcome>().value()), Trace>);
static_assert(std::is_same_v<decltype(std::declval<Request>().query("").timeout({})), Request>);
static_assert(std::is_same_v<decltype(std::declval<EngineOptions>().backlog(1).memory(1)), EngineOptions>);

static_assert(!std::is_copy_constructible_v<Trace> && std::is_nothrow_move_constructible_v<Trace>);
static_assert(!std::is_copy_constructible_v<Watch> && std::is_nothrow_move_constructible_v<Watch>);
static_assert(std::is_copy_constructible_v<Engine> && std::is_nothrow_move_constructible_v<Engine>);
static_assert(std::is_copy_constructible_v<Script> && std::is_nothrow_move_constructible_v<Script>);
static_assert(std::is_copy_constructible_v<Request> && std::is_nothrow_move_constructible_v<Request>);
static_assert(std::is_nothrow_move_constructible_v<Outcome> && std::is_nothrow_move_constructible_v<Value>);
static_assert(std::is_nothrow_copy_constructible_v<Error> && std::is_nothrow_copy_constructible_v<RunError>);
