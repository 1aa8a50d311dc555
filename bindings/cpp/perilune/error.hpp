/// Why a call did nothing.
#ifndef PERILUNE_ERROR_HPP
#define PERILUNE_ERROR_HPP

#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "handle.hpp"

namespace perilune {

/// Why a call did nothing. New ones can come.
enum class Code : perilune_code {
    invalid_argument = PERILUNE_INVALID_ARGUMENT,  ///< No text, an object that was moved from, or a number that means nothing.
    compile_error = PERILUNE_COMPILE_ERROR,        ///< The source does not compile, or is over its limit.
    payload_error = PERILUNE_PAYLOAD_ERROR,        ///< The request can't be given to a script.
    not_found = PERILUNE_NOT_FOUND,                ///< No script serves under the name.
    name_error = PERILUNE_NAME_ERROR,              ///< A host function can't have the name.
    nested = PERILUNE_NESTED,                      ///< A host function began a run inside too many others.
    file_error = PERILUNE_FILE_ERROR,              ///< A file or directory can't be read or watched.
    internal = PERILUNE_INTERNAL,                  ///< The system gave no memory or thread, or a bug.
    panic = PERILUNE_PANIC,                        ///< A bug in the library, stopped at its boundary.
};

/// The name of a code, such as "compile_error".
inline std::string_view to_string(Code code) noexcept { return perilune_code_name(static_cast<perilune_code>(code)); }

/// Where a source or JSON is wrong.
struct Position {
    std::size_t line;    ///< From 1.
    std::size_t column;  ///< The character in the line, from 1; 0 where it is not known.
    std::size_t offset;  ///< The character in the whole text, from 0.
};

/// Why a call did nothing; what() is for people: what, where, and what to do. A copy throws nothing.
class Error : public std::runtime_error {
public:
    /// Says what an error of the C API says.
    explicit Error(const perilune_error* error)
        : std::runtime_error(perilune_error_message(error).data), data_(std::make_shared<const Data>(error)) {}

    // A move would leave an error that says nothing.
    Error(const Error&) noexcept = default;
    Error& operator=(const Error&) noexcept = default;
    ~Error() override = default;

    /// What kind of error it is.
    Code code() const noexcept { return data_->code; }
    /// What is wrong, without the place; "" where what() says it all.
    std::string_view reason() const& noexcept { return data_->reason; }
    std::string_view reason() const&& = delete;
    /// The script, function or file that it is about, or the part of the request: "body", "config", "meta"; else "".
    std::string_view subject() const& noexcept { return data_->subject; }
    std::string_view subject() const&& = delete;
    /// Where the source or the JSON is wrong.
    std::optional<Position> position() const noexcept { return data_->position; }

    /// Throws it as the class that is its code's.
    [[noreturn]] void raise() const;

private:
    struct Data {
        explicit Data(const perilune_error* error)
            : code(static_cast<Code>(perilune_error_code(error))),
              reason(detail::text(perilune_error_reason(error))),
              subject(detail::text(perilune_error_subject(error))) {
            Position at{};
            if (perilune_error_position(error, &at.line, &at.column, &at.offset)) position = at;
        }

        Code code;
        std::string reason;
        std::string subject;
        std::optional<Position> position;
    };

    std::shared_ptr<const Data> data_;
};

/// The source does not compile.
class CompileError : public Error {
public:
    /// The same error, by its class.
    explicit CompileError(const Error& error) noexcept : Error(error) {}
};

/// The request can't be given to a script: not JSON, no object, or over its limits.
class PayloadError : public Error {
public:
    /// The same error, by its class.
    explicit PayloadError(const Error& error) noexcept : Error(error) {}
};

/// No script serves under the name.
class NotFound : public Error {
public:
    /// The same error, by its class.
    explicit NotFound(const Error& error) noexcept : Error(error) {}
};

inline void Error::raise() const {
    switch (code()) {
        case Code::compile_error: throw CompileError(*this);
        case Code::payload_error: throw PayloadError(*this);
        case Code::not_found: throw NotFound(*this);
        default: throw Error(*this);
    }
}

namespace detail {

using ErrorGuard = Guard<perilune_error, perilune_error_free>;

/// Calls a function of the C API that can fail. Its last parameter is the place for the error.
template <class Function, class... Arguments>
void call(Function function, Arguments... arguments) {
    perilune_error* error = nullptr;
    if (function(arguments..., &error) != PERILUNE_OK) {
        const ErrorGuard guard(error);
        Error(error).raise();
    }
}

/// The same, of a function that makes an object.
template <class Made, class Function, class... Arguments>
Made make(Function function, Arguments... arguments) {
    typename Made::element_type* made = nullptr;
    call(function, arguments..., &made);
    return Made(made);
}

}  // namespace detail
}  // namespace perilune

#endif
